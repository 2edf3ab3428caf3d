"""The registry: named models with versions, what speaks for each, and which one serves.

A folder::

    registry.sqlite            versions, their stages, the ledger
    bundles/NAME/VERSION/      a copy of each version's bundle

Every change (`adding`, `promoting`) is one transaction of the database, begun before anything else is touched and kept
or undone as a whole. A bundle is copied inside it, so that a kill leaves at most a folder that no version names; the
next change, or `open_registry`, removes it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.data.names import listed, suggest
from tunewright.errors import PlanError, TunewrightError
from tunewright.living import ledger
from tunewright.living.copies import place_of, remove_strangers
from tunewright.living.naming import check_name
from tunewright.living.tables import FILE, PATIENCE, exists, reading, writing
from tunewright.living.versions import COLUMNS, known, problem_of, version_of
from tunewright.records import Champion, LedgerLine, Version


@dataclass(frozen=True, slots=True)
class Registry:
    """A folder of named models. Asking makes nothing; the first model that is added makes the folder.

    Every method opens the database for itself, so that one object serves any number of threads and processes.

    Args:
        folder: of the registry.
        patience: seconds to wait for another writer.

    Raises:
        RegistryError: any of its methods, where the registry cannot be read or is none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     Registry(Path(parent, "registry")).names()
    ()
    """

    folder: Path
    patience: float = PATIENCE

    def names(self) -> tuple[str, ...]:
        """Names of all models, sorted."""
        return tuple(row[0] for row in self._rows("SELECT DISTINCT name FROM versions ORDER BY name"))

    def versions(self, name: str) -> tuple[Version, ...]:
        """Every version of a model, oldest first.

        Raises:
            PlanError: there is no such model.
        """
        found = self._rows(f"{COLUMNS} ORDER BY version", check_name(name))
        if not found:
            raise self._unknown(name)
        return tuple(version_of(*row) for row in found)

    def version(self, name: str, number: int) -> Version:
        """One version.

        Raises:
            PlanError: there is no such model, or it has no such version; says what there is.
        """
        versions = self.versions(name)
        if not 1 <= number <= len(versions):
            raise PlanError(
                f"A version must be in the registry. {name} has 1 to {len(versions)}. Got {number}. Name one of them."
            )
        return versions[number - 1]

    def champion(self, name: str) -> Champion | None:
        """The version that serves, or None where none was promoted. One look-up by key: ask as often as you like.

        Whoever serves already goes on with the model it has where this raises.

        Raises:
            PlanError: there is no such model.
        """
        found = self._rows(
            "SELECT version, since, digest FROM versions WHERE name = ? AND stage = 'champion'", check_name(name)
        )
        if not found:
            self.versions(name)
            return None
        version, since, digest = found[0]
        folder = str(self.bundle(name, version))
        return Champion(name=name, version=version, revision=since, digest=digest, folder=folder)

    def bundle(self, name: str, version: int) -> Path:
        """Where the bundle of a version lies."""
        return place_of(self.folder, name, version)

    def revision(self) -> int:
        """How many lines the ledger has: grows with every change of whatever model, and never shrinks."""
        found = self._rows("SELECT max(seq) FROM ledger")
        return int(found[0][0] or 0) if found else 0

    def ledger(self, name: str | None = None) -> tuple[LedgerLine, ...]:
        """What was done, in order: of one model, or of all."""
        if not exists(self.folder):
            return ()
        with reading(self.folder) as connection:
            lines, _ = ledger.read(connection)
        return tuple(line for line in lines if name in (None, line.name))

    def problem(self) -> str | None:
        """What shows that somebody changed the ledger or the versions by other means; None: nothing does."""
        if not exists(self.folder):
            return None
        with reading(self.folder) as connection:
            return problem_of(connection)

    def tidy(self) -> list[Path]:
        """Remove what writers that were killed left, unless another writes right now; returns what was removed."""
        if (self.folder / FILE).is_file():  # empty where the first writer was killed
            with suppress(TunewrightError), writing(self.folder, patience=0.0) as connection:
                return remove_strangers(self.folder, known(connection))
        return []

    def _rows(self, sql: str, *values: object) -> list[Any]:
        if not exists(self.folder):
            return []
        with reading(self.folder) as connection:
            return connection.execute(sql, values).fetchall()

    def _unknown(self, name: str) -> PlanError:
        names = self.names()
        there = f"It has {listed(names)}.{suggest(name, names)}" if names else "It is empty."
        return PlanError(
            f"A model must be in the registry. {self.folder} has no {name!r}. {there} "
            f"`tunewright registry add {name} BUNDLE` adds it."
        )


def open_registry(folder: str | Path, *, patience: float = PATIENCE) -> Registry:
    """The registry in a folder, freed of what killed writers left there; a folder without one is an empty registry.

    Raises:
        RegistryError: what is there is no registry.
    """
    registry = Registry(Path(folder), patience)
    registry.revision()
    registry.tidy()
    return registry
