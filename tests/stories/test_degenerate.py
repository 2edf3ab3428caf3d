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


@pytest.mark.parametrize("distinct", [2, 12])
def test_few_rows_over_and_over_are_called_an_error(learn_from, tiny_words, distinct):
    rows = [{"x": " ".join(tiny_words[3 * n : 3 * n + 5]), "y": "ab"[n % 2]} for n in range(distinct)]
    summary = learn_from(pl.DataFrame(rows * (240 // distinct)))
    found = next(f for f in summary["findings"] if f["kind"] == "too_few")
    assert found["severity"] == "error" and f"only {distinct} different examples" in found["evidence"]


def test_some_rows_without_a_target_are_left_out_and_counted(learn_from, make_rows):
    frame = make_rows("text", 150, 0).drop("part").with_row_index("n")
    frame = frame.with_columns(y=pl.when(pl.col("n") % 10 == 3).then(None).otherwise(pl.col("y"))).drop("n")
    summary = learn_from(frame)
    (found,) = [f for f in summary["findings"] if f["kind"] == "missing_values"]
    assert found["rows"] == list(range(3, 150, 10)) and "y" in found["columns"]
    assert sum(summary["data"][part] for part in ("train", "validation", "test")) == 135


def test_thousands_of_labels_are_counted_and_named(tiny_words):
    """Where labels repeat enough to be a target at all, those that are too rare to learn are listed with their rows."""
    rows = [{"x": f"{tiny_words[n % 144]} {tiny_words[n % 131]} {n}", "y": f"label {n % 5000}"} for n in range(12_000)]
    findings = tw.audit(pl.DataFrame(rows), target="y", deep=False).findings
    (found,) = [f for f in findings if f.kind == "rare_class"]
    assert found.evidence.startswith("5000 labels have fewer than 5 training rows")
    assert "'label 0', 'label 1', 'label 10'" in found.evidence and len(found.evidence) < 200
    assert len(found.rows) == found.rows_total > 6000
