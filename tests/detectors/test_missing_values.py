"""Empty cells, and values that stand for them."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tunewright.data.disguised import disguised_dates, disguised_numbers, disguised_words
from tunewright.detectors.missing_values import MissingValues


def numbers(values):
    return pl.Series([float(v) for v in values], dtype=pl.Float64)


def table(n=200, **columns):
    plain = {"text": [f"a message about thing {i} with words" for i in range(n)], "y": ["a", "b"] * (n // 2)}
    return pl.DataFrame(plain | columns)


def found_in(pose, name, cells, **kinds):
    found = MissingValues().find(pose(table(len(cells), **{name: cells}), **kinds))
    return [finding for finding in found if name in finding.columns]


AGES = [20 + i % 41 for i in range(200)]
DISGUISED = [
    ([*AGES, -999, -999], [-999.0]),
    ([*AGES, 9999, 9999, 9999], [9999.0]),
    ([*AGES, 99, 99], []),  # somebody may be 99
    ([*AGES, -999], []),  # once is an outlier
    ([*AGES, -1, -1], [-1.0]),
    ([*range(0, 2600, 3), -1, -1, 9999999, 9999999], [-1.0, 9999999.0]),
    ([1, 2, 3] * 40 + [99] * 5, [99.0]),
    ([0, 1] * 40 + [-999] * 5, [-999.0]),
    ([-1, 0, 1] * 40, []),
    ([-1, 0, 1, 2] * 40, []),
    ([-3, -2, -1, 0, 1, 2, 3, 4, 5] * 20, []),
    ([*np.linspace(-500, 500, 301), *[-99.0] * 12], [-99.0]),
    ([*np.linspace(-500, 500, 301), *[-99.0] * 3], []),
    ([min(i, 999) for i in range(900, 1100)], []),  # a cap
    ([*np.linspace(30, 50, 300), 0, 0, 0], [0.0]),
    ([*np.linspace(20, 45, 300), *[0] * 100], []),  # often zero is a fact
    ([*np.linspace(1, 45, 300), 0, 0, 0], []),
    ([3.5] * 10, []),
    ([], []),
]


@pytest.mark.parametrize(("values", "expected"), DISGUISED)
def test_numbers_that_stand_for_nothing(values, expected):
    assert [d.value for d in disguised_numbers(numbers(values))] == expected


@pytest.mark.parametrize("seed", range(5))
def test_measures_and_counts_have_none(seed):
    rng = np.random.default_rng(seed)
    for values in (
        rng.normal(8, 3, 800).round(),
        rng.normal(12, 6, 800).round(),
        rng.poisson(3, 800),
        rng.lognormal(5, 1.5, 800).round(),
        (rng.pareto(1, 800) * 10).round(),
        rng.integers(1, 6, 800),
        rng.integers(0, 101, 800),
        np.where(rng.random(800) < 0.3, 0, rng.lognormal(3, 0.5, 800)),
    ):
        assert disguised_numbers(numbers(values)) == ()


def days(*extra, n=100):
    return pl.Series([datetime(2015, 1, 1) + timedelta(days=i, hours=i % 24) for i in range(n)] + list(extra))


def test_days_that_stand_for_nothing():
    assert [str(d.value) for d in disguised_dates(days(datetime(1900, 1, 1)))] == ["1900-01-01"]
    assert [str(d.value) for d in disguised_dates(days(datetime(1970, 1, 1, 5)))] == ["1970-01-01"]
    assert [str(d.value) for d in disguised_dates(days(datetime(9999, 12, 31)))] == ["9999-12-31"]
    assert disguised_dates(days()) == ()
    births = pl.Series([datetime(1940, 1, 1) + timedelta(days=97 * i) for i in range(200)])
    assert disguised_dates(pl.concat([births, pl.Series([datetime(1970, 1, 1)])])) == ()
    crowd = disguised_dates(pl.concat([births, pl.Series([datetime(1970, 1, 1)] * 30)]))
    assert [str(d.value) for d in crowd] == ["1970-01-01"]


def test_words_that_stand_for_nothing_unless_they_look_like_the_others():
    cities = pl.Series(["Rome", "N/A", "?", " ", "unknown", "Nancy", None])
    assert disguised_words(cities, among=cities) == (" ", "?", "N/A", "unknown")
    continents = pl.Series(["EU", "NA", "AS", "SA", "AF"])
    assert disguised_words(continents, among=continents) == ()
    rhesus = pl.Series(["+", "-"])
    assert disguised_words(rhesus, among=rhesus) == ()


def test_empty_cells_are_counted_and_located(pose):
    cells = [None if i % 4 == 0 else "red" if i % 2 else "blue" for i in range(200)]
    (finding,) = found_in(pose, "colour", cells)
    assert finding.rows == tuple(range(0, 200, 4)) and finding.score == 0.25 and finding.severity == "info"
    assert finding.evidence == "'colour' is empty in 50 of 200 rows (25.0%)."
    (worse,) = found_in(pose, "colour", [None if i % 3 else ["red", "blue"][i % 2] for i in range(200)])
    assert worse.severity == "warning"


def test_cells_that_the_cast_takes_for_empty_are_told(pose):
    cells = ["Varies with device" if i % 10 == 0 else f"{i}M" for i in range(200)]
    (finding,) = found_in(pose, "size", cells)
    assert finding.rows_total == 20
    assert "20 of these cells say 'Varies with device', which does not read like the rest." in finding.evidence


def test_columns_with_few_empty_cells_share_a_finding(pose):
    frame = table(
        400,
        a=["x" if i % 2 else "z" for i in range(400)],
        b=[None if i == 7 else "p" if i % 2 else "q" for i in range(400)],
        c=["oops" if i == 9 else str(i % 50) for i in range(400)],
    )
    (finding,) = MissingValues().find(pose(frame))
    assert finding.columns == ("b", "c") and finding.rows == (7, 9)
    assert "2 columns are empty in a few of 400 rows: 'b' in 1, 'c' in 1" in finding.evidence
    assert "1 of these cells say 'oops'" in finding.evidence


def test_sentinels_are_a_warning_and_count_in_every_part(pose):
    cells = ["-999" if i in (3, 8, 9, 40) else str(20 + i % 41) for i in range(200)]
    (finding,) = found_in(pose, "age", cells)
    assert finding.rows == (3, 8, 9, 40) and finding.severity == "warning"
    told = "'age' is -999 in 4 of 200 rows; all other values lie between 20 and 60. This may stand for an empty cell."
    assert finding.evidence == told


def test_what_only_test_rows_hold_decides_nothing(pose):
    cells = ["-999" if i % 4 == 3 else str(20 + i % 41) for i in range(200)]
    assert found_in(pose, "age", cells) == []


def test_words_of_categories_and_of_classes(pose):
    cells = ["?" if i in (5, 70) else "red" if i % 2 else "blue" for i in range(200)]
    (finding,) = found_in(pose, "colour", cells)
    assert finding.rows == (5, 70) and finding.severity == "info"
    assert "'colour' holds 2 '?'. Such a cell stands for an empty one" in finding.evidence
    labels = ["nan" if i in (5, 70) else "a" if i % 2 else "none" for i in range(200)]
    (target,) = MissingValues().find(pose(table(y=labels)))
    assert target.rows == (5, 70) and target.severity == "warning" and "counts as a class" in target.evidence


def test_a_text_that_is_the_word_none_may_be_a_word(pose):
    texts = [f"a message about thing {i} with words" for i in range(200)]
    texts[17] = "None"
    (finding,) = MissingValues().find(pose(table().with_columns(text=pl.Series(texts))))
    assert finding.severity == "info" and finding.rows == (17,)
    assert "1 'None' (first: row 17). Look whether it is meant as a word." in finding.evidence


def test_a_sentinel_in_the_target_of_a_regression(pose):
    target = [-9999.0 if i in (1, 2, 5) else 10 + i / 7 for i in range(200)]
    (finding,) = MissingValues().find(pose(table(y=target)))
    assert finding.columns == ("y",) and finding.rows == (1, 2, 5) and finding.remedy is None


def test_dates(pose):
    cells = ["1900-01-01" if i in (2, 4) else f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(200)]
    (finding,) = found_in(pose, "day", cells)
    assert finding.rows == (2, 4) and "'day' is 1900-01-01 in 2 of 200 rows" in finding.evidence
    clocks = [f"{i % 24:02d}:30" for i in range(200)]
    assert found_in(pose, "clock", clocks) == []
