"""The seal: every look at a test part is counted, by its content, wherever the run folder lies.

The ledger is `TUNEWRIGHT_HOME/looks.jsonl`; a line names the content (an order-free digest) and the run that looked. A
run that is resumed does not look twice.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import polars as pl

from tunewright.errors import RunError
from tunewright.runfolder import Journal, RunLock, read_entries
from tunewright.runfolder.home import home

T = TypeVar("T")
PATIENCE = 10.0  # seconds; whoever else holds the ledger writes one line


def content_digest(test: pl.DataFrame) -> str:
    """Digest of a test part that depends neither on the order of its rows nor on any library's release.

    >>> a = pl.DataFrame({"x": ["p", "q"]})
    >>> content_digest(a) == content_digest(a.reverse())
    True
    """
    rows = sorted(
        hashlib.sha256(json.dumps(row, default=str, ensure_ascii=False).encode()).digest() for row in test.iter_rows()
    )
    return hashlib.sha256(json.dumps(test.columns).encode() + b"".join(rows)).hexdigest()


def count_look(test: pl.DataFrame, *, by: str) -> int:
    """Enter a look into the ledger and return how many different runs have looked at this content, this one included.

    Args:
        test: raw rows of the test part, before a plan drops or casts anything.
        by: what names the run; stored as a digest only.

    Raises:
        RunError: the ledger cannot be written; a look that is not counted is not had.
    """
    content = content_digest(test)
    looker = hashlib.sha256(by.encode()).hexdigest()[:16]
    return _in_turn(lambda folder: _enter(folder, content, looker))


def _in_turn(work: Callable[[Path], T]) -> T:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with RunLock(home()):
                return work(home())
        except RunError:
            # Runs that end at the same moment take turns; anything else is no better after ten seconds.
            if time.monotonic() >= end:
                raise
            time.sleep(0.05)


def looks() -> list[tuple[str, str]]:
    """What the ledger of this machine holds: content and run of every look, as digests."""
    entries = read_entries(home() / "looks.jsonl")
    return [(str(entry.data["content"]), str(entry.data["by"])) for entry in entries if entry.event == "look"]


def add_looks(others: Iterable[tuple[str, str]]) -> None:
    """Enter looks that were had on another machine, as far as they are not there: a look is one wherever it was had.

    Raises:
        RunError: the ledger cannot be written.
    """
    others = list(others)
    if others:
        _in_turn(lambda folder: [_enter(folder, content, looker) for content, looker in others])


def _enter(folder: Path, content: str, looker: str) -> int:
    with Journal(folder / "looks.jsonl") as ledger:
        lookers = {entry.data["by"] for entry in ledger.entries() if entry.data.get("content") == content}
        if looker not in lookers:
            ledger.append("look", {"content": content, "by": looker})
    return len(lookers | {looker})
