"""A model that needs no weights: it answers a row's text with its length, as slowly as it is told to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import polars as pl
import pytest

from tunewright.records import Column
from tunewright.serving.models import Place, Shelf, Version
from tunewright.serving.pace import Pace
from tunewright.serving.schema import Input, Schema

COLUMNS = (
    Column(name="message", kind="text", role="feature", why=""),
    Column(name="amount", kind="number", role="feature", why="", missing=3),
    Column(name="plan", kind="category", role="feature", why="", missing=1),
)


def schema_of(**more) -> Schema:
    values = {"plan": frozenset({"free", "pro"})}
    inputs = tuple(Input(column=c, required=c.missing == 0, values=values.get(c.name, frozenset())) for c in COLUMNS)
    return Schema(inputs=inputs, known=frozenset({"team", "ticket"}), texts=(("message",),), max_length=32, **more)


@dataclass
class Fake:
    """What the model did, and what it should do."""

    name: str = "tickets"
    version: str = "v1"
    seconds: float = 0.0  # per batch
    per_row: float = 0.0
    poison: str = "poison"
    frames: list = field(default_factory=list)
    hold: threading.Event | None = None
    threads: set = field(default_factory=set)

    def answer(self, frame: pl.DataFrame) -> pl.DataFrame:
        self.frames.append(frame)
        self.threads.add(threading.current_thread().name)
        if self.hold is not None:
            assert self.hold.wait(20)
        time.sleep(self.seconds + self.per_row * frame.height)
        texts = [text or "" for text in frame["message"].to_list()]
        if any(self.poison in text for text in texts):
            raise RuntimeError(f"{texts} at /home/somebody/secret.py")
        labels = ["even" if len(text) % 2 == 0 else "odd" for text in texts]
        odds = [[0.9, 0.1] if label == "even" else [0.1, 0.9] for label in labels]
        probabilities = pl.DataFrame(odds, schema=["even", "odd"], orient="row")
        return pl.DataFrame({"prediction": labels, "confidence": [0.9] * len(labels), "probabilities": probabilities})

    def explain(self, row, label):
        if "poison" in str(row):
            raise RuntimeError("/home/somebody/secret.py")
        return {"prediction": "even", "tokens": [{"text": str(row.get("message")), "weight": 1.0}], "label": label}

    def made(self, **more) -> Version:
        return Version(
            model=self.name,
            version=self.version,
            schema=more.pop("schema", None) or schema_of(),
            task="binary",
            labels=("even", "odd"),
            target="team",
            answer=self.answer,
            explain=self.explain,
            example={"message": "hello there", "amount": 3.5, "plan": "pro"},
            pace=more.pop("pace", None) or Pace(overhead=max(self.seconds, 1e-4), slope=max(self.per_row / 4, 1e-6)),
            **more,
        )


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
def shelf(fake):
    return Shelf([Place(source=None, version=fake.made())])


@pytest.fixture
def make_schema():
    return schema_of


@pytest.fixture(scope="session")
def make_fake():
    return Fake


@pytest.fixture
def rows():
    def make(*texts):
        return schema_of().of_rows([{"message": text} for text in texts])

    return make
