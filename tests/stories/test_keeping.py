"""Keeping a model: rounds that find nothing, an answered drift, a bad batch, failures; the champion serves on."""

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import polars as pl
import pytest

from tunewright.errors import PlanError, RunError
from tunewright.living.adding import add_version
from tunewright.living.keeping import KeepOptions, read_keep_plan
from tunewright.living.promoting import promote, rollback
from tunewright.living.registry import Registry
from tunewright.plan import read_plan
from tunewright.runfolder import read_entries
from tunewright.stories.living import keeping
from tunewright.stories.living.keeping import Keeper, keep_story
from tunewright.stories.run import run_story
from tunewright.stories.walk import Request


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_rows, tiny_model):
    """A small run on a file, and its rows."""
    folder = tmp_path_factory.mktemp("trained")
    rows = make_rows("mixed", rows=260, seed=1).drop("part", "worth")
    rows.write_csv(folder / "rows.csv")
    plan = read_plan(
        data={"train": str(folder / "rows.csv"), "target": "y", "columns": {"message": "text", "amount": "number"}},
        model={"name": str(tiny_model), "train": "head"},
        audit={"apply": "none"},
    )
    run, _ = run_story(Request(plan=plan, out=folder / "run"))
    return run.path


@pytest.fixture
def kept(trained, tmp_path, monkeypatch):
    """A registry with a champion, and a keeper of it."""
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "home"))
    registry = Registry(tmp_path / "registry")
    add_version(registry, "tickets", trained / "bundle", who="test")
    promote(registry, "tickets", who="test")
    options = KeepOptions(log=str(tmp_path / "log.csv"), labelled=str(tmp_path / "new.csv"), every_rows=60, new_rows=60)
    return Keeper(model="tickets", options=options, folder=tmp_path / "keeper", registry=str(registry.folder))


def registry_of(keeper):
    return Registry(keeping.Path(keeper.registry))


def drifted(frame):
    return frame.with_columns(pl.col("amount") * 2 + 500)


def test_nothing_to_look_at_and_no_drift_leave_the_champion(kept, make_rows, tmp_path):
    (first,) = keep_story(kept, rounds=1)
    assert first.report is None and "nothing to look at yet" in first.why
    make_rows("mixed", rows=80, seed=9).drop("part", "y", "worth").write_csv(tmp_path / "log.csv")
    (second,) = keep_story(kept, rounds=1)
    assert second.number == 2 and not second.report.alarm and "no alarm" in second.why
    assert [entry.event for entry in read_entries(kept.folder / "keep.jsonl")] == ["round", "looked", "round"]


def test_a_drift_is_answered_by_a_promotion_and_can_be_taken_back(kept, make_rows, tmp_path):
    drifted(make_rows("mixed", rows=140, seed=9).drop("part", "y", "worth")).write_csv(tmp_path / "log.csv")
    new = make_rows("mixed", rows=240, seed=10).drop("part", "worth")
    new = drifted(new).with_columns(y=pl.when(pl.col("amount") > 505).then(pl.lit("new team")).otherwise("y"))
    new.write_csv(tmp_path / "new.csv")
    (done,) = keep_story(kept, rounds=1)
    assert done.report.alarm and done.adaptation is not None, done.why
    assert done.adaptation.decision == "promoted", done.why
    registry = registry_of(kept)
    assert registry.champion("tickets").version == 2
    assert "new team" in done.adaptation.labels_added
    (again,) = keep_story(kept, rounds=1)
    assert again.version == 2 and again.report is None  # the log has no rows that this champion answered
    rollback(registry, "tickets", who="test")
    assert registry.champion("tickets").version == 1


def test_a_bad_batch_is_refused_once_and_not_tried_again(kept, make_rows, tmp_path):
    kept = replace(kept, options=replace(kept.options, adapt_on="rows"))
    bad = make_rows("mixed", rows=160, seed=12).drop("part", "worth")
    labels = bad["y"].unique().sort().to_list()
    turned = dict(zip(labels, [*labels[1:], labels[0]], strict=True))
    bad.with_columns(pl.col("y").replace(turned)).write_csv(tmp_path / "new.csv")
    (first,) = keep_story(kept, rounds=1)
    assert first.adaptation.decision == "rejected", first.why
    (second,) = keep_story(kept, rounds=1)
    assert second.adaptation is None and "tried before" in second.why
    assert registry_of(kept).champion("tickets").version == 1


def test_a_failure_is_told_and_the_champion_serves_on(kept, tmp_path):
    (tmp_path / "log.csv").write_text("nothing\n" + "1\n" * 80)
    (done,) = keep_story(kept, rounds=1)
    assert "failed" in done.why and "serves on" in done.why
    assert [entry.event for entry in read_entries(kept.folder / "keep.jsonl")] == ["failed", "round"]
    assert registry_of(kept).champion("tickets").version == 1


def test_one_keeper_per_folder(kept):
    with keeping.RunLock(kept.folder), pytest.raises(RunError, match="One process at a time"):
        keep_story(kept, rounds=1)


def test_a_folder_is_no_name(kept, trained):
    with pytest.raises(PlanError, match="registry add"):
        keep_story(replace(kept, model=str(trained / "bundle")), rounds=1)


def test_it_waits_between_rounds_and_stops_when_told(kept):
    waited = []
    stops = iter([None, None, 15])
    done = keep_story(replace(kept, wait=waited.append, stop=lambda: next(stops)), rounds=9)
    assert len(done) == 2 and waited == [3600.0]


class Heard(BaseHTTPRequestHandler):
    told: ClassVar[list] = []

    def do_POST(self):
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_webhook_hears_of_alarms_and_need_not_answer(kept, make_rows, tmp_path):
    drifted(make_rows("mixed", rows=70, seed=9).drop("part", "y", "worth")).write_csv(tmp_path / "log.csv")
    server = HTTPServer(("127.0.0.1", 0), Heard)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hook = f"http://127.0.0.1:{server.server_port}/"
    keep_story(replace(kept, options=replace(kept.options, webhook=hook)), rounds=1)
    server.shutdown()
    server.server_close()
    thread.join()
    assert [one["event"] for one in Heard.told] == ["alarm"]
    notes = []
    deaf = replace(kept, options=replace(kept.options, webhook=hook), observe=lambda event: notes.append(event.text))
    (done,) = keep_story(deaf, rounds=1)
    assert done.report.alarm and any("webhook" in note for note in notes)


def test_the_plan_of_a_keeper_lists_what_is_wrong(tmp_path):
    path = tmp_path / "keep.yaml"
    path.write_text("log: a.jsonl\nevery_rows: 5\nadapt_on: sometimes\nlabel: x\n")
    with pytest.raises(PlanError) as refused:
        read_keep_plan(path)
    assert all(word in str(refused.value) for word in ("every_rows", "adapt_on", "label"))
    for text, word in (
        ("minutes: 5\n", "log"),
        ("log: a\nlabels: b\n", "id"),
        ("log: a\nwebhook: ftp://x\n", "webhook"),
    ):
        path.write_text(text)
        with pytest.raises(PlanError, match=word):
            read_keep_plan(path)
    path.write_text("log: requests.jsonl\nminutes: 5\n")
    assert read_keep_plan(path) == KeepOptions(log="requests.jsonl", minutes=5.0)
