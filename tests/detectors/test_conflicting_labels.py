"""Conflicting labels among copies: exact ones always, near ones where the rest of the data speaks against one."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.detectors.conflicting_labels import ConflictingLabels
from tunewright.learning.crossfit import Learned

WORDS = ("parcel", "invoice", "garden", "window", "letter", "engine", "bottle", "planet", "singer", "market")
LONG = "please tell me how i can change the {} of my old blue car before the long winter comes"


def texts(count):
    return [f"the {WORDS[i % 10]} and the {WORDS[i // 10 % 10]} of customer {i * 7919} came {i}" for i in range(count)]


def frame_of(extra, labels, count=60):
    """Ordinary rows of two labels, then the extra ones."""
    return pl.DataFrame(
        {"text": texts(count) + list(extra), "y": ["oil" if i % 2 else "tires" for i in range(count)] + list(labels)}
    )


def find(rows):
    return ConflictingLabels().find(rows)


def said(rows, answers):
    """A fit that gives every row its own label, but those of `answers` another."""
    target = rows.typed[rows.table.target].to_list()
    labels = tuple(sorted(set(target) | set(answers.values())))
    own = np.array([labels.index(answers.get(row, target[row])) for row in rows.used])
    n = len(own)
    known = Learned(
        rows=rows.used,
        features=np.zeros((n, 1), np.float32),
        width=1,
        targets=np.array([labels.index(target[row]) for row in rows.used]),
        labels=labels,
        probabilities=np.eye(len(labels))[own],
        folds=np.zeros(n, np.int64),
        clusters=np.arange(n),
    )
    return replace(rows, learned=lambda: known)


def test_equal_rows_with_different_labels_the_odd_one_out_first(pose):
    same = "this very message was copied"
    rows = pose(
        frame_of([same, same, same, "another one copied", "another one copied"], ["oil", "tires", "oil"] + ["oil"] * 2)
    )
    (found,) = find(rows)
    assert found.rows == (61, 60, 62) and found.groups == ((60, 61, 62),) and found.scores == (0.6667, 0.3333, 0.3333)
    assert found.evidence == "3 of 65 rows are equal in every feature column and carry different labels (1 group)."
    assert found.severity == "warning" and found.remedy == "drop_conflicts"


def test_the_spelling_of_a_label_is_no_conflict(pose):
    rows = pose(frame_of(["copied words here"] * 2, ["oil", " OIL"]))
    assert find(rows) == ()


def test_near_copies_may_rightly_differ(pose):
    rows = pose(frame_of([LONG.format("oil"), LONG.format("tires")], ["oil", "tires"]))
    assert rows.clusters.copies[60] == rows.clusters.copies[61]
    assert find(rows) == () == find(said(rows, {}))
    (found,) = find(said(rows, {61: "oil"}))
    assert set(found.rows) == {60, 61} and found.groups == ((60, 61),)
    assert found.evidence == "2 of 62 rows nearly repeat each other and carry different labels (1 group)."
    # What none of them is labelled says nothing about their conflict.
    assert find(said(rows, {61: "elsewhere"})) == ()


def test_near_copies_that_differ_in_another_column_are_other_things(pose):
    frame = frame_of([LONG.format("oil"), LONG.format("tires")], ["oil", "tires"])
    rows = pose(frame.with_columns(age=pl.int_range(frame.height) * 37 % 101 / 2))
    assert rows.clusters.copies[60] == rows.clusters.copies[61] and find(said(rows, {61: "oil"})) == ()


@pytest.mark.parametrize(("difference", "count"), [(0.2, 0), (9.0, 1)])
def test_values_must_clearly_differ(difference, count, pose):
    values = [float(i % 20) / 4 for i in range(60)]
    frame = pl.DataFrame(
        {"text": [*texts(60), "copied words here", "copied words here"], "y": [*values, 1.0, 1.0 + difference]}
    )
    found = find(pose(frame, y="number"))
    assert len(found) == count and all("different values" in finding.evidence for finding in found)


def test_sets_of_labels_in_another_order_are_the_same(pose):
    labels = ["a|b", "b|a", "a|b", "c"]
    frame = pl.DataFrame(
        {
            "text": [*texts(40), "first copied", "first copied", "second copied", "second copied"],
            "y": ["a", "b|c"] * 20 + labels,
        }
    )
    (found,) = find(pose(frame, y="multilabel"))
    assert found.rows == (42, 43)


def test_equal_table_rows_are_a_coincidence_where_they_are_common(pose):
    rng = np.random.default_rng(0)
    few = pl.DataFrame({"p": rng.integers(0, 12, 300).astype(float), "q": rng.integers(0, 9, 300).astype(float)})
    labels = pl.Series("y", rng.choice(["yes", "no"], 300))
    assert find(pose(few.with_columns(labels), p="number", q="number")) == ()
    many = pl.DataFrame({"p": rng.normal(size=300), "q": rng.normal(size=300)}).with_columns(labels)
    copied = pl.concat(
        [many, many[:1].with_columns(y=pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")))]
    )
    (found,) = find(pose(copied, p="number", q="number"))
    assert found.rows == (0, 300)


def test_rows_without_a_part_or_a_label_do_not_count(pose):
    frame = frame_of(["copied words here"] * 2, ["oil", "tires"])
    rows = pose(frame)
    unused = replace(
        rows,
        split=replace(
            rows.split,
            **{
                part: tuple(r for r in getattr(rows.split, part) if r != 61) for part in ("train", "validation", "test")
            },
        ),
    )
    assert len(find(rows)) == 1 and find(unused) == ()
    assert find(pose(frame.with_columns(y=pl.when(pl.int_range(62) == 61).then(None).otherwise(pl.col("y"))))) == ()


def test_a_million_rows_would_pass(pose):
    """No loop over rows: 50,000 rows take a fraction of a second."""
    import time

    count = 50_000
    rows = pose(frame_of(["copied"] * 2, ["oil", "tires"]))
    ids = np.arange(count)
    big = replace(
        rows,
        typed=pl.DataFrame({"text": ["x"] * count, "y": ["oil", "tires"] * (count // 2)}),
        split=replace(rows.split, train=tuple(range(count)), validation=(), test=()),
        clusters=replace(rows.clusters, labels=ids // 2, copies=ids // 2, groups=ids, exact=ids // 2),
    )
    started = time.perf_counter()
    (found,) = find(big)
    assert len(found.rows) == count and time.perf_counter() - started < 5
