import math

import pytest

from tunewright.planfile import above, at_least, between, matches

INSIDE = {"[]": "0 0.25 0.5", "[)": "0 0.25", "(]": "0.25 0.5", "()": "0.25"}


@pytest.mark.parametrize("ends", INSIDE)
def test_between_is_interval_notation(ends):
    check = between(0, 0.5, ends=ends)
    points = (-0.1, 0, 0.25, 0.5, 0.6)
    assert [p for p in points if check.holds(p)] == [float(p) for p in INSIDE[ends].split()]


@pytest.mark.parametrize("check", [at_least(1), above(1), between(1, 2), between(1, 2, ends="()")])
def test_number_checks_speak_of_numbers_only(check):
    assert all(check.holds(value) for value in ("auto", None, True))
    assert not check.holds(0) and not check.holds(math.nan)


def test_matches_needs_the_whole_text():
    check = matches("head|layers:[1-9]", "head or layers:N")
    assert [check.holds(v) for v in ("head", "layers:3", "head ", "xhead", "layers:0", "head\n")] == [
        True,
        True,
        *[False] * 4,
    ]


def test_large_bounds_are_written_exactly():
    assert between(0, 2**32, ends="[)").says == ">= 0 and < 4294967296"
