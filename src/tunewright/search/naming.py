"""Hyperparameters by their names in the plan: which there are, and which values they take."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunewright.planfile import Problem, convert
from tunewright.planfile.problems import clean
from tunewright.planfile.words import nearest
from tunewright.search.options import DimensionOptions, Value
from tunewright.search.space import Dimension, contradictions, read_dimension

SECTIONS = ("model", "training", "preprocess", "balance", "augment")
Space = Mapping[str, DimensionOptions | tuple[Value, ...]]


def searchable(plan: type) -> tuple[str, ...]:
    """Paths of everything that a search may vary.

    Args:
        plan: the dataclass of all options.
    """
    return tuple(path for path in _leaves(plan) if path.split(".")[0] in SECTIONS)


def read_space(space: Space, plan: type) -> tuple[tuple[Dimension, ...], list[Problem]]:
    """A space as the plan writes it.

    Args:
        space: values by name; a name may be short where only one hyperparameter ends with it.
        plan: the dataclass of all options, whose fields say what fits.

    Returns:
        The dimensions under their full names, and everything that is wrong with them.
    """
    known = searchable(plan)
    dimensions, problems = [], list[Problem]()
    paths = dict[str, str]()
    for name, given in space.items():
        at = f"search.space.{clean(name)}"
        path = full_name(name, known)
        if path is None:
            problems.append(Problem(path=at, text=_unknown(name, known)))
            continue
        if path in paths:
            problems.append(Problem(path=at, text=f"must be given once. Got {paths[path]} too. Remove one of them."))
            continue
        paths[path] = name
        dimension, wrong = read_dimension(path, given)
        when = {full_name(key, known) or key: values for key, values in dimension.when.items()}
        dimension = replace(dimension, when=when)
        problems += [Problem(path=at, text=text) for text in wrong]
        if not wrong:
            problems += _misfits(dimension, plan, at)
            dimensions.append(replace(dimension, whole=_is_whole(dimension, plan)))
    found = [Problem(path=f"search.space.{paths[path]}", text=text) for path, text in contradictions(dimensions)]
    return tuple(dimensions), [*problems, *found]


def full_name(name: str, known: Sequence[str]) -> str | None:
    """The path that a name means, or None.

    >>> full_name("epochs", ["training.epochs", "model.head"])
    'training.epochs'
    """
    if name in known:
        return name
    meant = [path for path in known if path.split(".")[-1] == name]
    return meant[0] if len(meant) == 1 else None


def as_written(value: Value) -> Value | int:
    """A value as the plan takes it: 3.0 is 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def nested(values: Mapping[str, Value]) -> dict[str, Any]:
    """Values by path as a tree of sections.

    >>> nested({"training.epochs": 3.0, "balance": "none"})
    {'training': {'epochs': 3}, 'balance': 'none'}
    """
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *sections, key = path.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = as_written(value)
    return tree


def _leaves(kind: type, path: str = "") -> Iterator[str]:
    for name, hint in typing.get_type_hints(kind).items():
        inner = f"{path}.{name}".lstrip(".")
        if dataclasses.is_dataclass(hint):
            yield from _leaves(hint, inner)  # type: ignore[arg-type]
        elif name != "schema":
            yield inner


def _misfits(dimension: Dimension, plan: type, at: str) -> Iterator[Problem]:
    """What the plan would say to its values."""
    for value in dimension.choices or (dimension.low, dimension.high):
        for problem in convert(plan, nested({dimension.name: value}))[1]:
            yield Problem(path=at, text=f"has a value that {dimension.name} cannot take: it {problem.text}")


def _is_whole(dimension: Dimension, plan: type) -> bool:
    """Whether the plan takes no fraction there."""
    if dimension.choices:
        return False
    between = dimension.low + 0.3819 * (dimension.high - dimension.low)
    if between.is_integer():
        between = dimension.low + 0.4142 * (dimension.high - dimension.low)
    return bool(convert(plan, nested({dimension.name: between}))[1]) and dimension.high > dimension.low


def _unknown(name: str, known: Sequence[str]) -> str:
    several = [path for path in known if path.split(".")[-1] == name]
    if several:
        return f"must name one hyperparameter. Got {clean(name)}, which is any of {', '.join(several)}. Write the path."
    near = nearest(name, [*known, *(path.split(".")[-1] for path in known)])
    hint = f"Did you mean {near}?" if near else f"There are {', '.join(known)}."
    return f"must be a hyperparameter of the plan. Got {clean(name)}. {hint}"
