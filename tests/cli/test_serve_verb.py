"""`tunewright serve` as a process: it answers, drains, swaps, keeps a log, and refuses to be found unguarded."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager

import pytest

from tunewright.client import Client, RequestRefused
from tunewright.errors import ServingError

ROW = {"text": "bako limu rase", "size": 12}


@contextmanager
def serving(*arguments, env=None, workers=1):
    """(process, client's URL, lines it has said) of a server on a free port."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | (env or {})
    command = [sys.executable, "-m", "tunewright", "serve", *map(str, arguments), "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    lines, ready = [], threading.Event()

    def listen():
        for line in process.stderr:
            lines.append(line)
            if sum(one.startswith("Serving") for one in lines) >= workers:
                ready.set()
        ready.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        assert ready.wait(90) and process.poll() is None, "".join(lines)
        found = re.search(r" at (http://127\.0\.0\.1:\d+)", "".join(lines))
        yield process, found[1], lines
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        thread.join(5)
        process.stdout.close()
        process.stderr.close()


def test_it_answers_and_ends_well(finished, tmp_path):
    log = tmp_path / "requests.jsonl"
    with serving(f"tickets={finished.bundle}", "--log", log, "--json") as (process, url, lines):
        with Client(url) as client:
            assert client.ready()
            (answer,) = client.predict([ROW])
            assert answer.prediction in ("green", "red") and 0.5 <= answer.confidence <= 1
            assert client.explain(ROW)["tokens"]
            with pytest.raises(RequestRefused, match="txt"):
                client.predict([{"txt": "a", "size": 1}])
        process.send_signal(signal.SIGTERM)
        out, _ = process.stdout.read(), process.wait(30)
        assert process.returncode == 0
        assert json.loads(out) == {"signal": signal.SIGTERM, "drained": True}
        assert "Traceback" not in "".join(lines)
    (line,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert line["_prediction"] == answer.prediction and line["size"] == 12 and "text" not in line
    assert line["_characters.text"] == len(ROW["text"])


def test_ctrl_c_while_it_answers_loses_nothing(finished):
    with serving(finished.bundle) as (process, url, _):
        done, broken, go = [], [], threading.Event()

        def ask():
            host = url.removeprefix("http://")
            connection = http.client.HTTPConnection(host, timeout=20)
            body = json.dumps({"rows": [ROW] * 20})
            go.wait()
            with closing(connection):
                while True:
                    try:
                        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                        answer = connection.getresponse()
                        done.append((answer.status, len(answer.read())))
                        if answer.status != 200:
                            return
                    except (OSError, http.client.HTTPException) as problem:
                        broken.append(problem)
                        return

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        go.set()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        for thread in threads:
            thread.join(30)
        process.wait(30)
        assert process.returncode == 0
    assert {status for status, _ in done} <= {200, 503} and sum(status == 200 for status, _ in done) > 4
    # Whoever was cut off had not been answered half: an idle connection was closed, and nothing came back on it.
    assert not any(isinstance(one, http.client.IncompleteRead) for one in broken)


def test_a_replaced_bundle_is_put_in_place_when_it_is_told(finished, tmp_path):
    place = tmp_path / "bundle"
    shutil.copytree(finished.bundle, place)
    with serving(f"m={place}") as (process, url, lines), Client(url) as client:
        before = client.models()[0]["version"]
        # The same model with another card: other content, and so another version.
        (place / "README.md").write_text("another card\n")
        sums = [line for line in (place / "SHA256SUMS").read_text().splitlines() if not line.endswith("  README.md")]
        import hashlib

        digest = hashlib.sha256((place / "README.md").read_bytes()).hexdigest()
        (place / "SHA256SUMS").write_text("\n".join([*sums, f"{digest}  README.md"]) + "\n")
        process.send_signal(signal.SIGHUP)
        end = time.monotonic() + 30
        while client.models()[0]["version"] == before:
            assert time.monotonic() < end, "".join(lines)
            time.sleep(0.05)
        assert client.predict([ROW])
        (place / "head.safetensors").write_bytes(b"nothing")
        (place / "SHA256SUMS").write_text((place / "SHA256SUMS").read_text() + "\n")
        after = client.models()[0]["version"]
        process.send_signal(signal.SIGHUP)
        while not any("refused" in line for line in lines):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert client.models()[0]["version"] == after and client.predict([ROW])


@pytest.mark.slow
def test_several_workers_share_an_address_and_one_that_dies_comes_back(finished):
    with serving(finished.bundle, "--workers", "2", workers=2) as (process, url, lines):
        import psutil

        workers = psutil.Process(process.pid).children()
        assert len(workers) == 2
        with Client(url, attempts=5) as client:
            for _ in range(10):
                client.predict([ROW])
            connection = http.client.HTTPConnection(url.removeprefix("http://"))
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            connection.close()
            assert "tunewright_requests_total" in text
            workers[0].kill()
            end = time.monotonic() + 60
            while sum(line.startswith("Serving") for line in lines) < 3:
                client.predict([ROW])  # the other one answers meanwhile
                assert time.monotonic() < end, "".join(lines)
                time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_it_is_not_reachable_from_elsewhere_without_a_token(finished, call):
    said = call("serve", finished.bundle, "--host", "0.0.0.0", "--json")
    assert said.code == 2 and "must ask for a token" in said.json["error"]["message"]
    assert call("serve", finished.bundle, "--token-env", "NO_SUCH_TOKEN").code == 2
    assert call("serve", finished.bundle, "--log-text").code == 2
    assert call("serve").code == 2


def test_a_token_from_the_environment(finished):
    token = "a-token-of-sixteen-letters"
    with serving(finished.bundle, "--token-env", "TOKEN", env={"TOKEN": token}) as (_, url, lines):
        with Client(url, token=token) as client:
            assert client.predict([ROW])
        with Client(url) as client:
            with pytest.raises(RequestRefused) as refused:
                client.predict([ROW])
            assert refused.value.status == 401
        assert token not in "".join(lines)


def test_what_is_no_bundle_ends_it_with_a_reason(call, tmp_path):
    said = call("serve", tmp_path, "--port", "0", "--json")
    assert said.code == 1 and "SHA256SUMS" in said.json["error"]["message"]


def test_a_taken_address_is_named(finished, call):
    from tunewright.serving.sockets import listen

    held = listen("127.0.0.1", 0)
    try:
        said = call("serve", finished.bundle, "--port", held.getsockname()[1], "--json")
        assert said.code == 1 and said.json["error"]["type"] == ServingError.__name__
    finally:
        held.close()
