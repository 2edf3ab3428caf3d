"""Whole runs on a cluster whose nodes share nothing with this process: placed, killed, stopped, and brought back."""

import json
import shutil
import signal
from pathlib import Path

import psutil
import pytest

import tunewright as tw
from tunewright.errors import DataError, PlanError, RunError
from tunewright.plan import read_plan
from tunewright.remote.files import put_file, read_url
from tunewright.runfolder import read_entries, read_json
from tunewright.seal import looks
from tunewright.stories.placing import sending
from tunewright.stories.placing.errand import Stopped
from tunewright.stories.placing.sending import placed
from tunewright.stories.run import run_story
from tunewright.stories.walk import Request

QUICK = {"audit": {"apply": "none"}, "training": {"epochs": 2}}
LONG = {"epochs": 400, "early_stopping": 400, "batch_tokens": 64}


@pytest.fixture
def rows(make_rows, tmp_path):
    """A table without text: nothing about it depends on the machine."""
    path = tmp_path / "rows.csv"
    make_rows("table", 120).rename({"y": "label"}).drop("part").write_csv(path)
    return path


@pytest.fixture
def told():
    return []


SAME = ("plan.yaml", "split.json", "analysis.json", "bundle/head.safetensors", "bundle/tunewright.json")


def inside(folder):
    """Files of a run that tell neither of time nor of how often its test part was looked at."""
    return {name: (folder / name).read_bytes() for name in SAME}


def test_a_run_comes_back_as_if_it_had_been_here(ray_cluster, rows, tmp_path, monkeypatch, told):
    monkeypatch.chdir(tmp_path)
    here = tw.run("rows.csv", target="label", out="here/run", **QUICK)
    there = tw.run("rows.csv", target="label", out="there/run", on="ray", observe=told.append, **QUICK)
    assert inside(Path("here/run")) == inside(Path("there/run"))
    assert there.summary["digests"] == here.summary["digests"]
    assert there.summary["metrics"] == here.summary["metrics"]
    assert there.summary["run"] == "there/run" and there.summary["bundle"] == "there/run/bundle"
    assert read_json("there/run/summary.json") == json.loads(json.dumps(there.summary))
    assert there.predictor().predict("rows.csv").height == 120
    assert {event.station for event in told} >= {"audit", "train", "evaluate"}
    # The look there is a look at the same test part: it is the second, and here it is known.
    assert read_json("there/run/evaluation.json")["looks"] == 2
    assert len({by for _, by in looks()}) == 2 and len({content for content, _ in looks()}) == 1
    again = tw.run("rows.csv", target="label", out="there/run", on="ray", **QUICK)
    assert again.summary == there.summary and (again.folder / "bundle/SHA256SUMS").exists()


def test_data_at_urls_need_a_name_for_the_folder(ray_cluster):
    with pytest.raises(PlanError, match="needs a name for its folder"):
        tw.run("s3://bucket/rows.csv", target="label", on="ray", **QUICK)


def request(tmp_path, rows, model, out, **more):
    plan = read_plan(
        None,
        data={"train": str(rows), "target": "label"},
        model={"name": model, "train": "full"},
        training=LONG,
        audit={"apply": "none"},
        report={"examples": False},
    )
    return Request(plan=plan, out=out, **more)


def text_rows(make_rows, tmp_path):
    path = tmp_path / "texts.csv"
    make_rows("text", 100).rename({"y": "label"}).drop("part").write_csv(path)
    return path


def errands(base):
    """Processes that do a run on our nodes; they work in a directory of their own below theirs."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        try:
            title = " ".join(process.info["cmdline"] or [process.info["name"] or ""])
            if "ray::Errand" in title and process.cwd().startswith(str(base)):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


@pytest.mark.slow
def test_a_run_that_is_stopped_comes_back_and_goes_on_here(
    ray_cluster, make_rows, tiny_model, tmp_path, monkeypatch, told
):
    """The model's folder and the behaviours travel by their relative names."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_model, "backbone")
    rows = text_rows(make_rows, tmp_path)
    stop = []

    def observe(event):
        told.append(event)
        if event.station == "train" and event.what == "progress" and event.data["done"] > 3:
            stop.append(signal.SIGTERM)

    asked = request(tmp_path, rows, "backbone", Path("run"), observe=observe, stop=lambda: stop[0] if stop else None)
    with pytest.raises(Stopped):
        placed(asked, "ray")
    assert not errands(ray_cluster.base)  # nothing goes on there
    names = {path.name for path in Path("run").iterdir()}
    assert {"journal.jsonl", "plan.yaml", "checkpoints"} <= names and "summary.json" not in names
    before = [entry.data for entry in read_entries("run/journal.jsonl") if entry.event == "decided"]
    done = [event.data["done"] for event in told if event.what == "progress" and event.station == "train"]

    heard = []
    first_look = request(tmp_path, rows, "backbone", Path("run"), observe=stop_after_first(heard))
    with pytest.raises(Left):
        run_story(first_look)
    assert heard and heard[0].data["done"] >= max(done)  # from the checkpoint, not from the start
    after = [entry.data for entry in read_entries("run/journal.jsonl") if entry.event == "decided"]
    assert after[: len(before)] == before  # decided there, kept here


class Left(BaseException):
    """Seen enough."""


def stop_after_first(heard):
    def observe(event):
        if event.station == "train" and event.what == "progress":
            heard.append(event)
            raise Left

    return observe


@pytest.mark.slow
def test_a_run_whose_process_is_killed_goes_on_from_its_url(
    ray_cluster, s3, make_rows, tiny_model, tmp_path, told, monkeypatch
):
    monkeypatch.setattr(sending, "load_rows", None)  # not a row passes through here
    put_file(text_rows(make_rows, tmp_path), f"{s3}/texts.csv", raising=RunError)
    killed = []

    def observe(event):
        told.append(event)
        if event.station == "train" and event.what == "progress":
            if not killed:
                (process,) = errands(ray_cluster.base)
                killed.append(process.pid)
                process.kill()
            elif any("begun again" in one.text for one in told):
                raise Left  # it trains again: the rest is as in any run

    out = f"{s3}/runs/killed"
    with pytest.raises(Left):
        placed(request(tmp_path, f"{s3}/texts.csv", str(tiny_model), out, observe=observe), "ray")
    assert sum("begun again, 2 of 3" in event.text for event in told) == 1
    assert not errands(ray_cluster.base)
    journal = [json.loads(line) for line in read_url(f"{out}/journal.jsonl", what="It.").splitlines()]
    assert [line["event"] for line in journal].count("opened") == 1
    assert [line["data"].get("name") for line in journal].count("precision") == 1  # decided once


def test_what_goes_wrong_there_is_said_here(ray_cluster, tmp_path, make_rows):
    path = tmp_path / "one.csv"
    make_rows("table", 40).with_columns(label=pytest.importorskip("polars").lit("same")).write_csv(path)
    with pytest.raises(DataError, match="label"):
        tw.run(path, target="label", out=tmp_path / "run", on="ray", **QUICK)


@pytest.mark.parametrize("on", ["spark", "ray://", "ray://host", "ray://host:1/x", "ray://ann:pa55word@host:1"])
def test_a_cluster_is_named_in_one_of_two_ways(on, rows, tmp_path):
    with pytest.raises(PlanError, match=r"--on must be ray .* or ray://HOST:PORT") as caught:
        tw.run(rows, target="label", out=tmp_path / "run", on=on, **QUICK)
    assert "pa55word" not in str(caught.value)
