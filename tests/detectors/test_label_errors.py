"""Label errors by way of the detector: rows, evidence, severity, and what the test part may not do."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.detectors.label_errors import LabelErrors
from tunewright.learning.learned import learn
from tunewright.tasks import make_task

ROWS = 800
PARTS = ["train", "train", "validation", "test"] * (ROWS // 4)


def learned_from(rows, x, kind):
    target = rows.typed[rows.table.target]
    task = make_task(kind, target.gather(rows.seen))
    return learn(
        task,
        rows=rows.used,
        features=x[rows.used].astype(np.float32),
        width=x.shape[1],
        targets=task.encode(target.gather(rows.used)),
        fitted=np.isin(rows.used, rows.seen),
        clusters=rows.used,
        seed=0,
    )


def posed(pose, labels, x, kind):
    frame = pl.DataFrame({"text": [f"message number {i} of many" for i in range(ROWS)], "y": labels})
    kinds = {"regression": "number", "multilabel": "multilabel"}
    rows = pose(frame, parts=PARTS, text="text", **({"y": kinds[kind]} if kind in kinds else {}))
    known = learned_from(rows, x, kind)
    return replace(rows, learned=lambda: known)


@pytest.fixture
def clouds():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, ROWS)
    return (rng.normal(size=(3, 8)) * 2)[y] + rng.normal(size=(ROWS, 8)), y, rng


NAMES = np.array(["apples", "pears", "a fruit whose name is far longer than forty letters"])


def test_planted_errors_are_found_in_every_part(clouds, pose):
    x, y, _ = clouds
    bad = np.arange(5, 205, 7)
    given = y.copy()
    given[bad] = (y[bad] + 1) % 3
    (found,) = LabelErrors().find(posed(pose, NAMES[given], x, "multiclass"))
    assert np.isin(bad, found.rows).mean() > 0.85 and np.isin(found.rows, bad).mean() > 0.8
    assert {PARTS[row] for row in found.rows} == {"train", "validation", "test"}
    assert found.rows_total == len(found.rows) == len(found.scores) and list(found.scores) == sorted(found.scores)[::-1]
    assert found.severity == "warning" and found.remedy == "drop_suspects" and found.columns == ("y",)
    assert found.evidence.startswith(f"{len(found.rows)} of {ROWS} labels are doubtful")
    assert "'apples'" in found.evidence and "forty" not in found.evidence and found.evidence.endswith(".")


def test_few_errors_are_information_and_no_fit_says_nothing(clouds, pose):
    x, y, rng = clouds
    clean = LabelErrors().find(posed(pose, NAMES[y], x, "multiclass"))
    assert all(finding.severity == "info" and len(finding.rows) <= 8 for finding in clean)
    assert LabelErrors().find(posed(pose, NAMES[rng.permutation(y)], x, "multiclass")) == ()
    rows = posed(pose, NAMES[y], x, "multiclass")
    assert LabelErrors().find(replace(rows, learned=lambda: None)) == ()


def test_rows_that_are_in_no_part_are_not_named(clouds, pose):
    x, y, _ = clouds
    bad = np.arange(3, 203, 10)
    given = y.copy()
    given[bad] = (y[bad] + 1) % 3
    rows = posed(pose, NAMES[given], x, "multiclass")
    less = replace(rows, split=replace(rows.split, test=()))
    (found,) = LabelErrors().find(less)
    assert not {PARTS[row] for row in found.rows} & {"test"} and f"of {len(less.used)} labels" in found.evidence


def test_the_evidence_of_sets_and_of_numbers(pose):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, 6))
    has = x[:, :2] > 0.7
    clear = np.flatnonzero((x[:, :2] > 2).all(1) | (x[:, :2] < -1).all(1))[:12]
    has[clear, 0] = ~has[clear, 0]
    labels = ["|".join(name for name, on in zip(("red", "blue"), row, strict=True) if on) or "none" for row in has]
    (found,) = LabelErrors().find(posed(pose, labels, x, "multilabel"))
    assert "have a label that similar rows have not" in found.evidence and "'red'" in found.evidence
    assert np.isin(clear, found.rows).mean() > 0.7
    values = x[:, 0] + rng.normal(size=ROWS) * 0.2
    values[[40, 41]] += 9
    (found,) = LabelErrors().find(posed(pose, values, x, "regression"))
    assert set(found.rows[:2]) == {40, 41} and f"of {ROWS} values lie farther" in found.evidence
    assert found.severity == "info"


def test_test_rows_decide_nothing_about_the_others(clouds, pose):
    x, y, rng = clouds
    given = y.copy()
    given[np.arange(5, 205, 10)] = (y[np.arange(5, 205, 10)] + 1) % 3
    other, moved = given.copy(), x.copy()
    test = np.array(PARTS) == "test"
    other[test], moved[test] = rng.permutation(given[test]), rng.normal(size=x[test].shape) * 9
    one, two = (
        [row for f in LabelErrors().find(posed(pose, NAMES[g], z, "multiclass")) for row in f.rows if not test[row]]
        for g, z in ((given, x), (other, moved))
    )
    assert one == two and one
