"""Every detector keeps the detectors' promises; and each finds what it is for."""

import json
from dataclasses import FrozenInstanceError, replace

import polars as pl
import pytest

from tunewright.detectors import DETECTORS, detect
from tunewright.records import Finding, Split, from_json, to_json


def ordinary(rows=40):
    return pl.DataFrame(
        {
            "text": [f"an ordinary message number {i} of several" for i in range(rows)],
            "amount": [float(i * 37 % 101) for i in range(rows)],
            "y": ["a" if i % 2 else "b" for i in range(rows)],
        }
    )


def dirty():
    return pl.DataFrame(
        {
            "text": ["the same words again", "a few other words"] * 15 + [None] * 10,
            "amount": [None] * 30 + [float(i) for i in range(10)],
            "fixed": ["constant"] * 40,
            "id": [f"row-{i:05d}" for i in range(40)],
            "y": ["big"] * 33 + ["small"] * 4 + ["odd", "odd", "late"],
        }
    )


def many_labels():
    return pl.DataFrame({"text": [f"words {i}" for i in range(30)], "y": [*(["a|b", "b", "a|c"] * 10)[:29], "b|d"]})


CASES = {
    "ordinary": lambda pose: pose(ordinary()),
    "dirty": lambda pose: pose(dirty()),
    "multilabel": lambda pose: pose(many_labels(), text="text", y="multilabel"),
    "regression": lambda pose: pose(ordinary().with_columns(y=pl.col("amount") * 1.5), y="number"),
    "no validation": lambda pose: pose(ordinary(), parts=["train"] * 30 + ["test"] * 10),
}


@pytest.fixture(params=CASES)
def case(request, pose):
    return CASES[request.param](pose)


@pytest.fixture(params=DETECTORS, ids=lambda detector: type(detector).__name__)
def detector(request):
    return request.param


def test_purity_determinism_and_json(detector, case):
    raw, typed = case.raw.clone(), case.typed.clone()
    found = detector.find(case)
    assert found == detector.find(case)
    assert case.raw.equals(raw) and case.typed.equals(typed)
    for finding in found:
        assert finding.kind == detector.kind
        assert from_json(Finding, json.loads(json.dumps(to_json(finding), allow_nan=False))) == finding
        assert finding.evidence.endswith((".", "…"))
        assert all(0 <= row < case.typed.height for row in finding.rows)
        assert len(set(finding.rows)) == len(finding.rows) and finding.rows_total >= len(finding.rows)
        assert len(finding.scores) in (0, len(finding.rows))
        assert set(finding.columns) <= {column.name for column in case.table.columns}


def test_a_detector_is_frozen(detector):
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        detector.kind = "other"


def test_one_row_in_each_part(detector, pose):
    rows = pose(ordinary())
    detector.find(replace(rows, split=Split(train=(0,), validation=(1,), test=(2,), how="given")))
    detector.find(replace(rows, split=Split(train=(0,), validation=(), test=(), how="given")))


def test_rows_outside_every_part_are_left_aside(detector, case):
    """Findings speak of rows that are used: junk in an unused row changes nothing that is counted."""
    split = case.split
    unused = Split(train=split.train, validation=split.validation, test=split.test[:-1], how="given")
    for finding in detector.find(replace(case, split=unused)):
        assert split.test[-1] not in finding.rows


def test_ordinary_data_has_no_findings(pose):
    assert detect(CASES["ordinary"](pose)) == ()


def test_the_kinds_that_dirty_data_shows(pose):
    found = detect(CASES["dirty"](pose))
    kinds = {finding.kind for finding in found}
    assert {"rare_class", "class_imbalance", "missing_values", "constant_column", "id_column", "too_few"} <= kinds


def test_missing_values_are_counted_and_located(pose):
    by_column = {f.columns[0]: f for f in detect(CASES["dirty"](pose)) if f.kind == "missing_values"}
    assert by_column["amount"].rows == tuple(range(30)) and by_column["amount"].severity == "warning"
    assert by_column["text"].rows == tuple(range(30, 40)) and by_column["text"].score == 0.25


def test_a_label_that_only_the_test_part_has_is_an_error(pose):
    frame = ordinary().with_columns(y=pl.when(pl.arange(40) == 39).then(pl.lit("late")).otherwise(pl.col("y")))
    found = detect(pose(frame))
    (error,) = [finding for finding in found if finding.severity == "error"]
    assert (error.kind, error.rows, "'late'" in error.evidence) == ("rare_class", (39,), True)


def test_a_rare_class_is_counted_in_the_train_rows(pose):
    frame = ordinary(80).with_columns(
        y=pl.when(pl.arange(80).is_in([0, 4, 8])).then(pl.lit("c")).otherwise(pl.col("y"))
    )
    (finding,) = [f for f in detect(pose(frame)) if f.kind == "rare_class"]
    assert finding.rows == (0, 4, 8) and finding.severity == "warning"


def test_one_label_is_spoken_of_as_one(pose):
    y, row = pl.col("y"), pl.arange(80)
    late = ordinary(80).with_columns(y=pl.when(row == 79).then(pl.lit("late")).otherwise(y))
    (error,) = [f for f in detect(pose(late)) if f.kind == "rare_class"]
    assert error.evidence.startswith("1 label occurs in the test part only ('late'): no model can learn it, and")
    rare = ordinary(80).with_columns(y=pl.when(row.is_in([0, 4])).then(pl.lit("c")).otherwise(y))
    (warning,) = [f for f in detect(pose(rare)) if f.kind == "rare_class"]
    assert warning.evidence.startswith("1 label has fewer than 5 training rows: 'c'. Expect little of it,")


@pytest.mark.parametrize(("most", "found"), [(30, 0), (31, 1)])
def test_imbalance_begins_above_three_to_one(most, found, pose):
    labels = ["a"] * most + ["b"] * 10 + (["a", "b"] * 30)[: 50 - most]
    frame = pl.DataFrame({"text": [f"words {i} here" for i in range(60)], "y": labels})
    parts = ["train"] * (most + 10) + ["test"] * (50 - most)
    kinds = [f.kind for f in detect(pose(frame, parts=parts))]
    assert kinds.count("class_imbalance") == found


def test_multilabel_rare_labels_are_counted_in_the_train_rows(pose):
    rows = CASES["multilabel"](pose)
    (finding,) = [f for f in detect(rows) if f.kind == "rare_class"]
    labels, split = rows.typed["y"].to_list(), rows.split
    rare = [name for name in "abcd" if sum(name in labels[row] for row in split.train) < 5]
    assert rare == ["c", "d"] and "2 labels" in finding.evidence and "'c', 'd'" in finding.evidence
    assert finding.rows == tuple(row for row in split.train if set(labels[row]) & set(rare))


@pytest.mark.parametrize(("distinct", "found"), [(20, 1), (21, 0)])
def test_repeats_begin_where_half_of_the_rows_are_new(distinct, found, pose):
    frame = pl.DataFrame(
        {"text": [f"words {i % distinct} here" for i in range(40)], "y": ["a" if i % 2 else "b" for i in range(40)]}
    )
    assert [f.kind for f in detect(pose(frame, text="text"))].count("too_few") == found
