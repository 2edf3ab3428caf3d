"""Types in words, for people who read an error and not a type hint."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from tunewright.planfile.checks import Check

_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_EXAMPLES = {int: "4", float: "0.1", str: "a_name", bool: "true"}


def members(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the type alone.

    >>> members(int | None)
    (<class 'int'>, <class 'NoneType'>)
    """
    return typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)


def choices(kind: Any) -> tuple[str, ...]:
    """The words that a type allows: those of its `Literal` members."""
    return tuple(word for m in members(kind) if is_words(m) for word in typing.get_args(m))


def is_words(kind: Any) -> bool:
    """Whether a type is a choice of words, a `Literal`."""
    origin: Any = typing.get_origin(kind)
    return origin is Literal


def describe(kind: Any, check: Check | None = None) -> str:
    """Say what a value of this type is, and which condition it must meet.

    >>> from tunewright.planfile.checks import at_least
    >>> describe(int | Literal["auto"], at_least(1))
    'auto or a whole number >= 1'
    >>> describe(tuple[str, str] | None)
    'a list of 2 (each item text) or null'
    """
    rest = [m for m in members(kind) if not is_words(m) and m is not type(None)]
    phrases = [_one(m) for m in rest]
    if check is not None:
        phrases = [check.says] if check.replaces else [f"{phrase} {check.says}" for phrase in phrases]
    empty = ["null"] if type(None) in members(kind) else []
    return listed([*choices(kind), *phrases, *empty])


def advise(kind: Any, got: Any, *, check: Check | None, default: Any) -> str:
    """Say what to write instead: a word that was probably meant, or an example."""
    if isinstance(got, str) and (near := nearest(got, choices(kind))):
        return f"Did you mean {near}?"
    rest = [m for m in members(kind) if not is_words(m) and m is not type(None)]
    if not rest:
        return f"Write one of these words, such as {choices(kind)[0]}."
    if dataclasses.is_dataclass(rest[0]):
        return "Write its keys below it, indented."
    noun = "a number" if rest[0] in (int, float) else "a value"
    return f"Write {noun} such as {_example(rest[0], check, default)}."


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant.

    >>> nearest("epoch", ["epochs", "dropout"])
    'epochs'
    """
    found = difflib.get_close_matches(word[:100].lower(), list(known), n=1)
    return found[0] if found else None


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _one(kind: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return "a section with the keys " + ", ".join(f.name for f in dataclasses.fields(kind))
    if origin is tuple:
        many = "" if inner[-1] is Ellipsis else f" of {len(inner)}"
        return f"a list{many} (each item {describe(inner[0])})"
    if origin is not None and issubclass(origin, Mapping):
        return f"names, each with {describe(inner[1])}"
    return _NAMES[kind]


def _example(kind: Any, check: Check | None, default: Any) -> str:
    if check is not None and check.example is not None:
        return f"{check.example:g}" if isinstance(check.example, float) else str(check.example)
    if isinstance(default, int | float | str) and default not in ("auto", ""):
        return str(default).lower() if isinstance(default, bool) else str(default)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return "[first, second]"
    if origin is not None:
        return f"{{a_name: {(choices(inner[1]) or ('a_value',))[0]}}}"
    return _EXAMPLES[kind]
