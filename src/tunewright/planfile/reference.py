"""What every key of an options dataclass may be and means, read from its fields and its docstring."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.planfile.words import describe, members

_ENTRY = re.compile(r"    (\w+): (.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the plan.

    Args:
        path: where it stands, as in `training.epochs`; inside a map of names, `NAME` stands for one of them.
        may_be: the values it takes, in words.
        default: the value it has where the plan does not say.
        means: what it does.
    """

    path: str
    may_be: str
    default: Any
    means: str


def list_keys(kind: type[Any], prefix: str = "") -> tuple[Key, ...]:
    """All keys of an options dataclass and of the sections in it, in the order of their fields.

    Args:
        kind: a dataclass of the form that `convert` takes, each field explained in its docstring under `Args:`.
        prefix: path of the section, with its dot.

    >>> from tunewright.search.options import ImproveOptions
    >>> key, = list_keys(ImproveOptions, "improve.")
    >>> key.path, key.may_be, key.default
    ('improve.rounds', 'a whole number >= 0', 0)
    """
    hints, said = typing.get_type_hints(kind), explained(kind)
    found: list[Key] = []
    for declared in dataclasses.fields(kind):
        hint, path = hints[declared.name], f"{prefix}{declared.name}"
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            found += list_keys(hint, f"{path}.")
            continue
        found.append(
            Key(
                path=path,
                may_be=describe(hint, declared.metadata.get("check")),
                default=_default(declared),
                means=said.get(declared.name, ""),
            )
        )
        for inner in _sections_of(hint):
            found += list_keys(inner, f"{path}.NAME.")
    return tuple(found)


def summary(kind: type[Any]) -> str:
    """The first paragraph of a docstring on one line.

    >>> summary(Key)
    'One key of the plan.'
    """
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def explained(kind: type[Any]) -> dict[str, str]:
    """What a docstring says under `Args:`, by name, each on one line.

    >>> explained(Key)["means"]
    'what it does.'
    """
    _, _, rest = (inspect.getdoc(kind) or "").partition("Args:\n")
    found: dict[str, str] = {}
    name = ""
    for line in rest.split("\n\n")[0].splitlines():
        if entry := _ENTRY.fullmatch(line):
            name = entry[1]
            found[name] = entry[2]
        elif name:
            found[name] += f" {line.strip()}"
    return found


def _default(declared: dataclasses.Field[Any]) -> Any:
    if declared.default is not dataclasses.MISSING:
        return declared.default
    return declared.default_factory() if declared.default_factory is not dataclasses.MISSING else None


def _sections_of(hint: Any) -> list[type[Any]]:
    """The options dataclasses that the values of a map may be."""
    if not (isinstance(origin := typing.get_origin(hint), type) and issubclass(origin, Mapping)):
        return []
    values = members(typing.get_args(hint)[1])
    return [one for one in values if dataclasses.is_dataclass(one) and isinstance(one, type)]
