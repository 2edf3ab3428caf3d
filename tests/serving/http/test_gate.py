"""Who is let in, and what a request may bring (FAULTS 20, 21, 27, 30)."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from contextlib import suppress

import psutil
import pytest

from tunewright.errors import PlanError
from tunewright.serving.options import RequestLimits, ServingOptions, check_reach

TOKEN = "0123456789abcdef-token"
HEAD = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_a_server_others_can_reach_asks_for_a_token():
    with pytest.raises(PlanError, match="must ask for a token") as refused:
        check_reach(ServingOptions(host="0.0.0.0"))
    assert refused.value.exit_code == 2
    check_reach(ServingOptions(host="0.0.0.0", token=TOKEN))
    for host in ("127.0.0.1", "::1", "localhost", "127.1.2.3"):
        check_reach(ServingOptions(host=host))
    with pytest.raises(PlanError, match="at least 16 characters"):
        check_reach(ServingOptions(token="short"))


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff"]
)
def test_without_the_token_nothing_is_told(serve, shelf, given):
    served = serve(shelf, token=TOKEN)
    headers = {} if given is None else {"Authorization": given}
    for method, path in (
        ("POST", "/predict"),
        ("GET", "/models"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/x"),
    ):
        said = served.ask(method, path, {"rows": [{"message": "a"}]} if method == "POST" else None, headers)
        assert said.status == 401 and said.headers["www-authenticate"] == "Bearer"
        assert b"tickets" not in said.body
    said = served.ask("POST", "/v2/models/tickets/infer", {"inputs": []}, headers)
    assert said.status == 401 and isinstance(said.json["error"], str)


def test_with_the_token_all_is_well_and_probes_need_none(serve, shelf):
    served = serve(shelf, token=TOKEN)
    assert served.predict("a", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
    assert served.predict("a", headers={"Authorization": f"bearer {TOKEN}"}).status == 200
    for path in ("/health/live", "/health/ready"):
        assert served.ask("GET", path, host="10.1.2.3:8000").status == 200
    assert served.ask("GET", "/").status == 200  # holds nothing of a model
    assert served.ask("GET", "/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json["security"]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.evil.example", "", "127.0.0.1@evil.example", "[::1", "1.2.3.4"],
)
def test_another_host_is_refused(served, host):
    assert served.predict("a", host=host).status in (400, 403)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
def test_its_own_names_are_known(served, host):
    assert served.predict("a", host=host).status == 200


def test_names_can_be_given(serve, shelf):
    served = serve(shelf, hosts=("models.internal",))
    assert served.predict("a", host="models.internal:80").status == 200
    assert served.predict("a", host="localhost").status == 403
    assert served.ask("GET", "/health/ready", host="10.0.0.7").status == 200  # a probe calls by address


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost", "http://127.0.0.1:1", "http://["]
)
def test_a_page_from_elsewhere_is_refused(served, origin):
    assert served.predict("a", headers={"Origin": origin}).status == 403


def test_a_page_of_ours_is_let_in(served):
    assert served.predict("a", headers={"Origin": served.url}).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read(served, kind):
    said = served.predict("a", headers={"Content-Type": kind})
    assert said.status == 415 and "application/json" in said.json["error"]["message"]


def test_a_packed_body_is_not_unpacked(served):
    bomb = gzip.compress(b"0" * 50_000_000)
    begun = time.monotonic()
    said = served.ask(
        "POST", "/predict", raw=bomb, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
    )
    assert said.status == 415 and time.monotonic() - begun < 1


def oversize():
    return {
        "deep": b"[" * 200_000,
        "deep objects": b'{"a":' * 50_000,
        "a text of a megabyte": json.dumps({"rows": [{"message": "x" * 1_000_000}]}).encode(),
        "a million rows": b'{"rows":[' + b"1," * 999_999 + b"1]}",
        "a million columns": json.dumps({"columns": {f"c{n}": [1] for n in range(100_000)}}).encode(),
        "ten megabytes": b'{"rows":["' + b"x" * 10_000_000 + b'"]}',
        "a number of a megabyte": b'{"rows":[{"message":"a","amount":' + b"9" * 1_000_000 + b"}]}",
    }


@pytest.mark.parametrize("what", oversize())
def test_what_is_too_large_is_refused_fast_and_kept_nowhere(served, what):
    served.predict("warm")
    body, memory = oversize()[what], psutil.Process()
    headers = {"Content-Type": "application/json"}
    served.ask("POST", "/predict", raw=body, headers=headers)
    before, took = memory.memory_info().rss, []
    for _ in range(5):
        begun = time.monotonic()
        said = served.ask("POST", "/predict", raw=body, headers=headers)
        took.append(time.monotonic() - begun)
        assert said.status in (413, 422), said.body[:200]
        assert len(said.body) < 20_000
    assert min(took) < 0.25  # alone on a machine it is under 0.1
    assert memory.memory_info().rss - before < 60e6
    assert served.ask("GET", "/health/ready").status == 200


def test_a_body_in_chunks_is_bounded(served):
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % 1_000_000 + b"x" * 1_000_000 + b"\r\n"
        for _ in range(6):
            raw.sendall(chunk)
        raw.sendall(b"0\r\n\r\n")
        assert b" 413 " in raw.recv(4096).split(b"\r\n")[0]


def test_a_slow_body_ends(serve, shelf):
    served = serve(shelf, request=RequestLimits(body_seconds=0.3))
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        raw.settimeout(5)
        assert b" 408 " in raw.recv(4096).split(b"\r\n")[0]


def test_a_slow_head_ends_and_a_keen_client_does_not_notice(serve, shelf):
    served = serve(shelf, request=RequestLimits(head_seconds=0.4))
    slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(60)]
    for one in slow:
        one.sendall(b"GET / HTTP/1.1\r\nX-A: ")
    begun = time.monotonic()

    def drip():
        for _ in range(30):
            for one in slow:
                try:
                    one.sendall(b"X")
                except OSError:
                    return
            time.sleep(0.05)

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    while time.monotonic() - begun < 1.0:
        assert served.predict("a").status == 200
    thread.join(5)
    said = []
    for one in slow:
        one.settimeout(2)
        with one, suppress(ConnectionResetError):
            said.append(one.recv(1))
    assert not any(said)


def test_a_head_without_end_is_cut(served):
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):
            for n in range(10_000):
                raw.sendall(b"X-%d: %s\r\n" % (n, b"y" * 1000))
            raw.settimeout(5)
            if not raw.recv(1):
                raise ConnectionResetError


@pytest.mark.parametrize("value", ["0", "-1", "soon", "1e9", "NaN", "9" * 40])
def test_a_timeout_must_be_a_number(served, value):
    said = served.predict("a", headers={"X-Timeout-Ms": value})
    assert said.status == 422 and "X-Timeout-Ms" in said.json["error"]["message"]


def test_a_request_keeps_its_name_if_it_is_one(served):
    assert served.predict("a", headers={"X-Request-Id": "order-7.a"}).headers["x-request-id"] == "order-7.a"
    odd = served.predict("a", headers={"X-Request-Id": "a b<script>"}).headers["x-request-id"]
    assert odd.isalnum()


def test_no_answer_is_kept_by_a_browser_or_guessed_at(served):
    headers = served.predict("a").headers
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_secrets_of_a_row_are_in_no_answer_metric_or_line(served, capfd):
    """FAULTS 30: what goes wrong is told without what was sent."""
    secrets = {"card": "4556 7375 8689 9855", "mail": "ann@mail.example", "key": "sk_live_51Habcdefgh1234567"}
    for secret in secrets.values():
        bodies = [
            {"rows": [{"message": f"poison {secret}"}]},
            {"rows": [{"message": "a", "amount": secret}]},
            {"rows": [{"message": "a", secret: 1}]},
            {"rows": [{"message": [secret]}]},
            {secret: 1},
        ]
        for body in bodies:
            for path in ("/predict", "/explain"):
                said = served.ask("POST", path, body)
                assert said.status in (422, 500)
                assert secret not in said.body.decode() and "/home/" not in said.body.decode()
                assert "Traceback" not in said.body.decode()
        served.ask("GET", f"/{secret.replace(' ', '')}")
    told = served.ask("GET", "/metrics").body.decode() + "".join(capfd.readouterr())
    assert not any(secret in told or secret.replace(" ", "") in told for secret in secrets.values())
    assert "/home/" not in told
