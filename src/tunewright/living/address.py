"""MODEL on the command line: a name in the registry, a version of it, or a bundle wherever it lies."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunewright.data.names import listed, suggest
from tunewright.errors import ModelError, PlanError, RegistryError
from tunewright.living.copies import bundle_digest
from tunewright.living.evidence import bundle_of
from tunewright.living.naming import SIGN, is_name, split_version
from tunewright.living.registry import Registry
from tunewright.remote import is_url
from tunewright.runfolder import RunFolder
from tunewright.runfolder.home import home

VARIABLE: Final = "TUNEWRIGHT_REGISTRY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where a MODEL lies.

    Args:
        bundle: its folder on this machine.
        name: in the registry; None for a bundle that was named by its place.
        version: of that name.
        revision: for a champion, what grows when another takes its place; None for a version that was named.
    """

    bundle: Path
    name: str | None = None
    version: int | None = None
    revision: int | None = None


def registry_folder(given: str | Path | None = None) -> Path:
    """Where the registry is: as given, `TUNEWRIGHT_REGISTRY`, or `registry` in `TUNEWRIGHT_HOME`.

    >>> registry_folder("models").name
    'models'
    """
    named = given if given is not None else os.environ.get(VARIABLE)
    return Path(named) if named else home() / "registry"


def locate(model: str | Path, *, registry: str | Path | None = None) -> Located:
    """Find the bundle that MODEL means.

    `NAME` is the champion of that name, `NAME@VERSION` that version; a URL, whatever holds a separator of folders and
    any `Path` is a place: of a bundle, or of a run folder with one. A bare word may be either, and must not be both.

    Args:
        model: as it was written.
        registry: as `--registry` gave it.

    Raises:
        PlanError: a name that is also a folder, a model or version that is not there, a name without a champion.
        ModelError: neither a name in the registry nor a folder.
        RegistryError: the registry cannot be read, or holds another bundle than was added.
    """
    from tunewright.bundle.fetching import local_bundle

    if is_url(model):
        return Located(bundle=local_bundle(model))
    written = str(model)
    place = Path(model)
    if isinstance(model, Path) or not is_name(written.partition(SIGN)[0]) or _is_path(written):
        return Located(bundle=bundle_of(place))
    known = Registry(registry_folder(registry))
    names = known.names()
    if written.partition(SIGN)[0] not in names:
        if place.exists():
            return Located(bundle=bundle_of(place))
        raise _unknown(written, known, names)
    name, version = split_version(written)
    if place.is_dir() and _is_model(place):
        raise PlanError(
            f"MODEL must mean one thing. {written!r} is a model in {known.folder} and a folder here. "
            f"Write .{os.sep}{written} for the folder, or {name}{SIGN}VERSION for the model."
        )
    return _of_registry(known, name, version)


def _of_registry(registry: Registry, name: str, version: int | None) -> Located:
    revision = None
    if version is None:
        champion = registry.champion(name)
        if champion is None:
            last = registry.versions(name)[-1].version
            raise PlanError(
                f"A model without a version means its champion. {name} has none yet. "
                f"Promote one (tunewright registry promote {name}), or write {name}{SIGN}{last}."
            )
        version, revision, digest = champion.version, champion.revision, champion.digest
    else:
        digest = registry.version(name, version).digest
    bundle = registry.bundle(name, version)
    if bundle_digest(bundle) != digest:
        raise RegistryError(
            f"The bundle of {name}{SIGN}{version} must be the one that was added. {bundle} holds another. "
            "Restore it from a copy, or add it as a new version."
        )
    return Located(bundle=bundle, name=name, version=version, revision=revision)


def _is_path(written: str) -> bool:
    return os.sep in written or (os.altsep is not None and os.altsep in written)


def _is_model(folder: Path) -> bool:
    """Whether a folder looks like a bundle or a run; any other of that name is no rival to a model."""
    return (bundle_of(folder) / "SHA256SUMS").is_file() or RunFolder(folder).journal.is_file()


def _unknown(written: str, registry: Registry, names: tuple[str, ...]) -> ModelError:
    there = f"has {listed(names)}" if names else "is empty"
    near = suggest(written.partition(SIGN)[0], names)
    return ModelError(
        f"MODEL must be a name in the registry or a bundle's folder. Got {written!r}: {registry.folder} {there}, and "
        f"there is no such folder.{near} Name a model, or give the `bundle` folder of a run."
    )
