"""Random splits are not called shifted; parts of another kind are, whatever the difference lies in."""

import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tunewright.detectors.split_shift import SplitShift, _auc
from tunewright.splits import SplitOptions, make_split

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")
PARTS = ["train"] * 300 + ["validation"] * 100 + ["test"] * 200
WORDS = "red green blue small large fast slow old new warm cold dark light soft hard"


def frame(seed=0):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "text": [" ".join(rng.choice(WORDS.split(), rng.integers(4, 12))) for _ in range(600)],
            "amount": rng.lognormal(3, 1, 600),
            "kind": rng.choice(["a", "b", "c"], 600),
            "y": rng.choice(["yes", "no"], 600),
        }
    )


def find(pose, table, parts=PARTS, **more):
    return SplitShift().find(pose(table, text="text", kind="category", parts=parts, **more))


def test_random_splits_are_alike(pose):
    rows = pose(frame(), text="text", kind="category")
    for seed in range(12):
        split = make_split(rows.typed, rows.table, options=SplitOptions(), seed=seed).split
        assert SplitShift().find(replace(rows, split=split)) == ()


def in_test(table, column, changed):
    later = pl.arange(table.height) >= 400
    return table.with_columns(pl.when(later).then(changed).otherwise(pl.col(column)).alias(column))


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("amount", pl.col("amount") * 3),
        ("kind", pl.lit("a")),
        ("text", pl.col("text") + " sent from my phone"),
        ("amount", pl.lit(None)),
        ("y", pl.lit("yes")),
    ],
    ids=["number", "category", "text", "empty", "target"],
)
def test_a_shifted_column_is_named(column, changed, pose):
    (finding,) = find(pose, in_test(frame(), column, changed))
    assert finding.columns[0] == column and finding.severity == "warning" and "test rows" in finding.evidence


@pytest.mark.parametrize("name", ["n", "w", "side", "0", "1", "count"])
def test_a_shifted_category_may_have_any_name(name, pose):
    table = in_test(frame(), "kind", pl.lit("a")).rename({"kind": name})
    (finding,) = SplitShift().find(pose(table, text="text", parts=PARTS, **{name: "category"}))
    assert finding.columns[0] == name


def test_the_validation_part_is_compared_too(pose):
    table = frame()
    middle = pl.arange(600).is_between(300, 399)
    shifted = table.with_columns(amount=pl.when(middle).then(pl.col("amount") * 9).otherwise("amount"))
    (finding,) = find(pose, shifted)
    assert "validation rows" in finding.evidence


def test_a_difference_in_vectors_alone(pose):
    """No single column differs, the vectors do: only the classifier can see it, and says which rows it tells apart."""
    table = frame()
    vectors = np.random.default_rng(1).normal(size=(600, 12))
    vectors[400:, 3] += 2.0
    learned = types.SimpleNamespace(rows=np.arange(600), features=vectors.astype(np.float32), width=12)
    (finding,) = find(pose, table, learned=lambda: learned)
    assert finding.score > 0.75 and "AUC" in finding.evidence and finding.columns == ("text",)
    assert finding.rows and set(finding.rows) <= set(range(400, 600))
    assert list(finding.scores) == sorted(finding.scores, reverse=True)


def test_a_split_by_time_is_expected_to_differ(pose):
    rows = pose(in_test(frame(), "amount", pl.col("amount") * 3), text="text", kind="category", parts=PARTS)
    (finding,) = SplitShift().find(replace(rows, split=replace(rows.split, how="by_time")))
    assert finding.severity == "info" and "by time" in finding.evidence


def test_copies_of_a_row_count_once(pose):
    """Twenty rows, ten times each in train, are twenty: too few to compare."""
    table = pl.concat([frame()[:20]] * 10 + [frame()[300:500]])
    assert find(pose, table, parts=["train"] * 200 + ["test"] * 200) == ()


def test_auc_by_counting_pairs():
    rng = np.random.default_rng(0)
    answer, y = np.sort(rng.integers(0, 6, 40)).astype(float), rng.integers(0, 2, 40).astype(float)
    weights = rng.integers(0, 3, (5, 40)).astype(float)
    for row, value in zip(weights, _auc(answer, y, weights), strict=True):
        pairs = [
            (row[i] * row[j], (answer[i] > answer[j]) + (answer[i] == answer[j]) / 2)
            for i in range(40)
            for j in range(40)
            if y[i] == 1 and y[j] == 0
        ]
        assert value == pytest.approx(sum(w * c for w, c in pairs) / sum(w for w, _ in pairs))


@pytest.mark.shared
@needs_shared
def test_forum_texts_in_the_test_part_of_captions(pose):
    given = [("train", "train"), ("dev", "validation"), ("test", "test")]
    frames = [
        pl.read_csv(SHARED / f"sts_captions_forums/{name}.csv.gz", infer_schema=False).with_columns(part=pl.lit(part))
        for name, part in given
    ]
    table = pl.concat(frames)
    rows = pose(table, target="similarity_score", parts=table["part"].to_list(), part="ignore")
    found = SplitShift().find(rows)
    assert [finding.score > 0.65 for finding in found] == [True, True] and "'you' in 0.0%" in found[0].evidence
