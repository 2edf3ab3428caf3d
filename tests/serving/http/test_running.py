"""Load, drain and swap: no accepted request is lost, each is answered by one version (FAULTS 23, 24, 25)."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from tunewright.client import Client, RequestRefused
from tunewright.errors import ModelError, ServingError
from tunewright.serving.keeping import Bundles, renew
from tunewright.serving.models import Place, Shelf
from tunewright.serving.options import QueueOptions
from tunewright.serving.pace import Pace
from tunewright.serving.sockets import address_of, listen


class Load:
    """Clients that each send the next request as soon as the last is answered, until they are told to end."""

    def __init__(self, served, clients, rows=1):
        self.served, self.rows = served, rows
        self.said = []  # (began, ended, status, body)
        self.broken = []
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self._send, args=(n,), daemon=True) for n in range(clients)]
        for thread in self.threads:
            thread.start()

    def _send(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=30)
        try:
            self._send_over(connection, number)
        finally:
            connection.close()

    def _send_over(self, connection, number):
        body = json.dumps({"rows": [{"message": "w" * (number + n + 1)} for n in range(self.rows)]}).encode()
        while not self.ending.is_set():
            began = time.monotonic()
            try:
                connection.request("POST", "/predict", body=body, headers={"Content-Type": "application/json"})
                answer = connection.getresponse()
                self.said.append((began, time.monotonic(), answer.status, answer.read()))
            except (OSError, http.client.HTTPException) as problem:
                self.broken.append((began, problem))
                return
            if answer.status != 200:
                time.sleep(0.01)

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
        return self.said


def test_a_new_version_under_load_loses_no_request(serve, make_fake):
    """Each answer is one version's, whole; after the swap all are the new one's."""
    old, new = make_fake(version="old", seconds=0.002), make_fake(version="new", seconds=0.002)
    for fake, offset in ((old, 0), (new, 1)):
        fake.answer = _shifted(fake, offset)
    shelf = Shelf([Place("source", old.made())])
    served = serve(shelf, queue=QueueOptions(limit=20, batch_tokens=64))
    load = Load(served, 8, rows=12)
    time.sleep(0.4)
    bundles = Bundles(digest=lambda source: "new", load=lambda name, source: new.made())
    told = []
    assert served.call(renew(shelf.places[0], service=served.service, bundles=bundles, refused={}, say=told.append))
    swapped = time.monotonic()
    time.sleep(0.4)
    said = load.end()
    assert not load.broken and {status for _, _, status, _ in said} == {200}
    versions = []
    for began, _, _, body in said:
        answer = json.loads(body)
        labels = {one["prediction"].partition(" ")[2] for one in answer["predictions"]}
        assert labels == {answer["version"]}, "rows of one request were answered by two versions"
        versions.append(answer["version"])
        if began > swapped:
            assert answer["version"] == "new"
    assert {"old", "new"} == set(versions)
    assert told == ["tickets is at new now; it was at old."]


def _shifted(fake, offset):
    plain = type(fake).answer

    def answer(frame):
        import polars as pl

        return plain(fake, frame).with_columns(prediction=pl.col("prediction") + f" {fake.version}")

    return answer


@pytest.mark.parametrize("what", ["does not load", "fails its example", "another task", "another column", "not finite"])
def test_a_bad_version_is_refused_and_the_old_one_answers_on(serve, make_fake, make_schema, what):
    old, new = make_fake(version="old"), make_fake(version="new")
    shelf = Shelf([Place("source", old.made())])
    served = serve(shelf)

    def load(name, source):
        if what == "does not load":
            raise ModelError("A bundle must be whole. This one is not.")
        if what == "fails its example":
            new.poison = "hello"
            return new.made()
        if what == "another task":
            return replace(new.made(), task="regression")
        if what == "not finite":
            return replace(new.made(), answer=_not_finite)
        column = replace(make_schema().inputs[0].column, name="body")
        needed = replace(make_schema().inputs[0], column=column)
        return replace(new.made(), schema=replace(make_schema(), inputs=(needed,), texts=(("body",),)))

    told, refused = [], {}
    renewing = {"service": served.service, "bundles": Bundles(digest=lambda source: "new", load=load)}
    for _ in range(2):  # the second time nothing is tried again, and nothing said
        assert not served.call(renew(shelf.places[0], refused=refused, say=told.append, **renewing))
    assert len(told) == 1 and "stays at old" in told[0]
    assert served.predict("a").json["version"] == "old"
    text = served.ask("GET", "/metrics").body.decode()
    assert 'tunewright_swaps_total{model="tickets",result="refused"} 1.0' in text


def _not_finite(frame):
    import polars as pl

    return pl.DataFrame({"prediction": ["even"] * frame.height, "confidence": [float("nan")] * frame.height})


def test_the_same_bundle_is_left_alone(serve, make_fake):
    fake = make_fake(version="v1")
    shelf = Shelf([Place("source", fake.made())])
    served = serve(shelf)
    bundles = Bundles(digest=lambda source: "v1", load=lambda name, source: pytest.fail("it must not be loaded"))
    assert not served.call(renew(shelf.places[0], service=served.service, bundles=bundles, refused={}, say=pytest.fail))


def test_stopping_under_load_loses_nothing_that_was_let_in(serve, make_fake):
    fake = make_fake(seconds=0.02)
    served = serve(Shelf([Place(None, fake.made())]), queue=QueueOptions(limit=20))
    load = Load(served, 12)
    time.sleep(0.4)
    assert served.end()  # drained
    said = load.end()
    statuses = {status for _, _, status, _ in said}
    assert 200 in statuses and statuses <= {200, 503}
    for _, _, status, body in said:
        if status == 200:
            assert len(json.loads(body)["predictions"]) == 1
    # What was cut off was never let in: whoever is idle when the door closes finds it closed at the next request.
    answered = sum(frame.height for frame in fake.frames)
    tried = 1 + 1 + 8 + 32 + 1 + 1
    assert answered - tried == sum(status == 200 for _, _, status, _ in said)


def test_a_drain_that_takes_too_long_ends_and_says_so(serve, make_fake):
    fake = make_fake()
    served = serve(Shelf([Place(None, fake.made())]), drain=1.0, queue=QueueOptions(limit=30))
    fake.hold = threading.Event()
    load = Load(served, 1)
    while not load.said and not fake.frames[6:]:
        time.sleep(0.01)
    drained = served.end()
    fake.hold.set()
    load.end()
    assert not drained


CLIENTS = """
import asyncio, json, sys
from tunewright.serving.load import Target, keep_busy, offer
port, rate, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
target, bodies = Target(host="127.0.0.1", port=port), [json.dumps({"rows": [{"message": "word"}]}).encode()]
if rate:
    sent = asyncio.run(offer(target, bodies, rate, seconds))
    print(json.dumps([[one.due, one.status, one.seconds] for one in sent]))
else:
    print(json.dumps(asyncio.run(keep_busy(target, bodies, 12, seconds))))
"""


def clients(served, rate, seconds):
    """Load from a process of its own, so that it does not share the interpreter with the server."""
    command = [sys.executable, "-c", CLIENTS, str(served.port), str(rate), str(seconds)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout)


def check_overload(serve, make_fake, *, seconds, kept):
    limit = 0.4
    fake = make_fake(seconds=0.02, per_row=0.002)
    served = serve(
        Shelf([Place(None, fake.made(pace=Pace(overhead=0.02, slope=0.0005)))]),
        queue=QueueOptions(limit=limit, batch_tokens=64),
    )
    peak = clients(served, 0, 2)
    sent = clients(served, 10 * peak, seconds)
    answered = [(due, took) for due, status, took in sent if status == 200]
    assert {status for _, status, _ in sent} <= {200, 429, 503}
    assert sum(status == 429 for _, status, _ in sent) > len(sent) / 2
    within = [took for due, took in answered if due > 0.5]
    good = sum(took <= limit for took in within) / (seconds - 0.5)
    assert good >= kept * peak, (good, peak)
    refused = [took for _, status, took in sent if status == 429]
    assert statistics.median(refused) < limit, "a refusal must come before the time is over"
    time.sleep(0.5)
    begun = time.monotonic()
    assert served.predict("a").status == 200
    assert time.monotonic() - begun < 1  # it has recovered
    return sorted(within)[int(0.99 * len(within))], limit


@pytest.mark.slow
def test_overload_is_refused_and_what_is_let_in_is_in_time(serve, make_fake):
    """Ten times what the model can do, on a machine that others may use, too; not passed yet, see decision 027."""
    p99, limit = check_overload(serve, make_fake, seconds=3, kept=0.6)
    assert p99 <= 2 * limit


@pytest.mark.slow
def test_a_minute_of_overload(serve, make_fake):
    """FAULTS 23 as it stands: p99 within the limit, nine tenths of the peak kept."""
    p99, limit = check_overload(serve, make_fake, seconds=60, kept=0.9)
    assert p99 <= limit


def test_a_client_that_leaves_takes_its_rows_along(serve, make_fake):
    fake = make_fake()
    served = serve(Shelf([Place(None, fake.made())]), queue=QueueOptions(limit=20))
    fake.frames.clear()
    fake.hold = threading.Event()
    first = threading.Thread(target=served.predict, args=("first",))
    first.start()
    while not fake.frames:
        time.sleep(0.01)
    body = json.dumps({"rows": [{"message": "gone"}]}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(head % len(body) + body)
        while not served.service.batcher.rows:
            time.sleep(0.01)
    stays = []
    second = threading.Thread(target=lambda: stays.append(served.predict("stays")))
    second.start()
    time.sleep(0.3)
    fake.hold.set()
    first.join(10)
    second.join(10)
    assert stays[0].status == 200
    assert [text for frame in fake.frames for text in frame["message"].to_list()] == ["first", "stays"]
    text = served.ask("GET", "/metrics").body.decode()
    assert 'route="/predict",status="499"' in text


def test_a_deadline_of_its_own(serve, make_fake):
    fake = make_fake()
    served = serve(Shelf([Place(None, fake.made())]), queue=QueueOptions(limit=20))
    fake.hold = threading.Event()
    first = threading.Thread(target=served.predict, args=("first",))
    first.start()
    while len(fake.frames) < 7:
        time.sleep(0.01)
    begun = time.monotonic()
    said = served.predict("late", headers={"X-Timeout-Ms": "200"})
    assert said.status == 503 and said.headers["retry-after"] and 0.15 < time.monotonic() - begun < 2
    fake.hold.set()
    first.join(10)


def test_poison_fails_alone_over_http(serve, make_fake, capfd):
    fake = make_fake()
    served = serve(Shelf([Place(None, fake.made())]), queue=QueueOptions(limit=20))
    fake.hold = threading.Event()
    first = threading.Thread(target=served.predict, args=("first",))
    first.start()
    while len(fake.frames) < 7:
        time.sleep(0.01)
    found = {}
    threads = [
        threading.Thread(target=lambda text=text: found.update({text: served.predict(text)}))
        for text in ("good", "poison", "fine")
    ]
    for thread in threads:
        thread.start()
    while served.service.batcher.rows < 3:
        time.sleep(0.01)
    fake.hold.set()
    for thread in (first, *threads):
        thread.join(10)
    assert {text: said.status for text, said in found.items()} == {"good": 200, "poison": 500, "fine": 200}
    assert b"secret" not in found["poison"].body and "Traceback" not in "".join(capfd.readouterr())


def test_one_row_at_a_time_waits_for_nobody(served):
    """The way through the server without the model is short: well under the time of any model."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    body = json.dumps({"rows": [{"message": "a"}]}).encode()
    took = []
    for _ in range(150):
        begun = time.perf_counter()
        connection.request("POST", "/predict", body=body, headers={"Content-Type": "application/json"})
        connection.getresponse().read()
        took.append(time.perf_counter() - begun)
    connection.close()
    assert statistics.median(took) < 0.02


def test_the_address_must_be_free(served):
    with pytest.raises(ServingError, match="needs an address"):
        listen("127.0.0.1", served.port)
    held = listen("127.0.0.1", 0)
    assert address_of(held).startswith("http://127.0.0.1:")
    held.close()


def test_the_client_asks_and_hears_why_not(served):
    with Client(served.url) as client:
        assert client.ready()
        one, other = client.predict([{"message": "a"}, {"message": "bb"}])
        assert (one.prediction, other.prediction) == ("odd", "even")
        assert one.probabilities == {"even": 0.1, "odd": 0.9} and one.confidence == 0.9
        assert client.predict_columns({"message": ["a"]})[0] == one
        assert client.explain({"message": "a"})["tokens"][0]["weight"] == 1.0
        assert client.models()[0]["name"] == "tickets"
        with pytest.raises(RequestRefused, match="mesage") as refused:
            client.predict([{"mesage": "a"}])
        assert refused.value.status == 422 and refused.value.retry_after is None
        assert {one["column"] for one in refused.value.problems} == {"message", "mesage"}


def test_the_client_survives_a_connection_that_was_closed(served):
    with Client(served.url) as client:
        client.predict([{"message": "a"}])
        client._connection.sock.shutdown(socket.SHUT_RDWR)
        assert client.predict([{"message": "a"}])[0].prediction == "odd"


def test_the_client_comes_again_where_it_is_told_to(serve, make_fake):
    fake = make_fake()
    served = serve(Shelf([Place(None, fake.made())]), queue=QueueOptions(rows=1, limit=20))
    fake.hold = threading.Event()
    first = threading.Thread(target=served.predict, args=("first",))
    first.start()
    while len(fake.frames) < 7:
        time.sleep(0.01)
    second = threading.Thread(target=served.predict, args=("second",))
    second.start()
    while not served.service.batcher.rows:
        time.sleep(0.01)
    with pytest.raises(RequestRefused) as refused, Client(served.url, attempts=1) as client:
        client.predict([{"message": "third"}])
    assert refused.value.status == 429 and refused.value.retry_after >= 1
    threading.Timer(0.2, fake.hold.set).start()
    with Client(served.url, timeout=10) as client:
        assert client.predict([{"message": "third"}])[0].prediction == "odd"
    first.join(10)
    second.join(10)


def test_without_a_server_the_client_says_so():
    with Client("http://127.0.0.1:9", attempts=1) as client:
        assert not client.ready()
        with pytest.raises(ServingError, match="must answer"):
            client.predict([{"message": "a"}])
    with pytest.raises(ServingError, match="must be http"):
        Client("ftp://somewhere")


def test_the_server_ends_with_the_loop_clean(serve, shelf):
    served = serve(shelf)
    assert served.predict("a").status == 200
    assert served.end()
    with pytest.raises(ConnectionError):
        served.predict("a")
