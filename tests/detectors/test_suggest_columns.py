"""Columns that look like a group or a time are named, unless the plan knows them; other columns are not."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tunewright.detectors.suggest_columns import SuggestColumns, _within

ROWS = 600


def frame(**more):
    rng = np.random.default_rng(0)
    columns = {
        "amount": rng.lognormal(3, 1, ROWS),
        "kind": rng.choice(["a", "b"], ROWS),
        "y": rng.choice(["u", "v"], ROWS),
    }
    return pl.DataFrame(columns | more)


def codes(groups, rows=ROWS):
    return [f"C{number:04d}" for number in np.random.default_rng(1).integers(0, groups, rows)]


def suggested(pose, table, **kinds):
    return SuggestColumns().find(pose(table, **kinds))


def test_nothing_is_suggested(pose):
    assert suggested(pose, frame(), kind="category") == ()


def test_a_column_called_like_a_group(pose):
    (finding,) = suggested(pose, frame(customer_id=codes(150)), customer_id="category")
    assert finding.columns == ("customer_id",) and finding.severity == "info"
    assert "splits.group: customer_id" in finding.evidence and finding.score > 0.9 and finding.rows


@pytest.mark.parametrize("kind", ["number", "id"])
def test_whole_numbers_called_like_a_group(kind, pose):
    numbers = np.random.default_rng(1).integers(1000, 1150, ROWS)
    assert len(suggested(pose, frame(patient=numbers), patient=kind)) == 1


@pytest.mark.parametrize("name", ["households", "rooms"])
def test_counts_are_no_groups(name, pose):
    assert suggested(pose, frame(**{name: np.random.default_rng(1).integers(1, 150, ROWS)})) == ()


def test_a_column_within_which_targets_are_alike(pose):
    places = codes(120)
    leaning = dict(zip(sorted(set(places)), np.random.default_rng(2).random(150) > 0.5))
    y = ["u" if leaning[place] else "v" for place in places]
    (finding,) = suggested(pose, frame(place=places, y=y), place="category")
    assert finding.columns == ("place",) and "targets are alike" in finding.evidence
    assert suggested(pose, frame(place=places), place="category") == ()


def test_what_the_split_keeps_whole_is_not_suggested(pose):
    own = sorted(codes(150))
    parts = ["train"] * 400 + ["validation"] * 100 + ["test"] * 100
    assert suggested(pose, frame(customer_id=own), customer_id="category", parts=parts) == ()


def test_a_named_group_is_not_suggested_again(pose):
    rows = pose(frame(customer_id=codes(150)), customer_id="category")
    known = replace(
        rows.table,
        columns=tuple(replace(c, role="group") if c.name == "customer_id" else c for c in rows.table.columns),
    )
    assert SuggestColumns().find(replace(rows, table=known)) == ()


def test_a_time_by_name_or_by_order(pose):
    start = datetime(2024, 1, 1)
    days = [start + timedelta(days=row) for row in range(ROWS)]
    mixed = np.random.default_rng(0).permutation(days).tolist()
    assert "splits.time: created_at" in suggested(pose, frame(created_at=mixed))[0].evidence
    assert "sorted" in suggested(pose, frame(moment=days))[0].evidence
    assert suggested(pose, frame(moment=mixed)) == ()
    assert suggested(pose, frame(birth_date=mixed)) == ()
    rows = pose(frame(created_at=mixed))
    assert SuggestColumns().find(replace(rows, split=replace(rows.split, how="by_time"))) == ()


def test_likeness_by_counting_pairs():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), 4)
    numbers = (rng.normal(size=200)[groups] + rng.normal(size=800))[:, None]
    centred = (numbers - numbers.mean())[:, 0]
    pairs = [centred[i] * centred[j] for i in range(800) for j in range(800) if i != j and groups[i] == groups[j]]
    assert _within(numbers, groups) == pytest.approx(np.mean(pairs) / (centred**2).mean())
    assert _within(rng.normal(size=(800, 1)), groups) == 0.0
