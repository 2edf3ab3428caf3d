"""A tree of mappings, lists and scalars to the options dataclasses, by the types of their fields.

Works on what `read_yaml` gives and on native Python values alike. A wrong place takes its field's default while the
rest is read on, so that all problems are found at once. Every field of an options dataclass has a default.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tunewright.planfile.checks import Check
from tunewright.planfile.problems import Problem, clean, show
from tunewright.planfile.scalars import SCALARS, Unfit, is_null
from tunewright.planfile.words import advise, describe, is_words, listed, members, nearest

T = TypeVar("T")
_FAILED: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a value goes: its path, the type there, and what the field adds to it."""

    path: str
    kind: Any
    root: Any
    check: Check | None = None
    default: Any = None
    problems: list[Problem] = field(default_factory=list)

    def inner(self, kind: Any, step: str) -> _Place:
        return dataclasses.replace(self, kind=kind, path=self.path + step, check=None, default=None)

    def refuse(self, got: Any) -> None:
        must, then = describe(self.kind, self.check), advise(self.kind, got, check=self.check, default=self.default)
        word = "null" if is_null(got) else show(got)
        self.problems.append(Problem(path=self.path, text=f"must be {must}. Got {word}. {then}"))


def convert(kind: type[T], tree: Any) -> tuple[T, list[Problem]]:
    """Convert a tree to a dataclass.

    Args:
        kind: a dataclass whose fields have defaults and the types bool, int, float, str, `Literal` words, None, tuple,
            `Mapping[str, …]`, dataclass, or unions of these (tried in order, words first). A field's metadata may
            hold a `check`, and `alone`: a plain value in place of the whole section is this field's.
        tree: a mapping; a dataclass instance; None for all defaults.

    Returns:
        The record, with defaults where the tree is wrong, and what is wrong.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Knobs:
    ...     epochs: int = 4
    >>> convert(Knobs, {"epochs": "2"})
    (Knobs(epochs=2), [])
    >>> print(convert(Knobs, {"epochs": "four"})[1][0])
    epochs: must be a whole number. Got "four". Write a number such as 4.
    """
    place = _Place(path="", kind=kind, root=kind)
    value = _take(place, tree)
    return (kind() if value is _FAILED else value), place.problems


def as_tree(value: Any) -> Any:
    """Turn dataclass instances inside a value into mappings; leave the rest.

    >>> as_tree({"a": Problem(path="p", text="t")})
    {'a': {'path': 'p', 'text': 't'}}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_tree(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return {key: as_tree(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


def _take(place: _Place, value: Any) -> Any:
    """Read a value and check it; on a problem, note it and give `_FAILED`."""
    try:
        result = _read(place, value)
    except Unfit:
        place.refuse(value)
        return _FAILED
    if result is not _FAILED and place.check is not None and not place.check.holds(result):
        place.refuse(value)
        return _FAILED
    return result


def _read(place: _Place, value: Any) -> Any:
    kind, origin = place.kind, typing.get_origin(place.kind)
    if dataclasses.is_dataclass(kind):
        return _section(place, value)
    if len(members(kind)) > 1:
        return _union(place, value)
    if is_words(kind):
        return _word(kind, value)
    if origin is tuple:
        return _tuple(place, value)
    if origin is not None:
        return _mapping(place, value)
    return SCALARS[kind](value)


def _section(place: _Place, value: Any) -> Any:
    tree = {} if is_null(value) else as_tree(value)
    fields = {f.name: f for f in dataclasses.fields(place.kind)}
    if not isinstance(tree, Mapping):
        return _alone(place, fields.values(), tree)
    given: dict[str, Any] = {}
    for key, inner in tree.items():
        path = f"{place.path}.{clean(str(key))}".lstrip(".")
        if key not in fields:
            place.problems.append(Problem(path=path, text=_unknown(place, str(key), list(fields))))
        elif (read := _take(_below(place, fields[key], path), inner)) is not _FAILED:
            given[str(key)] = read
    return place.kind(**given)


def _alone(place: _Place, fields: Iterable[dataclasses.Field[Any]], value: Any) -> Any:
    """A plain value where a section may be written short: the section with that one field set."""
    short = next((declared for declared in fields if declared.metadata.get("alone")), None)
    if short is None:
        raise Unfit
    read = _take(_below(place, short, place.path), value)
    return _FAILED if read is _FAILED else place.kind(**{short.name: read})


def _below(place: _Place, declared: dataclasses.Field[Any], path: str) -> _Place:
    kind, check = typing.get_type_hints(place.kind)[declared.name], declared.metadata.get("check")
    return dataclasses.replace(place, path=path, kind=kind, check=check, default=_default(declared))


def _union(place: _Place, value: Any) -> Any:
    kinds = members(place.kind)
    if type(None) in kinds and is_null(value):
        return None
    for kind in sorted((k for k in kinds if k is not type(None)), key=is_words, reverse=True):
        try:
            return _read(dataclasses.replace(place, kind=kind, check=None), value)
        except Unfit:
            continue
    raise Unfit


def _word(kind: Any, value: Any) -> str:
    if is_null(value) and "none" in typing.get_args(kind):
        return "none"  # what nothing is called among these words
    if not isinstance(value, str) or value not in typing.get_args(kind):
        raise Unfit
    return str(value)


def _tuple(place: _Place, value: Any) -> Any:
    inner = typing.get_args(place.kind)
    endless = inner[-1] is Ellipsis
    items = [] if endless and is_null(value) else value
    if not isinstance(items, list | tuple) or not (endless or len(items) == len(inner)):
        raise Unfit
    read = tuple(_take(place.inner(inner[0], f"[{index}]"), item) for index, item in enumerate(items))
    return _FAILED if _FAILED in read else read


def _mapping(place: _Place, value: Any) -> Any:
    tree = {} if is_null(value) else value
    if not isinstance(tree, Mapping) or not all(isinstance(key, str) for key in tree):
        raise Unfit
    inner = typing.get_args(place.kind)[1]
    return {
        str(k): read for k, v in tree.items() if (read := _take(place.inner(inner, f".{clean(k)}"), v)) is not _FAILED
    }


def _default(declared: dataclasses.Field[Any]) -> Any:
    return None if declared.default is dataclasses.MISSING else declared.default


def _unknown(place: _Place, key: str, known: list[str]) -> str:
    # A key of another section, spelled right, is likelier meant than a like one of this section.
    homes = [f"{path}.{key}" for path, name in _all_keys(place.root) if name == key]
    near = listed(homes) if homes else nearest(key, known)
    then = f"Did you mean {near}?" if near else "Remove it."
    return f"must be a known key, one of {', '.join(known)}. Got {show(key)}. {then}"


def _all_keys(kind: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each key of each section below `kind`, with the section's path."""
    for name, hint in typing.get_type_hints(kind).items():
        if path:
            yield path, name
        if dataclasses.is_dataclass(hint):
            yield from _all_keys(hint, f"{path}.{name}".lstrip("."))
