"""How each server is asked about one text and where its label stands: all that the load knows of a server."""

from __future__ import annotations

import base64
import http.client
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
from st_head import read_head

SECONDS = 60.0  # for an answer where nothing is timed
TRIES = 3  # to get an answer that is not a refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One kind of server.

    Args:
        path: of the request.
        body: of a text, to be sent as JSON.
        label: of an answer's JSON.
    """

    path: str
    body: Callable[[str], Any]
    label: Callable[[Any], str]

    def data(self, text):
        """The body's bytes."""
        return json.dumps(self.body(text)).encode()


def wire_of(kind, head):
    """The wire of `tunewright`, `litserve` or `infinity`; the last gives vectors, of which the client's head tells."""
    wires = {
        "tunewright": Wire(
            path="/predict",
            body=lambda text: {"rows": [{"text": text}], "top": 1},
            label=lambda answer: answer["predictions"][0]["prediction"],
        ),
        "litserve": Wire(path="/predict", body=lambda text: {"text": text}, label=lambda answer: answer["label"]),
        "infinity": Wire(
            path="/embeddings",
            # As bytes, which its own pages call the fast setting and OpenAI's client asks for unless told otherwise.
            body=lambda text: {"model": "served", "input": [text], "encoding_format": "base64"},
            label=partial(_label_of_vector, head=None if head is None else read_head(head)),
        ),
    }
    return wires[kind]


def _label_of_vector(answer, head):
    vector = np.frombuffer(base64.b64decode(answer["data"][0]["embedding"]), np.float32)
    return str(head.predict(vector[None])[0])


def ask(connection, wire, text):
    """The label of one text.

    Raises:
        ValueError: another status than 200, or an answer whose length the load could not tell.
    """
    connection.request("POST", wire.path, wire.data(text), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ValueError(f"a request was answered with {answer.status}: {body[:200]!r}")
    if answer.getheader("Content-Length") is None:
        raise ValueError("an answer must tell its Content-Length to be timed; this one does not")
    return wire.label(json.loads(body))


def patiently(connection, wire, text):
    """The label of one text; a server that refuses it is asked again."""
    for _ in range(TRIES):
        try:
            return ask(connection, wire, text)
        except ValueError:
            time.sleep(0.1)
    return ask(connection, wire, text)


def connect(port):
    """A connection to a server of this machine; opened by the first request."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)


def answers(port, wire, text):
    """Whether a server answers a text by now."""
    connection = connect(port)
    try:
        ask(connection, wire, text)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return True


def accuracy(port, wire, texts, labels):
    """Share of texts whose label is right, asked one after the other over one connection."""
    connection = connect(port)
    try:
        return float(np.mean([patiently(connection, wire, text) == label for text, label in zip(texts, labels)]))
    finally:
        connection.close()
