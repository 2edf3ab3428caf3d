"""What a plan names by relative path and a machine elsewhere does not have: packed here, laid out there.

Absolute paths do not travel: they must mean something on every node, as on a shared disk. Data does not travel this way
either: it is read here and handed over as a table, or read there from its URL.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Final

from tunewright.errors import PlanError
from tunewright.plan import Plan
from tunewright.remote import is_url

LARGEST: Final = 4 << 30  # bytes; more belongs on a disk that the nodes share


def packed(plan: Plan) -> dict[str, bytes]:
    """Content by name of the files that the plan names: backbone folders, behaviours, corrections.

    Raises:
        PlanError: a relative path that leads out of the folder the command was started in, or too much in all.
    """
    found: dict[str, bytes] = {}
    for name in _named(plan):
        if ".." in PurePath(name).parts:
            raise PlanError(
                f"What travels to a cluster must lie below the folder a run is started in. Got {name!r}. "
                "Start it from a folder above, or give an absolute path that every node has."
            )
        found |= _content(Path(name))
    if sum(map(len, found.values())) > LARGEST:
        raise PlanError(
            f"What travels to a cluster may have {LARGEST >> 30} GiB. The files this plan names have more. "
            "Put the model onto a disk that every node has, and give its absolute path."
        )
    return found


def _named(plan: Plan) -> list[str]:
    backbones = [plan.model.name]
    for path, dimension in plan.search.space.items():
        if path.rpartition(".")[2] == "name":
            choices = dimension if isinstance(dimension, tuple) else dimension.choices
            backbones += [one for one in choices if isinstance(one, str)]
    named = [name for name in backbones if Path(name).is_dir()]
    named += [name for name in (plan.knowledge.tests, plan.audit.corrections) if name is not None]
    return [name for name in dict.fromkeys(named) if not os.path.isabs(name) and not is_url(name)]


def _content(path: Path) -> dict[str, bytes]:
    if path.is_dir():
        return {one.as_posix(): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}
    return {path.as_posix(): path.read_bytes()} if path.is_file() else {}
