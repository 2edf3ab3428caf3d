"""Data, run folder, bundle and answers at URLs: the whole road on S3, killed here and continued elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import fsspec
import pytest

from tunewright.errors import RunError
from tunewright.remote.files import put_file, read_url, sizes

KEY, SECRET = "test-key", "test-secret-of-nobody"


@pytest.fixture
def data(s3, rows_csv):
    put_file(rows_csv, f"{s3}/data/rows.csv", raising=RunError)
    return f"{s3}/data/rows.csv"


def everything_there(url):
    fs = fsspec.filesystem("s3")
    return {name: fs.cat_file(f"{url}/{name}") for name in sizes(url, raising=RunError)}


def test_the_whole_road(s3, data, quick, call, tmp_path, rows_csv):
    out = f"{s3}/runs/rows"
    said = call("run", data, "--target", "label", *quick, "--out", out, "--json", home=tmp_path / "laptop")
    assert said.code == 0, said.err
    told = said.json
    assert (told["run"], told["bundle"], told["report"]) == (out, f"{out}/bundle", f"{out}/report.html")
    there = everything_there(out)
    assert {"plan.yaml", "journal.jsonl", "summary.json", "report.html", "bundle/SHA256SUMS"} <= set(there)
    assert json.loads(there["summary.json"])["run"] == out
    assert not [name for name in there if name.startswith("checkpoints")]
    local = f"{tmp_path}".encode()
    for name, content in there.items():
        assert SECRET.encode() not in content and KEY.encode() not in content, name
        assert local not in content or name in ("journal.jsonl", "progress.jsonl"), name

    # Another machine predicts with it, and finds the run finished.
    home = tmp_path / "cloud"
    answers = f"{s3}/answers.csv"
    said = call("predict", f"{out}/bundle", data, "--out", answers, "--json", home=home)
    assert said.code == 0 and said.json == {"rows": 150, "out": answers}
    lines = read_url(answers, what="Answers.").decode().splitlines()
    assert lines[0] == "prediction,confidence" and len(lines) == 151
    again = call("run", data, "--target", "label", *quick, "--out", out, "--json", home=home)
    assert again.code == 0 and again.json == told and "is finished" in again.err
    scored = call("evaluate", f"{out}/bundle", data, "--json", home=home)
    assert scored.code == 0 and scored.json["bundle"] == f"{out}/bundle"

    # From the disk the same comes out (in the same home: which precision pays is measured once for each).
    local = ("--out", tmp_path / "run", "--json")
    same = call("run", rows_csv, "--target", "label", *quick, *local, home=tmp_path / "laptop")
    assert same.json["digests"]["weights"] == told["digests"]["weights"]
    assert same.json["metrics"] == told["metrics"]


OFTEN = (
    "import tunewright.training.loop as loop, tunewright.runfolder.mirror as mirror;"
    "loop.CHECKPOINT_SECONDS = loop.TELL_SECONDS = mirror.PAUSE = 0.1; mirror.SHARE = 1;"
    "from tunewright.cli import main; main()"
)


@pytest.mark.slow
def test_killed_here_and_continued_elsewhere(s3, data, tiny_model, call, tmp_path):
    """The run dies with its machine while it trains; another machine continues from what had been sent."""
    out = f"{s3}/runs/killed"
    options = [f"model.name={tiny_model}", "model.train=full", "audit.apply=none"]
    options += ["training.epochs=12", "training.early_stopping=12", "training.batch_tokens=64"]
    sets = [part for option in options for part in ("--set", option)]
    arguments = ["run", data, "--target", "label", "--out", out, "--json", *sets]
    environment = os.environ | {"TUNEWRIGHT_HOME": str(tmp_path / "first")}
    command = [sys.executable, "-c", OFTEN, *arguments]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said)
    limit = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < limit:
        if any(name.endswith("/complete.json") for name in sizes(f"{out}/checkpoints", raising=RunError)):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, (tmp_path / "said").read_text()
    there = everything_there(out)
    assert "summary.json" not in there and any(name.startswith("checkpoints/step") for name in there)

    done = call(*arguments, home=tmp_path / "second")
    assert done.code == 0, done.err
    after = everything_there(out)
    assert after["journal.jsonl"].startswith(there["journal.jsonl"])  # the same run, not one begun again
    assert done.json["run"] == out and "bundle/SHA256SUMS" in after


@pytest.mark.parametrize("wrong", ["key", "bucket"])
def test_data_that_is_not_there_is_refused(s3, wrong, call, quick):
    url = f"{s3}/none.csv" if wrong == "key" else "s3://no-such-bucket/rows.csv"
    said = call("run", url, "--target", "label", *quick, "--json")
    assert said.code == 3 and said.json["error"]["type"] == "DataError"
    assert f"{url}: there is nothing there" in said.err


def test_secrets_in_urls_are_refused_or_not_shown(s3, data, finished, call, quick, tmp_path):
    secret = "pa55word"
    said = call("run", f"https://ann:{secret}@host/rows.csv", "--target", "label", *quick, "--json")
    assert said.code == 2 and secret not in said.err + said.out
    said = call("run", data, "--target", "label", *quick, "--out", f"s3://x/run?key={secret}", "--json")
    assert said.code == 1 and secret not in said.err + said.out
    said = call("evaluate", f"nosuch://ann:{secret}@host/bundle", data, "--json")
    assert said.code == 2 and secret not in said.err + said.out
    said = call("predict", finished.bundle, f"http://ann:{secret}@127.0.0.1:9/rows.csv?key={secret}", "--json")
    assert said.code == 3 and secret not in said.err + said.out
    said = call("predict", finished.bundle, data, "--out", f"s3://x/run.txt?key={secret}", "--json")
    assert said.code == 2 and secret not in said.err + said.out


@pytest.mark.parametrize("verb", ["demo", "audit", "review", "report"])
def test_a_url_where_only_a_path_will_do_makes_no_odd_folder(verb, call, rows_csv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = {
        "demo": ("demo", "--out", "s3://bucket/demo"),
        "audit": ("audit", rows_csv, "--target", "label", "--out", "s3://bucket/audit"),
        "review": ("audit", rows_csv, "--target", "label", "--review", "s3://bucket/review.csv"),
        "report": ("report", "s3://bucket/run"),
    }[verb]
    said = call(*arguments)
    assert said.code == 2 and "must be a path of this machine" in said.err
    assert list(tmp_path.iterdir()) == []


def test_tune_leaves_a_plan_that_runs_from_there(s3, data, quick, call, tmp_path):
    out = f"{s3}/studies/rows"
    space = ("--set", "search.space={training.probe_C: [0.5, 2.0]}", "--set", "search.finalists=1")
    said = call("tune", data, "--target", "label", *quick, *space, "--trials", "2", "--out", out, "--json")
    assert said.code == 0, said.err
    assert said.json["plan"] == f"{out}/best.yaml"
    said = call("plan", "--plan", f"{out}/best.yaml", "--json")
    assert said.code == 0 and said.json["plan"]["data"]["train"] == data
