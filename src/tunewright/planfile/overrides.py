"""`--set training.epochs=2`: one value put over a plan's tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.planfile.problems import Problem, clean, show
from tunewright.planfile.reader import read_yaml
from tunewright.planfile.scalars import is_null


def merge(base: Any, over: Any) -> Any:
    """Put one tree over another: sections are merged key by key, anything else is replaced.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)):
        return over
    return {**base, **{key: merge(base[key], value) if key in base else value for key, value in over.items()}}


def apply_overrides(tree: Any, overrides: Sequence[str]) -> tuple[Any, list[Problem], dict[str, str]]:
    """Put `key.path=value` options over a tree; a later one wins over an earlier one.

    Args:
        tree: the plan's tree; not changed.
        overrides: the options as written; the value is YAML.

    Returns:
        The new tree, what is wrong with the options, and for each path the option that set it.

    >>> apply_overrides({"training": {"epochs": "4"}}, ["training.epochs=2"])
    ({'training': {'epochs': '2'}}, [], {'training.epochs': 'training.epochs=2'})
    """
    problems: list[Problem] = []
    by_path: dict[str, str] = {}
    for option in overrides:
        path, equals, text = option.partition("=")
        keys = [key.strip() for key in path.split(".")]
        if not equals or not all(keys):
            problems.append(
                _refusal(option, f"must be key.path=value. Got {show(option)}. Write --set training.epochs=2.")
            )
            continue
        value, wrong = read_yaml(text, path=".".join(keys))
        problems += [_refusal(option, str(problem)) for problem in wrong]
        if (above := _blocked(tree, keys)) is not None:
            problems.append(
                _refusal(option, f"must lie in a section. Got a plain value at {above}. Remove that first.")
            )
        elif not wrong:
            tree, by_path[".".join(keys)] = _put(tree, keys, value), option
    return tree, problems, by_path


def _blocked(tree: Any, keys: Sequence[str]) -> str | None:
    """The path on the way to `keys` where a value stands that has no keys."""
    for depth, key in enumerate(keys):
        if is_null(tree):
            return None
        if not isinstance(tree, Mapping):
            return ".".join(keys[:depth])
        tree = tree.get(key)
    return None


def _put(tree: Any, keys: Sequence[str], value: Any) -> Any:
    if not keys:
        return value
    section = tree if isinstance(tree, Mapping) else {}
    return {**section, keys[0]: _put(section.get(keys[0]), keys[1:], value)}


def _refusal(option: str, text: str) -> Problem:
    return Problem(path=f"--set {clean(option)}", text=text)
