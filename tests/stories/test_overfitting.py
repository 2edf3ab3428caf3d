"""A run says how its training went and what more rows would give: in its summary, its card, its report."""

from __future__ import annotations

import json

import polars as pl
import pytest

import tunewright as tw
from tunewright.learning import fit as fit_module


@pytest.fixture(scope="module")
def run(tmp_path_factory, make_rows):
    out = tmp_path_factory.mktemp("runs") / "run"
    return tw.run(make_rows("table", 400).drop("part"), target="y", out=out), out


def test_summary_card_and_report_say_it(run):
    done, out = run
    summary = json.loads((out / "summary.json").read_text())
    model = json.loads((out / "model.json").read_text())
    assert summary["overfitting"] == model["diagnosis"] and summary["learning_curve"] == model["learning_curve"]
    assert model["diagnosis"]["evidence"] and model["learning_curve"]["rows"][-1] == summary["data"]["train"]
    card = (out / "bundle" / "README.md").read_text()
    page = done.report().read_text()
    for text in (model["diagnosis"]["text"], model["learning_curve"]["text"]):
        assert text in card
        assert text in page
    assert model["diagnosis"]["action"] in page


def test_a_report_can_be_rebuilt_from_the_folder_alone(run):
    from tunewright.stories.delivering.rebuild import rebuild_report

    _, out = run
    before = (out / "report.html").read_text()
    assert rebuild_report(out).read_text() == before


def test_doubtful_train_rows_are_handed_down_and_no_test_row_is(tmp_path, make_rows, monkeypatch):
    from tunewright.stories.training import station as training

    seen = []

    def hear(judging, choices, run, settled=None, *, suspects=None):
        seen.append((judging, suspects))
        return fit_module.fit(judging, choices, run, settled, suspects=suspects)

    monkeypatch.setattr(training, "fit", hear)
    frame = make_rows("table", 400).drop("part")
    flipped = frame["y"].to_list()
    for row in range(0, 400, 12):
        flipped[row] = "no" if flipped[row] == "yes" else "yes"
    out = tmp_path / "run"
    tw.run(frame.with_columns(y=pl.Series(flipped)), target="y", out=out,
           audit={"apply": "none"})  # fmt: skip
    findings = json.loads((out / "audit.json").read_text())["findings"]
    doubtful = {row for one in findings if one["kind"] == "label_errors" for row in one["rows"]}
    split = json.loads((out / "split.json").read_text())
    ((judging, suspects),) = seen
    assert len(suspects) == len(judging.problem.targets["train"]) == len(split["train"])
    assert {row for row, one in zip(split["train"], suspects, strict=True) if one} == doubtful & set(split["train"])
    assert suspects.any()
