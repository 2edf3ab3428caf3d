"""`tunewright.run` and `tunewright.load` as Python functions."""

from __future__ import annotations

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
