"""docs/serving.md is walked: its requests are sent with curl to a server of the demo's data, its code is run."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tunewright as tw
from tunewright.example import path

PAGE = Path(__file__).parents[1] / "docs/serving.md"
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the page's examples are curl's")


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text("utf-8"), re.S)


def commands():
    return [line for block in blocks("bash") for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def server(tiny_model, tmp_path_factory):
    """The demo's data, a tiny model, and a server as the page starts it."""
    folder = tmp_path_factory.mktemp("demo")
    some = folder / "support_desk.csv"
    some.write_text("\n".join(path().read_text("utf-8").splitlines()[:301]) + "\n", "utf-8")
    model = {"name": str(tiny_model), "train": "head", "head": "linear"}
    tw.run(some, target="team", out=folder / "demo", model=model, knowledge={"never_use": ["agent"]})
    command = [sys.executable, "-m", "tunewright", "serve", str(folder / "demo" / "bundle"), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said, ready = [], threading.Event()

    def listen():
        for line in process.stderr:
            said.append(line)
            if line.startswith("Serving"):
                ready.set()
        ready.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert ready.wait(90) and process.poll() is None, said
    yield re.search(r" at (http://\S+)", "".join(said))[1]
    process.terminate()
    assert process.wait(30) == 0
    thread.join(5)
    process.stderr.close()


def test_every_request_of_the_page_is_answered(server):
    curls = [line for line in commands() if line.startswith("curl ")]
    assert len(curls) >= 9
    for line in curls:
        words = [word.replace("http://127.0.0.1:8000", server) for word in shlex.split(line)]
        done = subprocess.run([*words, "-w", "\n%{http_code}"], capture_output=True, text=True, timeout=60, check=True)
        body, _, status = done.stdout.rpartition("\n")
        assert status == "200", (line, body)
        if "/predict" in line:
            answers = json.loads(body)["predictions"]
            assert answers and all(one["prediction"] and one["confidence"] for one in answers)
        if '"top": 3' in line:
            assert all(len(one["probabilities"]) == 3 for one in answers)
        if "/explain" in line:
            assert json.loads(body)["explanations"][0]["prediction"]
        if "/infer" in line:
            assert json.loads(body)["outputs"][0]["name"] == "prediction"
        if "/metrics" in line:
            assert "tunewright_requests_total" in body


def test_the_code_of_the_page_runs(server, tiny_model, capsys):
    client, estimators = blocks("python")
    exec(compile(client.replace("http://127.0.0.1:8000", server), "page", "exec"), {})
    assert capsys.readouterr().out.strip()
    exec(compile(estimators.replace('train="head"', f'train="head", model={str(tiny_model)!r}'), "page", "exec"), {})
    assert 0 <= float(capsys.readouterr().out) <= 1


def test_every_option_of_the_page_is_there(call):
    verbs = {
        "serve": call("serve", "--help").out,
        "bench": call("bench", "--help").out,
        "demo": call("demo", "--help").out,
    }
    named = set(re.findall(r"`(--[a-z-]+)", PAGE.read_text("utf-8")))
    named |= {
        word for line in commands() if line.startswith("tunewright") for word in line.split() if word.startswith("--")
    }
    assert len(named) >= 10
    for option in named:
        assert any(option in text for text in verbs.values()), option


def test_every_path_and_name_of_the_page_is_there():
    text = PAGE.read_text("utf-8")
    for name in re.findall(r"`((?:deploy|examples)/[\w.]+)`", text):
        assert (PAGE.parents[1] / name).is_file(), name
    assert "tunewright_swaps_total" in text
    source = (PAGE.parents[1] / "src/tunewright/serving/metrics.py").read_text("utf-8")
    assert '"tunewright_swaps"' in source


def test_the_limits_the_page_names_are_the_servers():
    from tunewright.serving.options import LogOptions, QueueOptions, RequestLimits

    text, limits = PAGE.read_text("utf-8"), RequestLimits()
    assert (
        f"{limits.body >> 20} MiB" in text and f"{limits.rows:,} rows" in text and f"{limits.cell:,} characters" in text
    )
    assert f"{QueueOptions().limit * 1000:,.0f} by default" in text
    assert (
        f"{LogOptions(path=Path('x')).bytes >> 20} MiB; five are kept" in text and LogOptions(path=Path("x")).files == 5
    )


@pytest.fixture
def call():
    import io
    from contextlib import redirect_stderr, redirect_stdout
    from types import SimpleNamespace

    from tunewright.cli import main

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit):
            main(list(arguments))
        return SimpleNamespace(out=out.getvalue(), err=err.getvalue())

    return run
