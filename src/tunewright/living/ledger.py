"""The ledger of a registry: who did what, when and why; lines are only ever added, each chained to the one before.

Triggers of the database keep an honest program from changing a line. Whoever edits the file by other means breaks the
chain: every line holds the SHA-256 of the line before it and of its own text. Order is the sequence number; the time is
for people, since clocks jump.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from tunewright.records import LedgerLine, from_json, to_json
from tunewright.records.registered import Deed, Stage
from tunewright.runfolder.atomic import json_bytes

TABLES: Final = (
    "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, digest TEXT NOT NULL)",
    "CREATE TRIGGER ledger_grows_at_its_end BEFORE INSERT ON ledger "
    "WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger) "
    "BEGIN SELECT RAISE(ABORT, 'a ledger grows at its end only'); END",
    "CREATE TRIGGER ledger_is_never_changed BEFORE UPDATE ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'a line of a ledger is never changed'); END",
    "CREATE TRIGGER ledger_is_never_cut BEFORE DELETE ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'a line of a ledger is never removed'); END",
)


def append(
    connection: sqlite3.Connection,
    *,
    who: str,
    what: Deed,
    name: str,
    version: int,
    former: int | None = None,
    why: str = "",
    evidence: Mapping[str, Any] | None = None,
    record: str | None = None,
) -> LedgerLine:
    """Add a line inside the transaction that does what it says; see `LedgerLine` for its parts."""
    last = connection.execute("SELECT seq, digest FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    seq, before = (last[0] + 1, last[1]) if last else (1, "")
    line = LedgerLine(
        seq=seq,
        time=now(),
        who=who,
        what=what,
        name=name,
        version=version,
        former=former,
        why=why,
        evidence=evidence,
        record=record,
    )
    body = _body(line)
    digest = chained(before, body)
    connection.execute("INSERT INTO ledger (seq, body, digest) VALUES (?, ?, ?)", (seq, body, digest))
    return from_json(LedgerLine, {**json.loads(body), "digest": digest})


def read(connection: sqlite3.Connection) -> tuple[list[LedgerLine], str | None]:
    """Every line in its order, and the first thing that is not as it was written; None: the chain holds.

    A line that cannot be read is left out.
    """
    lines: list[LedgerLine] = []
    broken: str | None = None
    before = ""
    rows = connection.execute("SELECT seq, body, digest FROM ledger ORDER BY seq").fetchall()
    for place, (seq, body, digest) in enumerate(rows, start=1):
        if broken is None and seq != place:
            broken = f"line {place} is missing"
        if broken is None and digest != chained(before, body):
            broken = f"line {seq} or the one before it was changed"
        before = digest
        try:
            lines.append(from_json(LedgerLine, {**json.loads(body), "digest": digest}))
        except (ValueError, TypeError):
            broken = broken or f"line {seq} cannot be read"
    return lines, broken


def chained(before: str, body: str) -> str:
    """The digest of a line: SHA-256 over the digest of the line before and the line's text.

    >>> chained("", "a") != chained("b", "a")
    True
    """
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()


@dataclass(slots=True)
class Told:
    """What the ledger says of one model.

    Args:
        stages: by version.
        records: digest of what is stored of each version.
        reigns: versions that were promoted and not rolled back, the champion last.
        since: sequence number of the line that last touched each version's stage.
    """

    stages: dict[int, Stage] = field(default_factory=dict)
    records: dict[int, str | None] = field(default_factory=dict)
    reigns: list[int] = field(default_factory=list)
    since: dict[int, int] = field(default_factory=dict)


def replay(lines: Sequence[LedgerLine]) -> dict[str, Told]:
    """What every model should look like after these lines.

    >>> line = {"time": "", "who": "ann", "name": "m"}
    >>> deeds = [("added", 1), ("promoted", 1), ("added", 2), ("promoted", 2), ("rolled back", 1)]
    >>> lines = [LedgerLine(seq=i, what=what, version=v, **line) for i, (what, v) in enumerate(deeds, 1)]
    >>> replay(lines)["m"].stages, replay(lines)["m"].reigns
    ({1: 'champion', 2: 'retired'}, [1])
    """
    told: dict[str, Told] = {}
    for line in lines:
        one = told.setdefault(line.name, Told())
        if line.what == "added":
            one.stages[line.version], one.records[line.version] = "candidate", line.record
            one.since[line.version] = line.seq
            continue
        if one.reigns:
            one.stages[one.reigns[-1]], one.since[one.reigns[-1]] = "retired", line.seq
        if line.what == "promoted":
            one.reigns.append(line.version)
        else:
            del one.reigns[-1:]
        one.stages[line.version], one.since[line.version] = "champion", line.seq
    return told


def now() -> str:
    """The time by the clock."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _body(line: LedgerLine) -> str:
    told = {key: value for key, value in to_json(line).items() if key != "digest"}
    return json_bytes(told, of="a ledger").decode()
