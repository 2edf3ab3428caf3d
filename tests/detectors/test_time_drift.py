"""What changes along a time column is named; seasons, clocks and noise are not."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tunewright.data import read
from tunewright.detectors.time_drift import TimeDrift

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")
ROWS = 900
WAY = np.linspace(0, 1, ROWS)
WORDS = "red green blue small large fast slow old new warm cold dark light soft hard"


def frame(**changed):
    rng = np.random.default_rng(0)
    start = datetime(2023, 1, 1)
    columns = {
        "when": [start + timedelta(hours=19 * row) for row in range(ROWS)],
        "text": [" ".join(rng.choice(WORDS.split(), rng.integers(4, 12))) for _ in range(ROWS)],
        "size": rng.normal(size=ROWS),
        "kind": rng.choice(["a", "b", "c"], ROWS),
        "y": rng.choice(["yes", "no"], ROWS),
    }
    return pl.DataFrame(columns | changed)


def find(pose, table, **more):
    return TimeDrift().find(pose(table, text="text", kind="category", **more))


def test_nothing_drifts(pose):
    assert find(pose, frame()) == ()


DRIFTS = {
    "size": lambda rng: rng.normal(size=ROWS) + 2 * WAY,
    "kind": lambda rng: np.where(rng.random(ROWS) < WAY, "c", "a"),
    "text": lambda rng: [
        f"dear team red {'hello' if u < w else 'bye'} {i % 97}" for i, (u, w) in enumerate(zip(rng.random(ROWS), WAY))
    ],
    "y": lambda rng: np.where(rng.random(ROWS) < 0.3 + 0.5 * WAY, "yes", "no"),
}


@pytest.mark.parametrize("column", DRIFTS)
def test_what_drifts_is_named(column, pose):
    (finding,) = find(pose, frame(**{column: DRIFTS[column](np.random.default_rng(1))}))
    assert finding.columns == (column,)
    assert finding.severity == ("warning" if column == "y" else "info") and "splits.time: when" in finding.evidence


def test_the_mean_of_a_number_by_year(pose):
    demand = 100 + 60 * (WAY > 0.55) + np.random.default_rng(0).normal(0, 20, ROWS)
    (finding,) = find(pose, frame(y=demand), y="number")
    assert "'y': mean 98." in finding.evidence and "in 2023" in finding.evidence and "in 2024" in finding.evidence


def test_a_season_is_no_drift(pose):
    """Twice the same year: first and last third differ, yet nothing goes anywhere."""
    season = -np.cos(4 * np.pi * (WAY - 1 / 12)) + np.random.default_rng(0).normal(0, 0.3, ROWS)
    assert find(pose, frame(size=season)) == ()


def test_a_clock_is_no_drift(pose):
    days = [f"{1 + row // 90}" for row in range(ROWS)]
    assert find(pose, frame(size=np.arange(ROWS) * 1.0 + 0.5)) == ()
    assert find(pose, frame(week=days)) == ()


def test_a_split_by_time_needs_no_hint(pose):
    rows = pose(frame(y=DRIFTS["y"](np.random.default_rng(1))), text="text", kind="category")
    (finding,) = TimeDrift().find(replace(rows, split=replace(rows.split, how="by_time")))
    assert finding.severity == "info" and "splits.time" not in finding.evidence


def test_birthdays_are_not_the_time(pose):
    table = frame(y=DRIFTS["y"](np.random.default_rng(1))).rename({"when": "birth_date"})
    assert find(pose, table) == ()


@pytest.mark.shared
@needs_shared
def test_more_bicycles_each_year(pose):
    table = read(SHARED / "bike_sharing/hour.csv.gz").frame
    (finding,) = TimeDrift().find(pose(table, target="count", casual="ignore", registered="ignore"))
    assert finding.columns[0] == "count" and "mean 14" in finding.evidence and "mean 14" in finding.evidence
    assert "in 2011, 23" in finding.evidence and finding.severity == "warning"
