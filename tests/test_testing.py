"""`tunewright.testing`: planted tables for authors of detectors."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tunewright.errors import DataError, PlanError
from tunewright.planting.duplicates_exact import ExactDuplicates
from tunewright.planting.empty_texts import EmptyTexts
from tunewright.planting.flips_uniform import UniformFlips
from tunewright.planting.missing_cells import MissingCells
from tunewright.records import to_json
from tunewright.testing import FAULTS, plant

ROWS = [
    {
        "text": f"the {['red', 'blue', 'green'][n % 3]} parcel number {n} is late again and again",
        "size": (n * 37) % 101 + 0.5,
        "y": "abc"[n % 3],
    }
    for n in range(120)
]


def test_what_is_planted_is_told_and_all_else_is_as_it_was():
    frame = pl.DataFrame(ROWS)
    dirty, truth = plant(frame, "y", seed=1)
    assert set(truth) == {"flips_uniform", "duplicates_exact", "missing_cells", "outliers", "empty_texts"}
    rows = [row for told in truth.values() for row in told.rows]
    assert len(rows) == len(set(rows)), "no row has two faults"
    clean = [row for row in range(len(frame)) if row not in rows]
    assert dirty[clean].equals(frame[clean])
    for row in truth["flips_uniform"].rows:
        assert dirty["y"][row] != frame["y"][row]
    for row, source in zip(truth["duplicates_exact"].rows, truth["duplicates_exact"].beside, strict=True):
        assert row >= len(frame) and dirty.row(row) == frame.row(source)
    assert dirty["size"][list(truth["missing_cells"].rows)].null_count() == len(truth["missing_cells"].rows)


def test_the_same_seed_plants_the_same():
    first, again, other = (plant(ROWS, "y", seed=seed) for seed in (3, 3, 4))
    assert first[0].equals(again[0]) and first[1] == again[1]
    assert not first[0].equals(other[0])


def test_a_fault_with_knobs_of_its_own():
    _, truth = plant(ROWS, "y", [UniformFlips(rate=0.5)])
    assert len(truth["flips_uniform"].rows) == 60


def test_no_row_has_two_faults_even_where_there_is_little_room():
    faults = [ExactDuplicates(rate=0.2), UniformFlips(rate=0.4), MissingCells(rate=0.9), EmptyTexts(rate=0.9)]
    dirty, truth = plant(ROWS, "y", faults)
    rows = [row for told in truth.values() for row in told.rows]
    assert len(rows) == len(set(rows))
    assert not set(rows) & set(truth["duplicates_exact"].beside)
    assert dirty["size"].null_count() == len(truth["missing_cells"].rows)


def test_truth_is_json():
    _, truth = plant(ROWS, "y", ["id_column"])
    told = json.loads(json.dumps(to_json(truth)))["id_column"]
    assert told["kind"] == "id_column" and told["of"] == "columns" and len(told["columns"]) == 1


def test_parts_make_room_for_overlap():
    parts = ["train", "train", "test"] * 40
    dirty, truth = plant(ROWS, "y", ["overlap"], parts=parts)
    for row in truth["overlap"].rows:
        assert parts[row] == "test"
    assert len(dirty) == 120


def test_what_has_no_place_is_refused_where_it_was_asked_for():
    numbers = [{"n": n, "m": n % 7, "y": float(n % 11) + 0.5} for n in range(60)]
    with pytest.raises(DataError, match="'empty_texts' has none in these 60 rows"):
        plant(numbers, "y", ["empty_texts"])
    assert "empty_texts" not in plant(numbers, "y")[1]
    with pytest.raises(DataError, match="'overlap'"):
        plant(ROWS, "y", ["overlap"])


def test_names_are_checked():
    with pytest.raises(PlanError, match="Did you mean 'outliers'"):
        plant(ROWS, "y", ["outlier"])
    with pytest.raises(PlanError, match="outliers twice"):
        plant(ROWS, "y", ["outliers", "outliers"])
    with pytest.raises(PlanError, match="Got 3 for 120 rows, among them 'dev'"):
        plant(ROWS, "y", ["overlap"], parts=["train", "dev", "test"])


def test_every_fault_is_on_offer():
    frame = pl.DataFrame(ROWS)
    for fault in FAULTS:
        try:
            dirty, _ = plant(frame, "y", [fault.name], parts=["train", "train", "test"] * 40)
        except DataError:
            continue
        assert not dirty.equals(frame)
