"""Rows of the table of versions to records and back, and whether they are what the ledger says."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

from tunewright.errors import RegistryError
from tunewright.living import ledger
from tunewright.records import LedgerLine, Promotion, Version, from_json, to_json
from tunewright.records.registered import Stage
from tunewright.runfolder.atomic import json_bytes

COLUMNS = "SELECT stage, since, record FROM versions WHERE name = ?"


def version_of(stage: Stage, since: int, record: str) -> Version:
    """The record that a row holds, with the stage it has now."""
    return from_json(Version, {**json.loads(record), "stage": stage, "since": since})


def versions_of(connection: sqlite3.Connection, name: str) -> list[Version]:
    """Every version of a model, oldest first."""
    rows = connection.execute(f"{COLUMNS} ORDER BY version", (name,)).fetchall()
    return [version_of(*row) for row in rows]


def champion_of(connection: sqlite3.Connection, name: str) -> Version | None:
    """The version that serves."""
    row = connection.execute(f"{COLUMNS} AND stage = 'champion'", (name,)).fetchone()
    return None if row is None else version_of(*row)


def known(connection: sqlite3.Connection) -> set[tuple[str, int]]:
    """Name and number of every version."""
    return set(connection.execute("SELECT name, version FROM versions").fetchall())


def enter(connection: sqlite3.Connection, version: Version, *, why: str) -> Version:
    """Write a new version down, and that it was added."""
    record = _stored(version)
    line = ledger.append(
        connection,
        who=version.who,
        what="added",
        name=version.name,
        version=version.version,
        why=why,
        record=record_digest(record),
    )
    connection.execute(
        "INSERT INTO versions (name, version, stage, since, digest, record) VALUES (?, ?, 'candidate', ?, ?, ?)",
        (version.name, version.version, line.seq, version.digest, record),
    )
    return version_of("candidate", line.seq, record)


def crown(connection: sqlite3.Connection, line: LedgerLine) -> Promotion:
    """Make the version of a ledger line the champion: the one that served retires first."""
    connection.execute(
        "UPDATE versions SET stage = 'retired', since = ? WHERE name = ? AND stage = 'champion'", (line.seq, line.name)
    )
    connection.execute(
        "UPDATE versions SET stage = 'champion', since = ? WHERE name = ? AND version = ?",
        (line.seq, line.name, line.version),
    )
    return Promotion(
        name=line.name, version=line.version, former=line.former, changed=True, revision=line.seq, line=line
    )


def problem_of(connection: sqlite3.Connection) -> str | None:
    """The first thing by which the ledger or the versions show that somebody changed them by other means."""
    lines, broken = ledger.read(connection)
    if broken is not None:
        return broken
    told = ledger.replay(lines)
    rows = connection.execute("SELECT name, version, stage, since, record FROM versions").fetchall()
    for name, version, stage, since, record in rows:
        said = told.get(name, ledger.Told())
        where = f"{name}@{version}"
        if said.records.get(version) != record_digest(record):
            return f"what is stored of {where} is not what was added"
        if (said.stages[version], said.since[version]) != (stage, since):
            return f"{where} is {stage}, by the ledger it is {said.stages[version]}"
    missing = {(name, version) for name, one in told.items() for version in one.records} - {
        (name, version) for name, version, *_ in rows
    }
    return "{}@{} is missing".format(*min(missing)) if missing else None


def refuse_tampered(connection: sqlite3.Connection, folder: Path) -> None:
    """Refuse to go on from a registry that somebody changed by other means.

    Raises:
        RegistryError: the ledger's chain is broken, or the versions are not what it says.
    """
    problem = problem_of(connection)
    if problem is not None:
        raise RegistryError(
            f"A registry must be what its ledger says. In {folder} {problem}. The champions go on serving; "
            "to change anything, restore registry.sqlite from a copy."
        )


def record_digest(record: str) -> str:
    """SHA-256 of what is stored of a version."""
    return hashlib.sha256(record.encode()).hexdigest()


def _stored(version: Version) -> str:
    """All of a version that never changes."""
    told = {key: value for key, value in to_json(version).items() if key not in ("stage", "since")}
    return json_bytes(told, of=f"{version.name}").decode()
