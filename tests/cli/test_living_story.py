"""The life of a model: trained, served under load, drifted, adapted, promoted while serving, and rolled back.

No request is lost on the way: every row that was sent has an answer.
"""

import os
import re
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

from tunewright.client import Client
from tunewright.living.registry import Registry

PATIENCE = 90  # seconds that a slow machine may take for a step


class Server:
    """`tunewright serve tickets` in a process of its own."""

    def __init__(self, registry, log, home):
        command = [sys.executable, "-m", "tunewright", "serve", "tickets", "--registry", str(registry), "--port", "0"]
        command += ["--log", str(log), "--log-text", "--watch", "0.2", "--limit-ms", "20000"]
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TUNEWRIGHT_HOME": str(home)}
        )
        self.said = []
        self._heard = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._heard.wait(PATIENCE), "".join(self.said)

    def _read(self):
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.url = found[0]
                self._heard.set()

    def stop(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        return code


class Load:
    """Somebody who asks all the time, and keeps every answer and every failure."""

    def __init__(self, url, rows):
        self.url, self.rows = url, rows
        self.sent = 0
        self.answers, self.failures, self.stop = [], [], threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with Client(self.url, timeout=PATIENCE) as client:
            while not self.stop.is_set():
                row = self.rows[self.sent % len(self.rows)]
                self.sent += 1
                try:
                    self.answers += client.predict([row])
                except Exception as problem:
                    self.failures.append(repr(problem))
                time.sleep(0.01)

    def end(self):
        self.stop.set()
        self.thread.join(PATIENCE)


def until(holds, what):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def world(tmp_path_factory, make_rows):
    """Rows of the beginning, later rows with a new class and another scale, and a batch with mixed-up labels."""
    folder = tmp_path_factory.mktemp("world")

    def later(frame):
        moved = frame.with_columns(pl.col("amount") * 2 + 500)
        return moved.with_columns(y=pl.when(pl.col("amount") > 505).then(pl.lit("new team")).otherwise("y"))

    make_rows("mixed", rows=260, seed=1).drop("part", "worth").write_csv(folder / "rows.csv")
    later(make_rows("mixed", rows=240, seed=10).drop("part", "worth")).write_csv(folder / "new.csv")
    bad = later(make_rows("mixed", rows=200, seed=12).drop("part", "worth"))
    labels = bad["y"].unique().sort().to_list()
    turned = dict(zip(labels, [*labels[1:], labels[0]], strict=True))
    bad.with_columns(pl.col("y").replace(turned)).write_csv(folder / "bad.csv")
    asked = later(make_rows("mixed", rows=120, seed=20).drop("part", "worth")).drop("y").to_dicts()
    return folder, asked


def test_a_model_lives(world, call, tiny_model, tmp_path):
    folder, asked = world
    home, registry, log = tmp_path / "home", tmp_path / "registry", tmp_path / "requests.jsonl"

    def do(*arguments, code=0):
        told = call(*arguments, "--json", home=home)
        assert told.code == code, told.err
        return told.json

    plan = ["--set", f"model.name={tiny_model}", "--set", "model.train=head", "--set", "audit.apply=none"]
    plan += ["--set", "data.columns={message: text, amount: number}"]
    run = do("run", folder / "rows.csv", "--target", "y", *plan, "--out", tmp_path / "run")
    do("registry", "add", "tickets", run["bundle"], "--registry", registry)
    do("registry", "promote", "tickets", "--registry", registry)
    held = Registry(registry)
    server = Server(registry, log, home)
    load = Load(server.url, asked)
    try:
        until(lambda: len(load.answers) >= 120, "the server does not answer")
        watched = do("watch", "tickets", "--log", log, "--registry", registry, code=5)
        assert watched["alarm"] and "amount" in {one["column"] for one in watched["drift"] if one["drifted"]}
        options = ("--registry", registry, "--out", tmp_path / "adapted")
        adapted = do("adapt", "tickets", "--new", folder / "new.csv", *options)
        assert adapted["decision"] == "promoted", adapted["why"]
        assert held.champion("tickets").version == 2
        until(lambda: any("is at" in line for line in server.said), "the promotion is not picked up")
        before = len(load.answers)
        until(lambda: len(load.answers) > before + 60, "the server does not answer any more")
        assert "new team" in {one.prediction for one in load.answers[before:]}
        options = ("--registry", registry, "--out", tmp_path / "bad")
        refused = do("adapt", "tickets", "--new", folder / "bad.csv", *options)
        assert refused["decision"] == "rejected" and held.champion("tickets").version == 2
        do("registry", "rollback", "tickets", "--registry", registry)
        until(lambda: sum("is at" in line for line in server.said) >= 2, "the rollback is not picked up")
        before = len(load.answers)
        until(lambda: len(load.answers) > before + 60, "the server does not answer any more")
        assert "new team" not in {one.prediction for one in load.answers[before + 5 :]}
    finally:
        load.end()
        code = server.stop()
    assert code == 0, "".join(server.said)
    assert load.failures == [] and len(load.answers) == load.sent
    assert [line.what for line in held.ledger("tickets")] == ["added", "promoted", "added", "promoted", "rolled back"]
