"""The scorecard, held against audits whose error rate is known."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import polars as pl
import pytest

from tunewright.errors import DataError
from tunewright.plan import read_plan
from tunewright.planting import FAULTS, Planted
from tunewright.planting.constant_column import ConstantColumn
from tunewright.planting.duplicates_exact import ExactDuplicates
from tunewright.planting.flips_uniform import UniformFlips
from tunewright.planting.id_column import IdColumn
from tunewright.planting.leak_column import LeakingColumn
from tunewright.planting.missing_cells import MissingCells
from tunewright.planting.mojibake import Mojibake
from tunewright.planting.overlap import Overlap
from tunewright.planting.split_shift import SplitShift
from tunewright.records import Finding, from_json, to_json
from tunewright.stories.auditing.calibrate import Scorecard, batches, calibrate, scorecard_text
from tunewright.stories.auditing.scorecard import score, unexplained
from tunewright.stories.prepare import Loaded, load_rows

N = 200


def frame() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    words = ["red", "blue", "green", "grey", "pink"]
    return pl.DataFrame(
        {
            "text": [f"the {' '.join(rng.choice(words, 4))} parcel of order {row} is late" for row in range(N)],
            "size": np.round(rng.normal(50, 9, N), 2),
            "y": [["a", "b", "c"][row % 3] for row in range(N)],
        }
    )


@pytest.fixture(scope="module")
def ground():
    plan = read_plan(data={"target": "y"})
    return load_rows(plan, frame()), plan


def missing(loaded: Loaded, column: str = "size") -> tuple[int, ...]:
    return tuple(np.flatnonzero(loaded.frame[column].is_null().to_numpy()).tolist())


def test_an_audit_that_finds_all_and_no_more(ground):
    def audit(loaded):
        return (Finding(kind="missing_values", severity="info", evidence="", columns=("size",), rows=missing(loaded)),)

    card = calibrate(*ground, audit, rounds=2, faults=[MissingCells()])
    (line,) = card.lines
    assert (line.plantings, line.planted, line.found, line.named, line.disturbed) == (2, 20, 20, 20, 0)
    assert line.recall.value == line.precision.value == 1.0 and line.recall.low < 1.0


def test_half_found_and_as_many_false(ground):
    def audit(loaded):
        rows = missing(loaded)
        sound = [row for row in range(N) if row not in rows]
        rows = (*rows[::2], *sound[: len(rows[::2])]) if rows else ()
        return (Finding(kind="missing_values", severity="info", evidence="", columns=("size",), rows=rows),)

    (line,) = calibrate(*ground, audit, rounds=1, faults=[MissingCells()]).lines
    assert line.recall.value == line.precision.value == 0.5


def test_what_the_clean_data_has_counts_neither_way(ground):
    loaded, plan = ground
    dirty = loaded.frame.with_columns(pl.when(pl.int_range(N) < 30).then(None).otherwise("size").alias("size"))

    def audit(loaded):
        return (Finding(kind="missing_values", severity="info", evidence="", columns=("size",), rows=missing(loaded)),)

    (line,) = calibrate(replace(loaded, frame=dirty), plan, audit, rounds=1, faults=[MissingCells()]).lines
    assert (line.planted, line.found, line.named) == (8, 8, 8)  # a twentieth of those that were there


def test_findings_on_another_column_do_not_count(ground):
    def audit(loaded):
        rows = missing(loaded)
        return (Finding(kind="missing_values", severity="info", evidence="", columns=("other",), rows=rows),)

    (line,) = calibrate(*ground, audit, rounds=1, faults=[MissingCells()]).lines
    assert line.found == line.named == 0 and line.precision is None


def test_false_alarms_are_new_findings_that_nothing_explains(ground):
    old = Finding(kind="encoding", severity="info", evidence="", columns=("text",))

    def audit(loaded):
        if loaded.frame.height == N:
            return (old,)
        new = Finding(kind="sensitive", severity="info", evidence="", columns=("text",))
        return (replace(old, rows=(1, 2)), Finding(kind="near_duplicates", severity="info", evidence=""), new)

    (line,) = calibrate(*ground, audit, rounds=3, faults=[ExactDuplicates()]).lines
    assert (line.disturbed, line.plantings, line.false_alarms.value) == (3, 3, 1.0)
    assert line.alarms == {"sensitive": 3}
    (line,) = calibrate(*ground, lambda loaded: audit(loaded)[:2], rounds=3, faults=[ExactDuplicates()]).lines
    assert line.disturbed == 0


def test_columns_are_counted_and_the_target_is_not_one_too_many(ground):
    def audit(loaded):
        new = tuple(name for name in loaded.frame.columns if name not in ("text", "size", "y"))
        found = Finding(kind="leakage_target", severity="error", evidence="", columns=(*new, "y"))
        return (found,) if new else ()

    (line,) = calibrate(*ground, audit, rounds=2, faults=[LeakingColumn()]).lines
    assert (line.of, line.planted, line.found, line.named) == ("columns", 2, 2, 2)


def test_overlap_is_planted_between_parts_that_stay(ground):
    seen = []

    def audit(loaded):
        seen.append(loaded.parts)
        where: dict[tuple, list[int]] = {}
        for row, cells in enumerate(loaded.frame.rows()):
            where.setdefault(cells, []).append(row)
        twice = [row for rows in where.values() if len(rows) > 1 for row in rows]
        tested = tuple(row for row in twice if loaded.parts and loaded.parts[row] == "test")
        return (Finding(kind="leakage_split", severity="error", evidence="", rows=tested),)

    (line,) = calibrate(*ground, audit, rounds=2, faults=[Overlap(reworded=0.0)]).lines
    assert line.recall.value == line.precision.value == 1.0 and line.planted >= 6
    assert seen[0] is None and len(set(seen[1:])) == 1 and seen[1] is not None


def test_copies_are_in_the_part_of_what_they_copy(ground):
    loaded, plan = ground
    parts = tuple(["train", "train", "validation", "test"] * (N // 4))
    seen = []

    def audit(loaded):
        seen.append(loaded)
        return ()

    calibrate(replace(loaded, parts=parts), plan, audit, rounds=1, faults=[ExactDuplicates()])
    where = {row: part for row, part in zip(loaded.frame.rows(), parts, strict=True)}
    assert seen[1].frame.height > N
    assert [where[row] for row in seen[1].frame.rows()] == list(seen[1].parts)


def test_a_shift_of_the_whole_table_needs_no_column(ground):
    def audit(loaded):
        moved = loaded.parts is not None and not loaded.frame.equals(ground[0].frame)
        return (Finding(kind="split_shift", severity="warning", evidence=""),) if moved else ()

    (line,) = calibrate(*ground, audit, rounds=1, faults=[SplitShift()]).lines
    assert (line.planted, line.found, line.named) == (1, 1, 1)


def test_two_faults_share_a_copy_only_where_neither_hides_the_other():
    for seed in range(10):
        made = batches(FAULTS, seed=seed)
        names = [fault.name for batch in made for fault in batch]
        assert sorted(names) == sorted(fault.name for fault in FAULTS)
        assert len(made) <= 22
        for one, other in (pair for batch in made for pair in permutations(batch, 2)):
            assert one.touches != other.touches and not {"target", "leak", "copies", "shape"} & {one.touches}
            assert one.kind not in (other.kind, *other.also)


def test_faults_that_share_a_copy_are_scored_apart(ground):
    copies = []

    def audit(loaded):
        copies.append(loaded)
        damaged = np.flatnonzero(loaded.frame["text"].str.contains("[ÂÃâ]").to_numpy()).tolist()
        return (
            Finding(kind="missing_values", severity="info", evidence="", columns=("size",), rows=missing(loaded)),
            Finding(kind="encoding", severity="info", evidence="", columns=("text",), rows=tuple(damaged[1:])),
        )

    card = calibrate(*ground, audit, rounds=1, faults=[Mojibake(rate=0.02), MissingCells(), IdColumn()])
    assert len(copies) == 2, "one as it is, one with all three"
    found = {line.fault: (line.found, line.planted, line.disturbed) for line in card.lines}
    assert found == {"mojibake": (3, 4, 0), "missing_cells": (10, 10, 0), "id_column": (0, 1, 0)}


def test_what_also_raises_a_kind_shares_no_copy_with_its_fault():
    assert len(batches([ConstantColumn(), MissingCells()], seed=0)) == 2
    assert len(batches([ConstantColumn(), Mojibake()], seed=0)) == 1


def test_an_audit_that_refuses_the_copy_is_noted(ground):
    def audit(loaded):
        if loaded.frame.height > N:
            raise DataError("Too many rows.")
        return ()

    card = calibrate(*ground, audit, rounds=1, faults=[ExactDuplicates()])
    assert card.lines[0].note == "refused: Too many rows." and card.lines[0].found == 0
    assert "duplicates_exact: refused: Too many rows." in scorecard_text(card)


def test_the_same_seed_gives_the_same_card_and_json_brings_it_back(ground):
    def audit(loaded):
        return (Finding(kind="missing_values", severity="info", evidence="", columns=("size",), rows=missing(loaded)),)

    faults = [MissingCells(), UniformFlips(), next(f for f in FAULTS if f.name == "leak_sum")]
    cards = [calibrate(*ground, audit, rounds=1, seed=4, faults=faults) for _ in range(2)]
    assert cards[0] == cards[1]
    assert cards[0].absent == ("leak_sum",)
    assert from_json(Scorecard, json.loads(json.dumps(to_json(cards[0])))) == cards[0]


def test_the_table_reads(ground):
    def audit(loaded):
        return (Finding(kind="missing_values", severity="info", evidence="", columns=("size",), rows=missing(loaded)),)

    card = calibrate(*ground, audit, rounds=1, faults=[MissingCells(), *[f for f in FAULTS if f.name == "leak_sum"]])
    text = scorecard_text(card)
    assert "planted in copies of these 200 rows, each once:" in text
    line = next(line for line in text.splitlines() if line.startswith("missing_cells"))
    assert line.split("  ")[0] == "missing_cells" and "10 rows" in line and line.count("1.00 (0.72–1.00)") == 2
    assert text.endswith("no place for them: leak_sum.")
    assert max(map(len, text.splitlines())) <= 130


def test_rows_beside_a_fault_are_neither_right_nor_wrong():
    planted = Planted(
        frame=pl.DataFrame({"a": [1, 2, 3, 1]}),
        rows=(3,),
        columns=(),
        origin=np.array([0, 1, 2, 0]),
        added=np.array([3]),
        beside=(0,),
    )
    found = (Finding(kind="duplicates", severity="info", evidence="", rows=(0, 3, 2)),)
    count = score(ExactDuplicates(), planted, target="y", clean=(), found=found)
    assert (count.planted, count.found, count.named) == (1, 1, 2)


def test_planted_rows_that_were_named_before_are_not_scored():
    frame = pl.DataFrame({"a": [1, None, None, 4], "y": [0, 1, 0, 1]})
    planted = Planted(frame=frame, rows=(1, 2), columns=("a",), origin=np.arange(4))
    clean = (Finding(kind="missing_values", severity="info", evidence="", columns=("a",), rows=(2,)),)
    found = (replace(clean[0], rows=(1, 2, 3)),)
    count = score(MissingCells(), planted, target="y", clean=clean, found=found)
    assert (count.planted, count.found, count.named) == (1, 1, 2)


def test_unexplained_compares_kinds_and_columns():
    clean = (Finding(kind="outliers", severity="info", evidence="", columns=("a",)),)
    new = Finding(kind="outliers", severity="info", evidence="", columns=("b",))
    assert unexplained([MissingCells()], clean, (*clean, new)) == (new,)
    assert unexplained([MissingCells()], clean, (replace(new, kind="missing_values"),)) == ()
