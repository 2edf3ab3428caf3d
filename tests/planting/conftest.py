"""Tables of several sorts to plant faults in, and what a planter is told of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.planting import About

THINGS = ["parcel", "invoice", "router", "garden", "ticket", "window"]
THINGS += ["engine", "letter", "coffee", "bridge", "teacher", "market"]
DOINGS = ["arrived", "broke", "vanished", "opened", "stopped", "doubled", "changed", "failed", "returned", "froze"]
ENDINGS = "after the long weekend|before we could call you|in the middle of the night|for the third time|without a word"


def _texts(rng, rows, classes):
    ends = ENDINGS.split("|")
    return [
        f"The {THINGS[int(c) * 3 + int(rng.integers(3))]} of number {row} {rng.choice(DOINGS)} {rng.choice(ends)}, "
        f"so what is it that you and {rng.choice(THINGS)} want?"
        for row, c in enumerate(classes)
    ]


def _mixed(rows, rng):
    classes = rng.integers(0, 4, rows)
    day = datetime(2024, 1, 3)
    return {
        "record": [f"{n}" for n in range(rows)],
        "message": _texts(rng, rows, classes),
        "amount": [f"{n:.2f}" for n in rng.gamma(2.0, 40.0, rows)],
        "visits": [f"{n}" for n in rng.poisson(30, rows)],
        "channel": [["mail", "phone", "shop"][n] for n in rng.integers(0, 3, rows)],
        "seen": [f"{day + timedelta(days=int(n)):%d-%m-%Y}" for n in np.sort(rng.integers(0, 600, rows))],
        "team": [["app_support", "billing", "cancellations", "delivery"][n] for n in classes],
    }


def _typed(rows, rng):
    x = rng.normal(size=rows)
    return {
        "count": rng.integers(0, 100, rows),
        "weight": np.round(rng.normal(70, 12, rows), 1),
        "colour": [["red", "green", "blue"][n] for n in rng.integers(0, 3, rows)],
        "when": [datetime(2023, 5, 1) + timedelta(hours=7 * n) for n in range(rows)],
        "price": np.round(20 + 4 * x + rng.normal(size=rows), 2),
    }


def _texty(rows, rng):
    classes = rng.integers(0, 4, rows)
    return {"message": _texts(rng, rows, classes), "y": [["no", "yes", "later", "never"][n] for n in classes]}


def _labels(rows, rng):
    first, second = rng.integers(0, 4, rows), rng.integers(0, 4, rows)
    names = ["anger", "gladness", "sorrow", "surprise"]
    labels = ["|".join(sorted({names[a], names[b]})) for a, b in zip(first, second, strict=True)]
    return {"message": _texts(rng, rows, first), "feelings": labels}


def _pounds(rows, rng):
    """Numbers with a decimal comma, a numeric target as text."""
    size = rng.gamma(3.0, 30.0, rows)
    return {
        "size": [f"{n:.1f}".replace(".", ",") for n in size],
        "rooms": [f"{n}" for n in rng.integers(1, 30, rows)],
        "town": [["Ulm", "Bern", "Graz", "Brno"][n] for n in rng.integers(0, 4, rows)],
        "rent": [f"{n * 9 + 100 + rng.normal(0, 40):.2f}".replace(".", ",") for n in size],
    }


MAKERS = {
    "mixed": (_mixed, "team"),
    "typed": (_typed, "price"),
    "texty": (_texty, "y"),
    "labels": (_labels, "feelings"),
    "pounds": (_pounds, "rent"),
}


@cache
def _make(name: str, rows: int = 400, seed: int = 0) -> tuple[pl.DataFrame, About]:
    maker, target = MAKERS[name]
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame(maker(rows, rng))
    frame = frame.with_columns(
        pl.when(pl.int_range(pl.len()) % 41 == 7).then(None).otherwise(pl.col(target)).alias(target)
    )
    table = describe(frame, target=target)
    labelled = np.flatnonzero(conform(frame, table, require_target=True)[target].is_not_null().to_numpy())
    parts = rng.choice(["train", "train", "train", "validation", "test"], rows)
    parts[np.setdiff1d(np.arange(rows), labelled)] = ""
    return frame, About.of(table, labelled, parts.tolist())


@pytest.fixture(scope="session", params=MAKERS)
def ground(request):
    """A table with some rows without a target, and what is known of it."""
    return _make(request.param)


@pytest.fixture(scope="session")
def make():
    """(name, rows, seed) to such a table."""
    return _make
