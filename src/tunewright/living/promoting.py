"""Which version serves: promotion on evidence, and rollback; each one transaction and one line of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import PlanError, RegistryError
from tunewright.living import ledger
from tunewright.living.evidence import better_than, gather
from tunewright.living.naming import SIGN
from tunewright.living.registry import Registry
from tunewright.living.tables import writing
from tunewright.living.versions import champion_of, crown, refuse_tampered
from tunewright.records import Against, Promotion, Version, to_json

Check = Callable[[Path], object]


def loads(bundle: Path) -> object:
    """Load a bundle as a server would; raises where it would."""
    from tunewright.bundle.reading import read_bundle

    return read_bundle(bundle)


def promote(
    registry: Registry,
    name: str,
    version: int | None = None,
    *,
    who: str,
    why: str = "",
    against: Against | None = None,
    check: Check = loads,
) -> Promotion:
    """Make a version the champion: in one step the former one retires, this one serves, and the ledger says so.

    Where another version serves, evidence is asked for that this one is better: a paired comparison on the same rows
    whose verdict is "better", brought here or when it was added. Without that, a person has to say why.

    Args:
        registry: that holds it.
        name: of the model.
        version: to promote; None: the latest candidate.
        who: promotes it.
        why: needed where nothing shows that it is better than the champion.
        against: a comparison with the champion, made just now.
        check: what must not raise for its bundle; by default it is loaded as a server would.

    Returns:
        `changed` is False where the version serves already; nothing was written then.

    Raises:
        PlanError: no such model or version, no candidate, or neither evidence nor a reason.
        ModelError: the bundle is damaged; the champion stays.
        RegistryError: another process holds the registry, the disk refused, or somebody changed the ledger.
    """
    wanted = candidate(registry, name) if version is None else registry.version(name, version)
    check(_intact(registry, wanted))
    with writing(registry.folder, patience=registry.patience) as connection:
        refuse_tampered(connection, registry.folder)
        champion = champion_of(connection, name)
        if champion is not None and champion.version == wanted.version:
            return Promotion(name=name, version=wanted.version, former=None, changed=False, revision=champion.since)
        shown = _shown(wanted, champion, against)
        _need_reason(wanted, champion, shown, why)
        line = ledger.append(
            connection,
            who=who,
            what="promoted",
            name=name,
            version=wanted.version,
            former=None if champion is None else champion.version,
            why=why,
            evidence=shown,
        )
        return crown(connection, line)


def rollback(registry: Registry, name: str, *, who: str, why: str = "", check: Check = loads) -> Promotion:
    """Bring back the champion before this one, in one step; the one that served retires.

    Rolling back twice goes two champions back. No reason is asked for: what is wrong can be written down later.

    Raises:
        PlanError: no such model, or no champion before this one.
        ModelError: the bundle of the former champion is damaged; the champion stays.
        RegistryError: another process holds the registry or changed the champion, the disk refused, or somebody changed
            the ledger.
    """
    registry.versions(name)
    reigns = ledger.replay(registry.ledger(name))[name].reigns
    if len(reigns) < 2:
        raise PlanError(
            f"A rollback needs a champion before this one. {name} has had {len(reigns)}. "
            f"Promote a version: tunewright registry promote {name}{SIGN}VERSION."
        )
    wanted = registry.version(name, reigns[-2])
    check(_intact(registry, wanted))
    with writing(registry.folder, patience=registry.patience) as connection:
        refuse_tampered(connection, registry.folder)
        if ledger.replay(ledger.read(connection)[0])[name].reigns != reigns:
            raise RegistryError(
                f"A rollback goes back from the champion that was seen. {name} got another meanwhile. "
                f"Look at it with `tunewright registry show {name}`, then roll back again."
            )
        line = ledger.append(
            connection, who=who, what="rolled back", name=name, version=wanted.version, former=reigns[-1], why=why
        )
        return crown(connection, line)


def candidate(registry: Registry, name: str) -> Version:
    """The latest candidate of a model.

    Raises:
        PlanError: no such model, or it has no candidate.
    """
    versions = registry.versions(name)
    latest = next((one for one in reversed(versions) if one.stage == "candidate"), None)
    if latest is None:
        raise PlanError(
            f"A promotion needs a candidate. Of {name} every version has served already. "
            f"Add a bundle, or name a version, as in {name}{SIGN}{versions[-1].version}."
        )
    return latest


def _intact(registry: Registry, version: Version) -> Path:
    """The bundle of a version, every file of it as it was added."""
    found = gather(registry.bundle(version.name, version.version))
    if found.digest != version.digest:
        raise RegistryError(
            f"The bundle of {version.name}{SIGN}{version.version} must be the one that was added. "
            f"{found.bundle} holds another. Restore it from a copy, or add it as a new version."
        )
    return found.bundle


def _shown(wanted: Version, champion: Version | None, against: Against | None) -> Mapping[str, Any] | None:
    """What shows that a version is better than the champion, as the ledger keeps it; None: nothing does."""
    if champion is None:
        return None
    here = against is not None and against.digest == champion.digest and against.compared.verdict == "better"
    found = against if here else better_than(wanted.evidence, champion.digest)
    if found is None:
        return None
    told = found.compared
    return {
        "against": champion.version,
        "metric": told.metric,
        "difference": to_json(told.difference),
        "p_value": told.p_value,
        "rows": told.rows,
        "verdict": told.verdict,
        "text": told.text,
    }


def _need_reason(wanted: Version, champion: Version | None, shown: Mapping[str, Any] | None, why: str) -> None:
    """A first champion replaces nothing; any other comes by evidence, or by somebody who says why.

    Raises:
        PlanError: neither.
    """
    if champion is None or shown is not None or why.strip():
        return
    name = f"{wanted.name}{SIGN}{wanted.version}"
    raise PlanError(
        f"A promotion needs evidence that the version is better than the champion, or a reason. Nothing shows that "
        f"{name} is better than {wanted.name}{SIGN}{champion.version}. Compare the two on labelled rows with "
        f"--data FILE, or say why with --why TEXT."
    )
