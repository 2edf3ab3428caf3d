"""Remedies in a run: tried on rows that are not test rows, journalled, and deaf to whatever the test rows hold."""

import json

import numpy as np
import polars as pl
import pytest

import tunewright as tw
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder import Journal
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import examine
from tunewright.stories.auditing.repair import TOGETHER, mend
from tunewright.stories.prepare import load_rows, prepare


@pytest.fixture
def plan(tiny_model):
    return read_plan(None, data={"target": "y"}, splits={"part": "part"}, model={"name": str(tiny_model)})


def dirty(make_rows, rows=400, wrong=60, seed=0):
    """A learnable table with turned labels among the train rows and a column that gives the label away."""
    frame = make_rows("text", rows, seed)
    train = np.flatnonzero(frame["part"] == "train")
    turned = {"team 0": "team 1", "team 1": "team 2", "team 2": "team 0"}
    labels = frame["y"].to_list()
    for row in train[:wrong].tolist():
        labels[row] = turned[labels[row]]
    return frame.with_columns(y=pl.Series(labels), desk=pl.Series([f"desk {y[-1]}" for y in labels]))


def mended(frame, plan, run=None):
    prepared = prepare(load_rows(plan, frame), plan)
    run = run or RunContext()
    return prepared, mend(prepared, examine(prepared, plan, run), plan, run)


def test_a_leak_goes_and_every_remedy_is_on_record(make_rows, plan):
    prepared, done = mended(dirty(make_rows), plan)
    tried = {trial.remedy: trial for trial in done.trials}
    assert tried["drop_columns"].kept and tried["drop_columns"].effect.value < 0
    assert "desk" not in done.prepared.typed.columns
    assert {"drop_suspects", "relabel_suspects"} & set(tried)
    kept = [trial for trial in done.trials if trial.kept and trial.remedy != TOGETHER]
    assert sorted(trial.order for trial in kept) == list(range(1, len(kept) + 1))
    assert all(trial.effect.low <= trial.effect.value <= trial.effect.high for trial in done.trials)
    for trial in kept:
        assert trial.rule != "gain" or trial.effect.low > 0
    assert done.dropped == len(prepared.split.train) - len(done.prepared.split.train)
    assert done.prepared.split.test == prepared.split.test


def test_test_contents_change_nothing_that_is_kept(make_rows, plan):
    """Same ids and split, all test texts, labels and cells replaced: the same trials to the last digit."""
    frame = dirty(make_rows)
    other = dirty(make_rows, seed=7)
    train_text = frame["message"].to_list()
    test = (frame["part"] == "test").to_numpy()
    # The replaced test rows even copy train rows, which must not drag those into one group.
    copies = [train_text[(i * 3) % 100] if i % 2 else other["message"][i] for i in range(frame.height)]
    changed = frame.with_columns(
        message=pl.when(pl.Series(test)).then(pl.Series(copies)).otherwise(pl.col("message")),
        y=pl.when(pl.Series(test)).then(other["y"]).otherwise(pl.col("y")),
        desk=pl.when(pl.Series(test)).then(pl.lit("desk 9")).otherwise(pl.col("desk")),
    )
    (_, one), (_, two) = mended(frame, plan), mended(changed, plan)
    assert to_json(one.trials) == to_json(two.trials) and one.trials
    assert one.prepared.split == two.prepared.split or one.prepared.split.train == two.prepared.split.train
    rows = [*one.prepared.split.train, *one.prepared.split.validation]
    assert one.prepared.typed[rows].equals(two.prepared.typed[rows])
    assert one.plan == two.plan


def test_a_continued_run_replays_what_was_decided(make_rows, plan, tmp_path, monkeypatch):
    from tunewright.stories.auditing import repair

    frame = dirty(make_rows)
    with Journal(tmp_path / "journal.jsonl") as journal:
        _, first = mended(frame, plan, RunContext(decide=journal.decide))
    monkeypatch.setattr(repair, "_measure", lambda *args: pytest.fail("measured again"))
    with Journal(tmp_path / "journal.jsonl") as journal:
        _, second = mended(frame, plan, RunContext(decide=journal.decide))
    assert first.trials == second.trials
    assert first.prepared.typed.equals(second.prepared.typed) and first.prepared.split == second.prepared.split


def test_none_tries_nothing(make_rows, plan):
    from dataclasses import replace

    off = replace(plan, audit=replace(plan.audit, apply="none"))
    prepared, done = mended(dirty(make_rows), off)
    assert done.trials == () and done.prepared is prepared and done.plan == off


def test_the_run_folder_and_the_summary_tell_it(make_rows, tiny_model, tmp_path):
    frame = dirty(make_rows)
    model = {"name": str(tiny_model), "train": "head"}
    run = tw.run(frame, target="y", out=tmp_path / "run", splits={"part": "part"}, model=model)
    audit = json.loads((tmp_path / "run" / "audit.json").read_text())
    kept = {trial["remedy"] for trial in audit["remedies"] if trial["kept"]}
    assert "drop_columns" in kept and run.summary["remedies"] == audit["remedies"]
    assert run.summary["data"]["train"] == int((frame["part"] == "train").sum())
    assert "What was tried" in run.report().read_text()
    answers = run.predictor().predict(frame.drop("desk", "y").head(3))
    assert answers.height == 3
