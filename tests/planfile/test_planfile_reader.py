import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tunewright.planfile import read_yaml
from tunewright.planfile.reader import DEEPEST, LONGEST_PLAN, Plain

TREES = st.recursive(
    st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def depth(tree):
    inner = list(tree.values()) if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return 1 + max(map(depth, inner), default=0)


@given(TREES.filter(lambda tree: depth(tree) <= DEEPEST), st.booleans())
def test_reads_what_pyyaml_writes(tree, flow):
    assert read_yaml(yaml.safe_dump(tree, default_flow_style=flow)) == (tree, [])


@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \n\t0.~", max_size=40))
def test_any_text_agrees_with_pyyaml_or_is_refused(text):
    # Oracle: PyYAML's own composer, with every scalar a string.
    try:
        documents = list(yaml.load_all(text, Loader=yaml.BaseLoader))
    except yaml.YAMLError:
        documents = None
    tree, problems = read_yaml(text)
    if not problems:
        assert documents is not None and len(documents) <= 1
        expected = documents[0] if documents else None
        assert tree == expected or (tree is None and expected == "")


@pytest.mark.parametrize("word", ["no", "2e-4", "12:30", "null", "0x1F", "1_000", "2024-01-01", "0777", "~", "<<", "="])
def test_no_scalar_is_interpreted(word):
    tree, problems = read_yaml(f"a: [{word}, '{word}']")
    assert problems == [] and tree == {"a": [word, word]}
    assert [type(item) for item in tree["a"]] == [Plain, str]


def test_a_text_tag_makes_a_text():
    tree, problems = read_yaml("a: !!str null")
    assert problems == [] and type(tree["a"]) is str


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:pathlib.Path.touch [{canary}]",
        "!!python/object/apply:os.system ['touch {canary}']",
        "!!python/object/new:pathlib.PosixPath {{args: [{canary}]}}",
        "!!python/name:os.system",
        "!local {canary}",
        "! {canary}",
        "!!int 4",
        "!!binary aGVsbG8=",
    ],
)
def test_tags_are_refused_and_nothing_runs(tmp_path, value):
    canary = tmp_path / "canary"
    tree, problems = read_yaml("training:\n  epochs: " + value.format(canary=canary) + "\n  x: 1\n")
    assert not canary.exists()
    assert [p.path for p in problems] == ["training.epochs"] and "on line 2" in problems[0].text
    assert tree == {"training": {"x": "1"}}


def test_a_tag_on_a_key_is_refused():
    tree, problems = read_yaml("!!python/name:os.system a: 1\nb: 2")
    assert len(problems) == 1 and tree == {"b": "2"}


def test_duplicate_keys_are_all_found_and_the_first_stays():
    tree, problems = read_yaml("a: 1\nb: {x: 1, x: 2}\na: 3\n'a': 4")
    assert [(p.path, p.text.split(" on line ")[1][0]) for p in problems] == [("b.x", "2"), ("a", "3"), ("a", "4")]
    assert tree == {"a": "1", "b": {"x": "1"}}


def test_an_alias_bomb_does_not_expand():
    levels = [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 10)]
    started = time.perf_counter()
    tree, problems = read_yaml("\n".join(["l0: &l0 lol", *levels]))
    assert time.perf_counter() - started < 2
    assert len(problems) == 81 and "alias *l0" in problems[0].text
    assert tree["l0"] == "lol" and tree["l9"] == []


def test_a_recursive_alias_is_refused():
    tree, problems = read_yaml("a: &a [1, *a]")
    assert len(problems) == 1 and tree == {"a": ["1"]}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_ends_at_once(opening):
    started = time.perf_counter()
    tree, problems = read_yaml(opening * (LONGEST_PLAN // len(opening)))
    assert time.perf_counter() - started < 2
    assert tree is None and "levels deep" in problems[0].text


def test_depth_allowed_is_exact():
    assert read_yaml("[" * (DEEPEST - 1) + "x" + "]" * (DEEPEST - 1))[1] == []
    assert read_yaml("[" * DEEPEST + "x" + "]" * DEEPEST)[1] != []


def test_size_is_bounded():
    assert read_yaml("#" * LONGEST_PLAN) == (None, [])
    assert "200,001" in read_yaml("#" * (LONGEST_PLAN + 1))[1][0].text


@pytest.mark.parametrize(
    "text, says",
    [
        ("a: [1, 2", "line 1, column 9"),
        ("a: 1\n  b: 2", "line 2, column 4"),
        ("a: \x07", "special characters"),
        ("a: *b\n", "alias *b"),
        ("a: 1\n---\nb: 2", "Got 2"),
        ("[a, b]: 1", "plain text keys"),
        ("a:\n\t- 1", "line 2"),
    ],
)
def test_what_is_not_a_plans_yaml_is_located(text, says):
    problems = read_yaml(text, path="here")[1]
    assert problems and says in str(problems[0]) and problems[0].path.startswith("here")
