"""`tunewright.run` and `tunewright.load` as Python functions."""

from __future__ import annotations

import json

import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import PlanError, RunError


@pytest.fixture
def tiny_plan(tiny_model):
    return {"model": {"name": str(tiny_model)}, "training": {"epochs": 1}}


def test_run_learns_from_rows_in_memory_and_its_predictor_answers(make_rows, tiny_plan, tmp_path):
    frame = make_rows("mixed", 150, 0)
    done = tw.run(frame, target="y", columns={"y": "category"}, out=tmp_path / "run", **tiny_plan)
    assert done.verdict and done.report().is_file()
    answers = done.predictor().predict(frame.drop("y").head(7))
    assert answers.height == 7 and answers["confidence"].is_between(0, 1).all()
    again = tw.load(done.folder / "bundle").predict(frame.drop("y").head(7))
    assert again.equals(answers)


def test_a_finished_run_is_not_run_again_and_another_plan_is_refused(make_rows, tiny_plan, tmp_path):
    frame = make_rows("text", 120, 0)
    first = tw.run(frame, target="y", out=tmp_path / "run", **tiny_plan)
    written = (first.folder / "model.json").stat().st_mtime_ns
    assert tw.run(frame, target="y", out=tmp_path / "run", **tiny_plan).summary == first.summary
    assert (first.folder / "model.json").stat().st_mtime_ns == written
    with pytest.raises(RunError, match="fresh"):
        tw.run(frame, target="y", out=tmp_path / "run", seed=1, **tiny_plan)


def test_problems_of_a_plan_come_all_at_once():
    with pytest.raises(PlanError) as refused:
        tw.run([{"a": 1}], target="a", training={"epoch": 2, "dropout": 3}, balance="yes")
    assert all(word in str(refused.value) for word in ("training.epoch", "training.dropout", "balance"))


def test_each_run_that_sees_the_same_test_rows_is_a_look(make_rows, tiny_plan, tmp_path):
    frame = make_rows("mixed", 150, 0)
    plan = {"model": {**tiny_plan["model"], "train": "head"}, "splits": {"part": "part"}}

    def looks(**more):
        done = tw.run(frame, target="y", out=tmp_path / "run", fresh=True, **plan, **more)
        return json.loads((done.folder / "evaluation.json").read_text())["looks"]

    assert looks() == 1
    # Neither another plan, nor a column less, nor starting over makes it other rows.
    assert looks(seed=1) == 2
    assert looks(knowledge={"never_use": [frame.columns[0]]}) == 3


def test_without_examples_no_text_of_a_row_is_written(make_rows, tiny_plan, tmp_path):
    frame = make_rows("text", 150, 0).with_columns(y=pl.Series(["a", "b", "b"] * 50))  # nothing to learn: many mistakes
    text = next(name for name in frame.columns if name not in ("y", "part"))
    for examples in (True, False):
        done = tw.run(frame, target="y", out=tmp_path / str(examples), report={"examples": examples}, **tiny_plan)
        written = (done.folder / "analysis.json").read_text() + done.report().read_text()
        shown = [cell for cell in frame[text].to_list() if cell in written]
        assert bool(shown) == examples


def test_labels_meet_whatever_format_they_came_in(tiny_plan, tmp_path):
    texts = [f"{'green fields' if i % 2 else 'red roses'} number {i}" for i in range(120)]
    words = pl.DataFrame({"x": texts, "y": ["True" if i % 2 else "False" for i in range(120)]})
    done = tw.run(words, target="y", out=tmp_path / "run", model={**tiny_plan["model"], "train": "head"})
    typed = words.with_columns(y=pl.col("y") == "True")
    assert (
        done.predictor().evaluate(typed)["accuracy"].value == done.predictor().evaluate(words)["accuracy"].value > 0.5
    )
