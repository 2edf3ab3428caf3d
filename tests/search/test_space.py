"""Spaces: what a dimension takes, in which order, every combination once, and what contradicts itself."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import PlanError
from tunewright.search import space as space_module
from tunewright.search.options import DimensionOptions
from tunewright.search.space import Dimension, combinations, contradictions, in_order, read_dimension


@given(low=st.floats(1e-6, 1e3), width=st.floats(0, 1e4, allow_subnormal=False), log=st.booleans(), whole=st.booleans())
def test_points_lie_in_the_range_and_rise(low, width, log, whole):
    low, high = (round(low) + 1.0, round(low) + 1.0 + round(width)) if whole else (low, low + width)
    dimension = Dimension(name="x", low=low, high=high, log=log, whole=whole)
    points = dimension.points()
    assert 1 <= len(points) <= 5
    assert list(points) == sorted(set(points))
    assert all(dimension.takes(point) for point in points)
    assert points[0] == pytest.approx(low, rel=1e-5) and points[-1] == pytest.approx(high, rel=1e-5)
    places = [dimension.at(point) for point in points]
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places) and places == sorted(places)


def test_log_puts_equal_ratios_at_equal_steps():
    dimension = Dimension(name="x", low=1e-4, high=1.0, log=True)
    assert dimension.points() == (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    assert [dimension.at(point) for point in dimension.points()] == pytest.approx([0, 0.25, 0.5, 0.75, 1])


def test_takes_what_it_should():
    number = Dimension(name="x", low=0.5, high=2.0)
    whole = Dimension(name="n", low=1, high=4, whole=True)
    choice = Dimension(name="c", choices=("a", 2.0))
    assert number.takes(0.5) and number.takes(2) and not number.takes(2.01) and not number.takes("1")
    assert whole.takes(4.0) and not whole.takes(1.5) and not whole.takes(5)
    assert choice.takes("a") and choice.takes(2) and not choice.takes("2") and not choice.takes("b")


WRONG = {
    "both": (DimensionOptions(low=0.1, high=0.2, choices=(1.0,)), "choices or a range"),
    "neither": (DimensionOptions(), "must have choices, or low and high"),
    "no choices": ((), "must have choices, or low and high"),
    "no high": (DimensionOptions(low=0.1), "Got neither in full"),
    "low > high": (DimensionOptions(low=2.0, high=1.0), "low <= high. Got low 2 and high 1"),
    "log of zero": (DimensionOptions(low=0.0, high=1.0, log=True), "low > 0 where log is true. Got low 0"),
    "log of less": (DimensionOptions(low=-1.0, high=1.0, log=True), "low > 0 where log is true"),
    "log of choices": (DimensionOptions(choices=(1.0, 2.0), log=True), "Got choices with log: true"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_dimension_that_is_wrong_says_so(what):
    given, says = WRONG[what]
    (wrong,) = read_dimension("x", given)[1]
    assert says in wrong and wrong.endswith(".")


def test_two_mistakes_are_two_problems():
    assert len(read_dimension("x", DimensionOptions(low=0.0, high=-1.0, log=True))[1]) == 2


def test_repeated_choices_count_once():
    assert read_dimension("x", (1.0, 2.0, 1.0))[0].choices == (1.0, 2.0)


A = Dimension(name="a", choices=("x", "y"))
N = Dimension(name="n", low=1, high=3, whole=True)


@pytest.mark.parametrize(
    ("dimensions", "at", "says"),
    [
        ([Dimension(name="b", choices=(1.0,), when={"a": ("x",)})], "b", "another of the space. Got a"),
        ([A, Dimension(name="b", choices=(1.0,), when={"a": ("z",)})], "b", "values that a takes: x, y. Got z"),
        ([A, Dimension(name="b", choices=(1.0,), when={"a": ("x", "z")})], "b", "Got z"),
        ([A, Dimension(name="b", choices=(1.0,), when={"a": ()})], "b", "Got none"),
        ([N, Dimension(name="b", choices=(1.0,), when={"n": (4.0,)})], "b", "values that n takes: 1 to 3. Got 4"),
        ([N, Dimension(name="b", choices=(1.0,), when={"n": (1.5,)})], "b", "Got 1.5"),
        ([Dimension(name="b", choices=(1.0,), when={"b": (1.0,)})], "b", "must not wait for itself"),
    ],
)
def test_a_condition_that_cannot_hold_says_so(dimensions, at, says):
    ((path, text),) = contradictions(dimensions)
    assert path == at and says in text


def test_a_circle_names_who_is_in_it():
    circle = [
        Dimension(name=one, choices=(1.0, 2.0), when={other: (1.0,)})
        for one, other in (("a", "b"), ("b", "c"), ("c", "a"))
    ]
    ((_, text),) = contradictions(circle)
    assert "a, b, c depend on each other" in text


def test_conditions_that_exclude_each_other_further_up():
    b = Dimension(name="b", choices=(1.0, 2.0), when={"a": ("x",)})
    c = Dimension(name="c", choices=(1.0,), when={"b": (1.0,), "a": ("y",)})
    ((path, text),) = contradictions([A, b, c])
    assert path == "c" and "ask a for different values" in text
    assert not list(contradictions([A, b, Dimension(name="c", choices=(1.0,), when={"b": (1.0,), "a": ("x", "y")})]))


def spaces():
    """Up to five dimensions of choices, each of which may wait for one before it."""

    @st.composite
    def draw(pick):
        found = []
        for place in range(pick(st.integers(1, 5))):
            when = {}
            if found and pick(st.booleans()):
                other = pick(st.sampled_from(found))
                when = {other.name: tuple(pick(st.sets(st.sampled_from(other.choices), min_size=1)))}
            choices = tuple(float(n) for n in range(pick(st.integers(1, 3))))
            found.append(Dimension(name=f"d{place}", choices=choices, when=when))
        return pick(st.permutations(found))

    return draw()


@given(spaces())
def test_combinations_are_those_of_a_brute_force(dimensions):
    """Oracle: all assignments of values or nothing, kept where presence agrees with the conditions."""
    free = [(None, *one.choices) for one in dimensions]
    every = []
    for values in itertools.product(*free):
        params = {one.name: value for one, value in zip(dimensions, values, strict=True) if value is not None}
        if all((one.name in params) == one.holds(params) for one in dimensions):
            every.append(params)
    found = combinations(dimensions)
    as_sets = {frozenset(params.items()) for params in found}
    assert len(as_sets) == len(found)
    assert as_sets == {frozenset(params.items()) for params in every}


@given(spaces())
def test_order_is_a_permutation_in_which_nothing_waits(dimensions):
    ordered = in_order(dimensions)
    assert sorted(one.name for one in ordered) == sorted(one.name for one in dimensions)
    seen = set()
    for one in ordered:
        assert set(one.when) <= seen
        seen.add(one.name)


def test_too_many_combinations_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(space_module, "MOST_COMBINATIONS", 100)
    ten = [Dimension(name=f"d{n}", choices=(0.0, 1.0)) for n in range(60)]  # 2^60 would never end
    with pytest.raises(PlanError, match=r"at most 100 combinations.*random or bayesian"):
        combinations(ten)
    assert len(combinations(ten[:6])) == 64
