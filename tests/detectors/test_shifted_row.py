"""Rows whose cells stand beside their own columns."""

import numpy as np
import polars as pl
import pytest

from tunewright.detectors.profiles import cells_of, profile
from tunewright.detectors.shifted_row import ShiftedRow, _best_run

N = 400
CITIES, PLANS = ["Rome", "Paris", "Oslo", "Lyon"], ["free", "plus", "business"]


def table(n=N, seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "message": [f"a message that says {word} about thing {i}" for i, word in enumerate(rng.choice(CITIES, n))],
            "city": rng.choice(CITIES, n).tolist(),
            "plan": rng.choice(PLANS, n).tolist(),
            "age": [str(int(age)) for age in rng.integers(18, 80, n)],
            "price": [f"{price:.2f}" for price in rng.lognormal(3, 1, n)],
            "day": [f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(n)],
            "version": [f"{i % 3}.{i % 7}.{i % 5}" for i in range(n)],
            "y": rng.choice(["yes", "no"], n).tolist(),
        }
    )


def moved(frame, rows, by, first, last):
    """The cells of columns first..last moved `by` columns to the left; what is free stays empty."""
    cells = [list(row) for row in frame.iter_rows()]
    for row in rows:
        old = list(cells[row])
        for place in range(first, last + 1):
            cells[row][place] = None
        for place in range(first, last + 1):
            if first <= place - by <= last:
                cells[row][place - by] = old[place]
    return pl.DataFrame(cells, schema=frame.schema, orient="row")


@pytest.mark.parametrize("seed", range(4))
def test_a_sound_table_has_none(pose, seed):
    assert ShiftedRow().find(pose(table(seed=seed))) == ()


@pytest.mark.parametrize("by", [1, -1, 2, -2])
@pytest.mark.parametrize(("first", "last"), [(1, 6), (2, 6), (0, 6), (1, 4)])
@pytest.mark.parametrize("rows", [(7,), tuple(range(3, N, 40)), tuple(range(3, N, 20))])
def test_shifted_rows_are_found_and_no_others(pose, by, first, last, rows):
    (finding,) = ShiftedRow().find(pose(moved(table(), rows, by, first, last)))
    short = last - first + 1 - abs(by) < 3  # two cells that moved, in one row of twenty, tell a little less
    assert set(finding.rows) <= set(rows) and len(finding.rows) >= (0.9 if short else 1.0) * len(rows)
    assert list(finding.scores) == sorted(finding.scores, reverse=True)
    assert (
        f"{abs(by)} column{'s' if abs(by) > 1 else ''} too far to the {'left' if by > 0 else 'right'}"
        in finding.evidence
    )


def test_the_evidence_shows_a_cell_that_is_usual_next_door(pose):
    (finding,) = ShiftedRow().find(pose(moved(table(), (7,), 1, 1, 6)))
    assert finding.severity == "warning" and finding.rows_total == 1
    assert "row 7 stands 1 column too far to the left from 'city' to 'day'" in finding.evidence
    assert "'city' holds 'free', as 'plan' does elsewhere." in finding.evidence
    assert "message that says" not in finding.evidence


def test_rows_that_are_merely_odd_are_not_shifted(pose):
    frame = table()
    odd = {"city": "Nowhere", "plan": "unheard-of", "age": "n/a", "price": "free of charge", "day": "some day"}
    changed = frame.with_columns(
        [
            pl.when(pl.arange(N) == 11).then(pl.lit(cell)).otherwise(pl.col(name)).alias(name)
            for name, cell in odd.items()
        ]
    )
    assert ShiftedRow().find(pose(changed)) == ()


def test_columns_of_one_sort_never_look_shifted(pose):
    rng = np.random.default_rng(1)
    answers = {f"q{k}": [str(v) for v in rng.integers(1, 6, N)] for k in range(8)}
    assert ShiftedRow().find(pose(pl.DataFrame(answers | {"y": ["a", "b"] * (N // 2)}))) == ()


def test_small_and_typed_tables_are_left_alone(pose):
    assert ShiftedRow().find(pose(table(40))) == ()
    typed = table().with_columns(pl.col("age").cast(pl.Int64), pl.col("price").cast(pl.Float64))
    assert ShiftedRow().find(pose(typed)) == ()


def test_likelihood_is_by_value_and_by_shape():
    cells = cells_of(pl.Series(["red"] * 50 + ["blue"] * 40 + [f"v{i}.0" for i in range(10)]))
    likely = profile(cells).likelihood(cells_of(pl.Series(["red", "blue", "green", "v9.1", "2021-02-03"])))
    assert np.all(np.diff(likely) < 0) and likely[0] == pytest.approx(0.25, abs=1e-3)


def test_the_best_run_against_all_runs():
    rng = np.random.default_rng(2)
    gains = rng.normal(size=(200, 7))
    score, first, last = _best_run(gains)
    for row, values in enumerate(gains):
        every = {(i, j): values[i : j + 1].sum() for i in range(7) for j in range(i, 7)}
        assert score[row] == pytest.approx(max(every.values()))
        assert every[(first[row], last[row])] == pytest.approx(score[row])
