import pytest

from tunewright.planfile import apply_overrides, merge
from tunewright.planfile.problems import Problem, name_overrides, plan_error


def put(tree, *options):
    tree, problems, _ = apply_overrides(tree, options)
    assert problems == []
    return tree


def test_values_are_yaml_and_nested_keys_are_created():
    assert put({}, "a.b.c=[x, 'y']") == {"a": {"b": {"c": ["x", "y"]}}}
    assert put(None, "a={b: 1}") == {"a": {"b": "1"}}
    assert put({"a": {"x": "1", "b": "2"}}, "a.b=3") == {"a": {"x": "1", "b": "3"}}


def test_the_later_option_wins_and_the_tree_given_is_not_changed():
    tree = {"a": {"b": "1"}}
    assert put(tree, "a.b=2", "a.b=3", "a.c=x=y") == {"a": {"b": "3", "c": "x=y"}}
    assert tree == {"a": {"b": "1"}}


@pytest.mark.parametrize(
    "option", ["training.epochs", "=3", "a..b=3", ".a=3", "", "a=[1", "a=*b", "a={x: 1, x: 2}", "a=!!python/name:os 1"]
)
def test_a_bad_option_names_itself_and_changes_nothing(option):
    tree, problems, by_path = apply_overrides({"a": {"b": "1"}}, [option])
    assert tree == {"a": {"b": "1"}} and by_path == {}
    assert [p.path for p in problems] == [f"--set {option}"]


def test_a_value_without_keys_is_not_replaced_by_a_section():
    tree, problems, _ = apply_overrides({"a": "1"}, ["a.b=2"])
    assert tree == {"a": "1"} and "plain value at a." in problems[0].text


def test_merge_replaces_what_is_not_a_section():
    assert merge({"a": [1], "b": {"x": 1}}, {"a": [2], "b": {"y": 2}}) == {"a": [2], "b": {"x": 1, "y": 2}}
    assert merge({"a": {"x": 1}}, {"a": None}) == {"a": None}


def test_problems_name_the_option_that_set_their_place():
    paths = ["a.b", "a.b[0]", "a.b.c", "a", "a.bc"]
    named = name_overrides([Problem(path=p, text="Wrong.") for p in paths], {"a.b": "a.b=1"})
    assert ["a.b=1" in p.text for p in named] == [True, True, True, True, False]


def test_an_error_lists_every_problem_once():
    twice = [Problem(path="a", text="Wrong."), Problem(path="b", text="Bad."), Problem(path="a", text="Wrong.")]
    assert str(plan_error(twice)).splitlines() == ["The plan must have no mistakes. Got 2:", "  a: Wrong.", "  b: Bad."]
