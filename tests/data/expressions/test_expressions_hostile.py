"""Whatever is written, an expression is read or refused: nothing runs, nothing crashes, nothing takes long."""

import subprocess
import sys
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.expressions import parse
from tunewright.errors import PlanError

FRAME = pl.DataFrame({"a": [1.0, None, -1.0], "b": [True, False, None], "t": ["x", "", None]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').system('true')", '"__import__" at character 1'),
        ("a.__class__", '"__class__" at character 3'),
        ("a.__class__.__mro__", "a part of a date must follow"),
        ("(lambda: 0)()", '":"'),
        ("t[0]", '"["'),
        ("eval('1')", "A function must be one of"),
        ("f'{a}'", "an operator or the end"),
        ("a; b", '";"'),
        ("a := 1", '":"'),
        ("[x for x in a]", "must stand here"),
        ("t.format(a)", '"format"'),
        ("'%s' % a", "takes a number and a number"),
        ("t * 1000000000", "takes a number and a number"),
        ("\x00", r"\x00"),
        ("a\x1b[2J", r"\x1b"),
        ("a + '\ud800'", "Unicode"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}a", r"\u202e"),
    ],
)
def test_what_is_no_expression_is_refused_at_its_place(text, said):
    with pytest.raises(PlanError) as refused:
        parse(text).evaluate(FRAME)
    assert said in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "a" + ")" * 100_000,
        "(" * 4_000,
        "not " * 2_000 + "b",
        "-" * 9_000 + "a",
        "abs(" * 2_000,
        "a ** " * 1_500 + "a",
        "a in (" * 1_000,
        "a < " * 2_000 + "a",
        "b and " * 1_500 + "b",
        "a + " * 2_000 + "a",
        "a" + ".hour" * 1_500,
        "'" + "x" * 1_000_000,
        "9" * 400,
        "1e309",
    ],
)
def test_what_is_endless_is_refused_at_once(text):
    started = time.perf_counter()
    with pytest.raises(PlanError):
        parse(text)
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("text", ["9**9**9", "9**9**9 / 9**9**9", "1e308 * 10", "-(1e308 * 10)", "0 / 0", "10 % 0"])
def test_what_no_number_can_hold_is_null(text):
    assert parse(text).evaluate(FRAME).to_list() == [None] * 3


def test_nesting_as_deep_as_is_allowed_neither_crashes_nor_doubles():
    # Inside every level the one below is mentioned once; were it woven in twice, this would be 2**45 operations.
    text = "a"
    for _ in range(45):
        text = f"min({text}, 1 / a)"
    started = time.perf_counter()
    assert parse(text).evaluate(FRAME).to_list() == [1.0, None, -1.0]
    text = "0 < a"
    for _ in range(24):
        text = f"b == ({text}) == b"
    parse(text).evaluate(FRAME)
    parse("a" + " + a" * 149).evaluate(FRAME)
    assert time.perf_counter() - started < 5.0


def test_depth_leaves_room_on_a_small_stack():
    code = (
        "import sys; sys.setrecursionlimit(600)\n"
        "import polars as pl; from tunewright.data.expressions import parse\n"
        "frame = pl.DataFrame({'a': [1.0]})\n"
        "print(parse('(' * 49 + 'a' + ')' * 49).evaluate(frame).to_list(),"
        " parse('a' + ' + a' * 149).evaluate(frame).to_list())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[1.0] [150.0]\n", done.stderr


WORDS = (
    r"""a b t ( ) , . + - ** % == < in not and or if max log hour 'x' " 1 1e5 `a` ` \ missing true [ ] is_missing é"""
)
SOUP = st.lists(st.sampled_from([*WORDS.split(), "\n", "contains"]), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=30), SOUP.map(" ".join), SOUP.map("".join)))
def test_any_text_is_read_or_refused(text):
    try:
        answer = parse(text).evaluate(FRAME)
    except PlanError as refused:
        assert " at character " in str(refused) and str(refused).isprintable()
    else:
        assert answer.len() == 3


def test_reading_needs_no_polars():
    code = (
        "import sys; from tunewright.data.expressions import parse; parse('a + 1'); sys.exit('polars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
