"""Who gets an answer from the local server, and that nobody else does: token, host, origin, sizes, broken requests."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
from urllib.parse import urlsplit

import pytest

from tunewright.events import Event
from tunewright.runfolder.told import Told
from tunewright.studio import server as server_module
from tunewright.studio.desk import runs_in
from tunewright.studio.server import serving


@pytest.fixture
def studio(copied):
    with serving(lambda: runs_in(copied)) as found:
        yield found


def fetch(studio, path="", *, method="GET", token=None, headers=None, body=None):
    """(status, headers, body) of a request to a path behind the token."""
    address = urlsplit(studio.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request(method, f"/{studio.token if token is None else token}/{path}", body=body, headers=headers or {})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def post(studio, path, asked, **headers):
    origin = f"http://{urlsplit(studio.url).netloc}"
    sent = {"Content-Type": "application/json", "Origin": origin} | headers
    status, _, body = fetch(studio, path, method="POST", body=json.dumps(asked), headers=sent)
    return status, json.loads(body)


def test_it_listens_on_the_loopback_interface_alone(studio):
    assert studio.server_address[0] == "127.0.0.1"
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        with socket.socket() as tried:
            tried.settimeout(1)
            assert tried.connect_ex((address, studio.server_address[1])) != 0


def test_the_pages_and_their_files_are_there_and_carry_their_policy(studio):
    for path in (
        "",
        "run/one/",
        "run/one/review/",
        *(f"static/{name}" for name in ("studio.css", "run.js", "plotly.js")),
    ):
        status, headers, body = fetch(studio, path)
        assert status == 200 and body, path
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe-inline' 'self" not in policy.replace("style-src", "")
        assert "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
        assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
        assert (b"http://" not in body[:2000] and b"https://" not in body[:2000]) or path == "static/plotly.js"


def test_without_the_token_there_is_nothing(studio):
    for token in ("", "x", studio.token[:-1], studio.token + "x", "static", "%00"):
        status, _, body = fetch(studio, "runs", token=token)
        assert status == 404 and b'"one"' not in body


def test_another_host_is_refused_whatever_it_knows(studio):
    for host in (
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "[::ffff:127.0.0.1]",
        "",
        "a b",
    ):
        for method in ("GET", "POST"):
            assert fetch(studio, "runs", method=method, headers={"Host": host})[0] == 403, host
    assert fetch(studio, "runs", headers={"Host": "localhost:9"})[0] == 200  # the near end of a tunnel


def test_what_changes_something_needs_our_own_origin(studio):
    path = "run/one/review/undo"
    for origin in ("null", "http://evil.example", "https://" + urlsplit(studio.url).netloc, "http://127.0.0.1:1"):
        status, said = post(studio, path, {}, Origin=origin)
        assert status == 403 and "page of this server" in said["error"], origin
    body = json.dumps({})
    assert fetch(studio, path, method="POST", body=body, headers={"Content-Type": "application/json"})[0] == 403
    assert post(studio, path, {})[0] == 200


def test_a_form_of_another_site_cannot_speak_json(studio):
    assert post(studio, "compare", {}, **{"Content-Type": "text/plain"})[0] == 400


def test_large_and_broken_bodies_are_refused(studio):
    origin = {"Origin": f"http://{urlsplit(studio.url).netloc}", "Content-Type": "application/json"}
    assert fetch(studio, "compare", method="POST", body="x" * 70_000, headers=origin)[0] == 413
    for body in ("", "{", "[]", "1", '"a"', "[" * 60_000):
        assert fetch(studio, "compare", method="POST", body=body, headers=origin)[0] == 400, body[:10]
    assert fetch(studio, "compare", method="POST", body="{}", headers=origin | {"Content-Length": "-1"})[0] == 400


def test_names_lead_nowhere_but_to_runs(studio, copied):
    (copied.parent / "secret.html").write_text("a secret")
    for name in ("..", "%2e%2e", "one%2f..%2ftwo", "one/../two", "/etc", "", "%00", "nothing"):
        for rest in ("", "report.html", "events", "review/queue", "../secret.html", "plan.yaml"):
            status, _, body = fetch(studio, f"run/{name}/{rest}")
            assert status == 404 and b"secret" not in body, (name, rest)
    assert fetch(studio, "run/one/bundle/model.safetensors")[0] == 404
    assert fetch(studio, "static/../server.py")[0] == 404


def test_a_report_is_shown_where_it_can_do_nothing(studio):
    status, headers, body = fetch(studio, "run/one/report.html")
    assert status == 200 and b"<title>" in body
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;") and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy and "connect-src" not in policy


def test_the_list_says_how_each_run_stands(studio, copied):
    (copied / "broken").mkdir()
    (copied / "broken" / "journal.jsonl").write_text("not a journal\nat all\n")
    (copied / "stopped").mkdir()
    (copied / "stopped" / "journal.jsonl").write_text("")
    writer = Told(copied / "stopped" / "progress.jsonl")
    writer(Event(station="run", what="failed", text="DataError: no rows"))
    writer.close()
    told = json.loads(fetch(studio, "runs")[2])["runs"]
    rows = {row["name"]: row for row in told}
    assert {name: row["state"] for name, row in rows.items()} == {
        "one": "finished",
        "two": "finished",
        "broken": "failed",
        "stopped": "failed",
    }
    assert rows["stopped"]["why"] == "DataError: no rows" and "checksum" in rows["broken"]["why"]
    one = rows["one"]
    assert one["metric"] == "accuracy" and 0 < float(one["value"]) <= 1 and " to " in one["interval"]
    assert one["report"] and one["comparable"] and one["began"].startswith("20")


def test_two_runs_are_compared_as_the_verb_does(studio, copied):
    from tunewright.stories.judging.comparing import compare_story

    status, said = post(studio, "compare", {"a": "one", "b": "two"})
    assert status == 200
    found = compare_story(copied / "one", copied / "two")
    assert said["text"] == found.text and said["rows"] == found.rows and said["verdict"] == found.verdict
    status, said = post(studio, "compare", {"a": "one", "b": "one"})
    assert status == 400 and "needs two runs" in said["error"]
    assert post(studio, "compare", {"a": "one", "b": "nothing"})[0] == 404


def test_a_run_at_rest_cannot_be_stopped(studio):
    status, said = post(studio, "run/one/stop", {})
    assert status == 409 and "Only a run that is working" in said["error"]


def stream(studio, name):
    address = urlsplit(studio.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    connection.request("GET", f"/{studio.token}/run/{name}/events")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"].startswith("text/event-stream")

    def next_news():
        while True:
            line = answer.readline()
            assert line, "the stream has ended"
            if line.startswith(b"data: "):
                return json.loads(line[6:])

    return connection, next_news


def test_a_page_that_comes_late_is_told_everything(studio):
    connection, next_news = stream(studio, "one")
    news = next_news()
    connection.close()
    kinds = [one["is"] for one in news["things"]]
    assert news["anew"] and {"sitting", "note", "finding", "station"} <= set(kinds)
    now = news["now"]
    assert now["state"] == "finished" and now["verdict"] and now["report"] and now["review"]
    assert not now["stoppable"]


def test_a_run_of_an_earlier_release_is_told_from_its_records(studio, copied):
    (copied / "one" / "progress.jsonl").unlink()
    connection, next_news = stream(studio, "one")
    kinds = [one["is"] for one in next_news()["things"]]
    connection.close()
    assert {"finding", "station"} <= set(kinds)


def test_news_come_as_they_are_told(studio, copied):
    connection, next_news = stream(studio, "one")
    known = next_news()["known"]
    writer = Told(copied / "one" / "progress.jsonl")
    writer(Event(station="audit", what="note", text="late \x1b[31m\u202enews"))
    writer.close()
    news = next_news()
    connection.close()
    assert not news["anew"] and news["known"] == known + 1
    assert news["things"][0]["text"] == "late ␛[31m⟨U+202E⟩news"  # nothing of it acts


def test_streams_end_with_the_server(copied):
    with serving(lambda: runs_in(copied)) as studio:
        connection, next_news = stream(studio, "one")
        next_news()
        began = time.monotonic()
    assert time.monotonic() - began < 5
    connection.close()
    with pytest.raises(OSError):
        fetch(studio, "")


def test_broken_requests_are_answered_or_dropped_and_harm_nothing(studio, capfd):
    draw, (host, port) = random.Random(3), studio.server_address
    starts = [b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"GET //[ HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01", b"GET"]
    starts += [
        b"POST / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"\0" * 100,
        b"X" * 70_000,
    ]
    for number in range(150):
        junk = (
            starts[number % len(starts)] + bytes(draw.randrange(256) for _ in range(draw.randrange(60))) + b"\r\n\r\n"
        )
        with socket.create_connection((host, port), timeout=5) as tried:
            try:
                tried.sendall(junk)
                tried.shutdown(socket.SHUT_WR)
                answer = b"".join(iter(lambda: tried.recv(65536), b""))
            except OSError:
                continue
        assert b"Traceback" not in answer and b"/tunewright" not in answer
    assert fetch(studio, "runs")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_too_many_connections_wait_outside(copied, monkeypatch):
    monkeypatch.setattr(server_module, "MOST", 3)
    with serving(lambda: runs_in(copied)) as studio:
        held = [socket.create_connection(studio.server_address) for _ in range(3)]
        time.sleep(0.3)
        with pytest.raises((OSError, http.client.HTTPException)):
            fetch(studio, "runs")
        for one in held:
            one.close()
        time.sleep(0.3)
        assert fetch(studio, "runs")[0] == 200


def test_a_taken_port_is_said_to_be_so(studio):
    from tunewright.errors import ServingError

    with pytest.raises(ServingError, match="needs a free port"), serving(dict, port=studio.server_address[1]):
        pass
