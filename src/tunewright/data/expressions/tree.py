"""What an expression says, as a tree; it knows no table yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, true or false, or (None) the word `missing`."""

    at: int
    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """The cells of a column."""

    at: int
    column: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator, a function or a date part (".hour"), on what it is applied to; at least one argument."""

    at: int
    operation: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Comparisons in a row, as in `18 <= age < 30`: one sign fewer than operands, and all have to hold."""

    at: int
    signs: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """Whether an item is one of some constants."""

    at: int
    item: Node
    values: tuple[Constant, ...]


Node = Constant | Name | Apply | Chain | Member


def names(node: Node) -> Iterator[Name]:
    """Every mention of a column, from left to right.

    >>> [name.column for name in names(Apply(2, "+", (Name(0, "a"), Name(4, "b"))))]
    ['a', 'b']
    """
    if isinstance(node, Name):
        yield node
    elif isinstance(node, Apply | Chain):
        for inner in node.arguments if isinstance(node, Apply) else node.operands:
            yield from names(inner)
    elif isinstance(node, Member):
        yield from names(node.item)
