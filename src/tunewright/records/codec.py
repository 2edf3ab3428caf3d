"""Records to plain JSON values and back."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

R = TypeVar("R")


def to_json(record: Any) -> Any:
    """Turn a record (or a container of records) into plain JSON values; dataclasses with a `schema` carry it.

    >>> from tunewright.records import Score
    >>> to_json(Score(value=0.5, low=0.4, high=0.6, n=10))
    {'value': 0.5, 'low': 0.4, 'high': 0.6, 'n': 10}
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        head = {"schema": record.schema} if hasattr(record, "schema") else {}
        return head | {f.name: to_json(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {str(key): to_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    if hasattr(record, "item") and getattr(record, "ndim", None) == 0:
        return record.item()
    return record


def from_json(kind: type[R], value: Any) -> R:
    """Rebuild a record written by `to_json`; unknown keys of a newer release are ignored, missing ones take defaults.

    >>> from tunewright.records import Score
    >>> from_json(Score, {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10})
    Score(value=0.5, low=0.4, high=0.6, n=10)
    """
    return typing.cast(R, _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        hints = typing.get_type_hints(kind)
        known = [f.name for f in dataclasses.fields(kind) if f.name in value]
        return typing.cast(Any, kind)(**{name: _read(hints[name], value[name]) for name in known})
    if origin in (typing.Union, types.UnionType):
        present = [m for m in typing.get_args(kind) if m is not type(None)]
        return None if value is None else _read(present[0], value)
    if origin is tuple:
        members = typing.get_args(kind)
        if len(members) == 2 and members[1] is Ellipsis:
            return tuple(_read(members[0], item) for item in value)
        return tuple(_read(member, item) for member, item in zip(members, value, strict=True))
    if isinstance(value, Mapping):
        inner = typing.get_args(kind)[1] if typing.get_args(kind) else Any
        return {key: _read(inner, item) for key, item in value.items()}
    if kind is float and isinstance(value, int):
        return float(value)
    return value
