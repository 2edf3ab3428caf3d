"""`registry.sqlite`: its tables, and the two ways to reach them: reading, and one writer at a time.

SQLite's own locks see to it that there is one writer, and go with whoever held them; a transaction that a kill cut
short is taken back by the next to look. The rollback journal is used, not the write-ahead log: a reader then needs no
space on the disk and no right to write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from tunewright.errors import RegistryError
from tunewright.living import ledger
from tunewright.runfolder import disk

FILE: Final = "registry.sqlite"
PATIENCE: Final = 10.0  # seconds; a bundle is copied while the lock is held
APPLICATION: Final = 0x74775247  # "twRG", by which a registry is told from other databases
FORMAT: Final = 1
TABLES: Final = (
    "CREATE TABLE versions (name TEXT NOT NULL, version INTEGER NOT NULL CHECK (version >= 1), "
    "stage TEXT NOT NULL CHECK (stage IN ('candidate', 'champion', 'retired')), since INTEGER NOT NULL, "
    "digest TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (name, version))",
    "CREATE UNIQUE INDEX one_champion ON versions (name) WHERE stage = 'champion'",
    "CREATE TRIGGER a_version_stays_what_it_is BEFORE UPDATE OF name, version, digest, record ON versions "
    "BEGIN SELECT RAISE(ABORT, 'a version is never changed, only its stage'); END",
    "CREATE TRIGGER a_version_stays BEFORE DELETE ON versions "
    "BEGIN SELECT RAISE(ABORT, 'a version is never removed'); END",
    "CREATE TRIGGER a_version_comes_last BEFORE INSERT ON versions "
    "WHEN NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM versions WHERE name = NEW.name) "
    "BEGIN SELECT RAISE(ABORT, 'versions are numbered 1, 2, ...'); END",
    *ledger.TABLES,
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)
_BUSY, _READONLY, _FULL, _IOERR, _CANTOPEN = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
)


def exists(folder: Path) -> bool:
    """Whether a registry was ever begun there."""
    return (folder / FILE).is_file() and (folder / FILE).stat().st_size > 0


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection for looking; writers are not in its way, nor it in theirs.

    Raises:
        RegistryError: it cannot be read, is no registry, or a newer release made it.
    """
    with _named(folder), closing(_connect(folder, "rw")) as connection:
        _check_format(connection, folder)
        yield connection


@contextmanager
def writing(folder: Path, *, patience: float = PATIENCE) -> Iterator[sqlite3.Connection]:
    """A transaction that nobody else writes beside: all of it is kept, or nothing.

    The registry is made where it does not exist.

    Args:
        folder: of the registry.
        patience: seconds to wait for another writer.

    Raises:
        RegistryError: another writer took longer, or the disk refused.
    """
    with disk.refusals_named(folder / FILE):
        folder.mkdir(parents=True, exist_ok=True)
    with _named(folder), closing(_connect(folder, "rwc", patience)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if _is_new(connection):
                for statement in TABLES:
                    connection.execute(statement)
            _check_format(connection, folder)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # a full disk may have ended it already
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise


def _connect(folder: Path, mode: str, patience: float = PATIENCE) -> sqlite3.Connection:
    where = f"{(folder / FILE).absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(where, uri=True, timeout=patience, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")  # nothing in the file may call functions of ours
    connection.execute("PRAGMA synchronous = EXTRA")  # what was committed outlasts a power cut
    return connection


def _is_new(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)


def _check_format(connection: sqlite3.Connection, folder: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION:
        raise RegistryError(
            f"A registry's {FILE} must have been made by Tunewright. {folder / FILE} is another database. "
            "Choose another --registry."
        )
    if found != FORMAT:
        raise RegistryError(
            f"This release reads registries of format {FORMAT}. {folder} has format {found}. "
            "Use the release that made it, or a newer one."
        )


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    """Turn an error of SQLite into one that names the place and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        _refuse(error, folder)


def _refuse(error: sqlite3.Error, folder: Path) -> NoReturn:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    where = folder / FILE
    if code == _BUSY:
        raise RegistryError(
            f"One process at a time may change a registry. {where} is being changed by another. "
            "Wait for it, then run the same command again."
        ) from error
    if code in (_FULL, _IOERR):
        raise RegistryError(
            f"{where} must be writable. Got: {error}. Nothing was changed. Free some space and run the same command "
            "again."
        ) from error
    if code in (_READONLY, _CANTOPEN):
        raise RegistryError(
            f"{where} must be writable. Got: {error}. Make it so, or choose another --registry."
        ) from error
    raise RegistryError(
        f"{where} must be a whole registry. Got: {error}. Restore it from a copy, or choose another --registry."
    ) from error
