"""Adding a version to a registry: its bundle is copied, then everything about it is written down at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError, PlanError, TunewrightError
from tunewright.living import ledger
from tunewright.living.copies import copy_bundle, remove_strangers
from tunewright.living.evidence import Gathered, gather
from tunewright.living.naming import SIGN, check_name
from tunewright.living.registry import Registry
from tunewright.living.tables import writing
from tunewright.living.versions import enter, known, refuse_tampered, versions_of
from tunewright.records import Against, Version
from tunewright.runfolder.atomic import remove_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What is known of a version beyond its bundle and run.

    Args:
        parent: the version it was trained from.
        data: digests of rows that were added to those of its run.
        against: paired comparisons of it with other models.
        more: further evidence, as JSON.
    """

    parent: int | None = None
    data: tuple[str, ...] = ()
    against: Sequence[Against] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def add_version(
    registry: Registry,
    name: str,
    bundle: str | Path,
    *,
    who: str,
    why: str = "",
    brought: Brought | None = None,
) -> Version:
    """Copy a bundle into a registry as the next version of a model, a candidate.

    The very bundle that a version holds already is not added again: that version comes back as it is.

    Args:
        registry: made where it does not exist.
        name: of the model; a new one begins with version 1.
        bundle: a bundle, or a run folder with one.
        who: adds it.
        why: for the ledger.
        brought: parent and further evidence.

    Raises:
        PlanError: a name that cannot be one, or differs from another only in case; no such parent.
        ModelError: not a bundle, a damaged one, or one that answers another question than the versions before.
        RegistryError: another process holds the registry, the disk refused, or somebody changed the ledger.
        RunError: the disk refused while the bundle was copied.
    """
    check_name(name)
    brought = brought or Brought()
    found = gather(Path(bundle))
    with writing(registry.folder, patience=registry.patience) as connection:
        refuse_tampered(connection, registry.folder)
        there = known(connection)
        remove_strangers(registry.folder, there)
        _refuse_like(name, {one for one, _ in there})
        before = versions_of(connection, name)
        same = next((one for one in before if one.digest == found.digest), None)
        if same is not None:
            return same
        _refuse_other_question(name, before, found)
        _check_parent(name, before, brought.parent)
        target = registry.bundle(name, len(before) + 1)
        size = copy_bundle(found.bundle, target, digest=found.digest)
        try:
            version = _version(name, len(before) + 1, found, brought, who=who, size=size)
            return enter(connection, version, why=why)
        except BaseException:
            with suppress(TunewrightError):
                remove_folder(target)
            raise


def _version(name: str, number: int, found: Gathered, brought: Brought, *, who: str, size: int) -> Version:
    evidence = replace(
        found.evidence,
        against=(*found.evidence.against, *brought.against),
        more={**found.evidence.more, **brought.more},
    )
    return Version(
        name=name,
        version=number,
        stage="candidate",
        since=0,
        task=found.task,
        target=found.target,
        metric=found.metric,
        digest=found.digest,
        bytes=size,
        added=ledger.now(),
        who=who,
        lineage=replace(found.lineage, data=(*found.lineage.data, *brought.data), parent=brought.parent),
        evidence=evidence,
        plan=found.plan,
    )


def _refuse_like(name: str, names: set[str]) -> None:
    like = sorted(one for one in names if one != name and one.lower() == name.lower())
    if like:
        raise PlanError(
            f"Names of models must differ in more than case: not every disk tells them apart. Got {name!r}, and "
            f"{like[0]!r} is there. Write that, or choose another."
        )


def _refuse_other_question(name: str, before: Sequence[Version], found: Gathered) -> None:
    """Who asks a model must be able to go on asking the next version of it; classes may be added."""
    if not before:
        return
    last = before[-1]
    if (last.target, _form(last.task)) != (found.target, _form(found.task)):
        raise ModelError(
            f"Versions of one model must answer one question. {name}{SIGN}{last.version} predicts {last.target!r} "
            f"({last.task}), {found.bundle} predicts {found.target!r} ({found.task}). Add it under another name."
        )


def _form(task: str) -> str:
    return "classes" if task in ("binary", "multiclass") else task


def _check_parent(name: str, before: Sequence[Version], parent: int | None) -> None:
    if parent is not None and not 1 <= parent <= len(before):
        raise PlanError(
            f"The parent must be a version of the same model. {name} has {len(before)} versions. Got {parent}. "
            "Name one of them, or leave --parent out."
        )
