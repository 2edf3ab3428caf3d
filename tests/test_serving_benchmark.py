"""benchmarks/serving.py: its verdicts on made-up numbers, and its load on a server that is none of ours."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SERVER = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        body = json.dumps({"label": "a"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

with open(sys.argv[2], "w") as file:
    file.write(str(os.getpid()))
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def module(monkeypatch):
    """Imports a module of the benchmarks; none of them stays."""
    before = set(sys.modules)
    for folder in ("peers", "ours", "."):
        monkeypatch.syspath_prepend(str(BENCHMARKS / folder))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def process(accuracy, rows, p50, p99):
    return [{"accuracy": accuracy, "rows_per_second": rows, "p50_ms": p50, "p99_ms": p99, "yardstick_ms": 10.0}] * 3


def server(p50, goodput, kept=1.0):
    return [
        {"accuracy": 0.9, "p50_ms": p50, "p99_ms": 1.4 * p50, "goodput": goodput, "kept": kept, "memory_mb": 500.0}
    ] * 3


def test_an_export_that_lost_accuracy_is_shown_and_does_not_count(module):
    tables = module("serving_tables")
    found = {
        "onnx-int8": process(0.950, 1600.0, 1.0, 1.2),
        "torch-bf16": process(0.944, 9000.0, 0.1, 0.1),
        tables.FLOAT: process(0.940, 300.0, 5.0, 6.0),
        tables.INT8: process(0.930, 1400.0, 2.0, 3.0),
    }
    assert tables.keeping(found, 0.950) == ["onnx-int8"]
    lines = {line["arm"]: line for line in tables.in_process(found, {}, 0.950)}
    assert lines[tables.FLOAT]["goal"] == "row 9: ≥ 5×, reached; row 10: ≥ 4.5×, reached"
    assert lines[tables.FLOAT]["ours: rows/s"] == "5.33× (onnx-int8)"
    assert lines[tables.INT8]["goal"] == "row 9: ≥ 1.2×, not reached"
    assert lines[tables.INT8]["of the full model's"] == "98.94%"
    assert lines["tunewright, onnx-int8"]["goal"] == "row 10: p99/p50 ≤ 1.5, reached"
    assert lines["tunewright, torch-bf16"]["goal"] == ""


def test_ours_is_held_to_the_peers_accuracy_as_well(module):
    tables = module("serving_tables")
    found = {"onnx-int8": process(0.930, 9000.0, 1.0, 1.2), tables.FLOAT: process(0.940, 300.0, 5.0, 6.0)}
    assert tables.keeping(found, 0.930) == []
    lines = {line["arm"]: line for line in tables.in_process(found, {}, 0.930)}
    assert lines[tables.FLOAT]["goal"].count(tables.NOT_KEPT) == 2


def test_the_strongest_peer_judges_over_http(module):
    tables = module("serving_tables")
    best = SimpleNamespace(many="torch-bf16", alone="onnx-int8", kept=True)
    found = {
        "tunewright serve, torch-bf16": server(4.0, 600.0, kept=0.7),
        "tunewright serve, onnx-int8": server(2.0, 500.0),
        "litserve, one by one": server(8.0, 100.0),
        "infinity-emb": server(20.0, 300.0),
    }
    lines = {line["server"]: line for line in tables.over_http(found, {"litserve, more": "no | such"}, best)}
    assert lines["litserve, one by one"]["goal"] == "row 10: ≥ 4.5×, not reached"
    assert lines["infinity-emb"]["goal"] == "row 11: ≥ 1.5×, reached"
    assert lines["tunewright serve, torch-bf16"]["goal"] == "row 11: ≥ 90 % kept, not reached"
    assert lines["tunewright serve, onnx-int8"]["goal"] == "row 10: p99/p50 ≤ 1.5, reached"
    assert lines["litserve, more"]["accuracy"] == "did not run: no / such"
    best.kept = False
    lines = {line["server"]: line for line in tables.over_http(found, {}, best)}
    assert lines["infinity-emb"]["goal"] == f"row 11: ≥ 1.5×, {tables.NOT_KEPT}"


@pytest.mark.parametrize(("end", "said"), [(507.0, "2 %, reached"), (540.0, "2 %, not reached")])
def test_a_soak_is_judged_after_its_warm_up(module, end, said):
    minute = {"goodput": 10.0, "refused": 0.0, "lost": 0, "p99_ms": 20.0}
    result = {"minutes": [minute | {"mb": mb} for mb in (300.0, 500.0, 503.0, end)]}
    lines, sentence = module("serving_tables").soaked(result, warm=1)
    assert [line["minute"] for line in lines] == [1, 2, 3, 4]
    assert said in sentence


def test_what_a_failed_peer_said(module):
    arms = module("serving_arms")
    failed = subprocess.CalledProcessError(1, "pip", stderr="ERROR: Cannot install a and b\n\nERROR: for help visit\n")
    assert arms.why(failed) == "ERROR: Cannot install a and b"
    assert arms.why(arms.Failed("x.py ended with 1:\nTraceback\nImportError: no c\n")) == "ImportError: no c"


def test_the_next_rate_lies_around_the_knee(module):
    from tunewright.serving.levels import Level

    def level(rate, goodput):
        return Level(rate=rate, answered=goodput, refused=rate - goodput, lost=0, goodput=goodput, p50=0, p95=0, p99=0)

    next_rate = module("serving_load").next_rate
    assert next_rate([level(10, 10), level(40, 40), level(90, 50)]) == pytest.approx(60)
    assert next_rate([level(10, 5), level(40, 1)]) == 5
    assert next_rate([level(10, 10), level(40, 40)]) == 50


@pytest.fixture
def load(tmp_path):
    """Runs serving_load.py on a server of these words."""
    texts = [f"text {number}" for number in range(20)]
    frame = pl.DataFrame({"text": texts, "label": ["a", "a", "a", "b"] * 5, "part": ["test"] * 20})
    frame.write_parquet(tmp_path / "rows.parquet")

    def run(command):
        config = {"kind": "litserve", "command": command, "head": None, "data": str(tmp_path / "rows.parquet")}
        config |= {"limit": 0.5, "seconds": 0.2, "start": 30.0}
        script = BENCHMARKS / "ours" / "serving_load.py"
        return subprocess.run([sys.executable, str(script), json.dumps(config)], capture_output=True, text=True)

    return run


@pytest.mark.slow
def test_any_server_is_measured_and_ended(load, tmp_path):
    done = load([sys.executable, "-c", SERVER, "{port}", str(tmp_path / "process")])
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["accuracy"] == 0.75
    assert found["checked"] == 20
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert len(found["levels"]) == 11  # seven shares, three around the knee, one beyond the peak
    assert found["goodput"] > 0
    assert found["memory_mb"] > 1
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "process").read_text()), 0)


def test_a_server_that_does_not_start_says_why(load):
    done = load([sys.executable, "-c", "print('one'); raise SystemExit('no such engine')"])
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "The server could not be measured: it ended with 1: no such engine"
