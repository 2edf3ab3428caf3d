"""Degenerate data (FAULTS 15): a named finding or a refusal, never a fine score."""

from __future__ import annotations

import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import DataError


@pytest.fixture
def learn_from(tiny_model, tmp_path):
    def learn(frame, **sections):
        model = {"name": str(tiny_model), "train": "head"}
        return tw.run(frame, target="y", out=tmp_path / "run", model=model, **sections).summary

    return learn


def kinds(summary, severity=None):
    return {f["kind"] for f in summary["findings"] if severity in (None, f["severity"])}


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "row"),
        ([{"x": "some words here", "y": "a"}] * 3, "label|row"),
        ([{"x": f"words {i} and more", "y": "a"} for i in range(40)], "one|two|single"),
        ([{"x": f"words {i} and more", "y": None} for i in range(40)], "target|label"),
    ],
    ids=["empty", "three rows", "one class", "target missing"],
)
def test_hopeless_data_is_refused(learn_from, rows, why):
    with pytest.raises(DataError, match=why):
        learn_from(pl.DataFrame(rows, schema={"x": pl.String, "y": pl.String}))


def test_one_text_over_and_over_is_refused_or_called_an_error(learn_from):
    frame = pl.DataFrame({"x": ["the same few words again"] * 60, "y": ["a", "b"] * 30})
    try:
        summary = learn_from(frame)
    except DataError:
        return
    assert "too_few" in kinds(summary, "error")


def test_a_label_only_the_test_part_has_counts_as_wrong_and_is_found(learn_from, make_rows):
    frame = make_rows("text", 150, 0)
    in_test = pl.col("part") == "test"
    frame = frame.with_columns(y=pl.when(in_test).then(pl.lit("never seen")).otherwise(pl.col("y")))
    summary = learn_from(frame, splits={"part": "part"})
    assert "rare_class" in kinds(summary, "error")
    assert summary["metrics"]["test"]["accuracy"]["value"] == 0.0


def test_test_rows_that_stand_in_train_are_found(learn_from, make_rows):
    frame = make_rows("text", 150, 0)
    train = frame.filter(pl.col("part") == "train")
    leaked = train.head(frame.filter(pl.col("part") == "test").height).with_columns(part=pl.lit("test"))
    summary = learn_from(pl.concat([frame.filter(pl.col("part") != "test"), leaked]), splits={"part": "part"})
    found = [f for f in summary["findings"] if f["kind"] == "leakage_split"]
    assert found and found[0]["severity"] == "error" and found[0]["rows_total"] == leaked.height
