"""A challenger that passed every gate takes the champion's place in the registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunewright.data import fingerprint, read
from tunewright.living.adding import Brought, add_version
from tunewright.living.address import Located, registry_folder
from tunewright.living.promoting import promote
from tunewright.living.registry import Registry
from tunewright.records import Adaptation, Against, to_json


def run_of(located: Located, *, registry: str | Path | None = None) -> Path | None:
    """The run folder that a version of the registry came from; None for a bundle that was named by its place."""
    if located.name is None or located.version is None:
        return None
    held = Registry(registry_folder(registry)).version(located.name, located.version).lineage.run
    return None if held is None else Path(held)


def succeed(found: Adaptation, located: Located, *, registry: str | Path | None = None, who: str) -> Adaptation:
    """Add and promote what was proposed, where the champion has a name; otherwise the answer stays as it is.

    The evidence is the comparison in which the challenger was shown to be better.

    Raises:
        RegistryError: another process holds the registry or promoted something else meanwhile, or the disk refused.
    """
    name, version = located.name, located.version
    if found.decision != "proposed" or name is None or version is None or found.challenger is None or found.run is None:
        return found
    held = Registry(registry_folder(registry))
    digest = held.version(name, version).digest
    better = next(one for one in found.compared.values() if one.verdict == "better")
    against = Against(digest=digest, compared=better)
    brought = Brought(
        parent=version,
        data=(fingerprint(read(Path(found.run).parent / "rows.parquet").frame),),
        against=(against,),
        more={"gates": to_json(found.gates)},
    )
    added = add_version(held, name, Path(found.challenger), who=who, why="adapted to new rows", brought=brought)
    promote(held, name, added.version, who=who, why=found.why, against=against)
    return replace(found, decision="promoted", version=added.version)
