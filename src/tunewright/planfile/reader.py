"""YAML text to mappings, lists and strings: no scalar is interpreted here, no tag is honoured, nothing is constructed.

Only PyYAML's event stream is used (scanner and parser), so that no constructor exists that a hostile file could reach.
Plain scalars become `Plain`, quoted ones `str`: only the former can mean null. Aliases are refused, size and depth are
bounded, a key may occur once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewright.planfile.problems import Problem, clean, show

LONGEST_PLAN = 200_000
DEEPEST = 10
_TEXT_TAG = "tag:yaml.org,2002:str"
_REFUSED = object()


class _TooDeep(Exception):
    """The document is nested deeper than any plan."""


class Plain(str):
    """A scalar written without quotes; its meaning depends on the field it is for."""

    __slots__ = ()


def read_yaml(text: str, *, path: str = "") -> tuple[Any, list[Problem]]:
    r"""Read one YAML document.

    Args:
        text: the document; empty text reads as None.
        path: where in the plan it belongs, for the problems.

    Returns:
        The tree of dict, list, `Plain` and `str`, without the places that are wrong, and what is wrong with those. What
        is no YAML, longer than 200,000 characters or deeper than 10 levels has no tree at all.

    >>> read_yaml("a: 2e-4\nb: [no, '12:30']")
    ({'a': '2e-4', 'b': ['no', '12:30']}, [])
    >>> print(read_yaml("a: 1\na: 2")[1][0])
    a: must be given once. Got it again on line 2. Remove one of them.
    """
    import yaml

    if len(text) > LONGEST_PLAN:
        size = f"must be at most {LONGEST_PLAN:,} characters. Got {len(text):,}. Check that it is the right file."
        return None, [Problem(path=path, text=size)]
    try:
        return _Builder(yaml.parse(text, Loader=yaml.BaseLoader)).document(path)
    except yaml.YAMLError as error:
        return None, [Problem(path=path, text=_syntax(error))]
    except _TooDeep:
        deep = f"must be at most {DEEPEST} levels deep. Got more. A plan has four; check its brackets and indents."
        return None, [Problem(path=path, text=deep)]


class _Builder:
    """Builds the tree from events; lives for one document and collects its problems."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._problems: list[Problem] = []

    def document(self, path: str) -> tuple[Any, list[Problem]]:
        tree: Any = None
        documents = 0
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                documents += 1
                found = self._node(next(self._events), path, depth=1)
                tree = found if documents == 1 and found is not _REFUSED else tree
        if documents > 1:
            self._problem(path, f"must be one YAML document. Got {documents}. Remove the lines with only ---.")
        return tree, self._problems

    def _node(self, event: Any, path: str, depth: int) -> Any:
        kind = type(event).__name__
        line = event.start_mark.line + 1
        value: Any
        if depth > DEEPEST:
            raise _TooDeep
        if kind == "AliasEvent":
            alias = f"the alias *{clean(event.anchor)} on line {line}"
            self._problem(path, f"must be written out. Got {alias}. Repeat its value here.")
            return _REFUSED
        if kind == "ScalarEvent":
            value = Plain(event.value) if event.style is None and event.tag is None else str(event.value)
        else:
            value = self._list(path, depth) if kind == "SequenceStartEvent" else self._mapping(path, depth)
        if event.tag not in (None, _TEXT_TAG):
            self._problem(path, f"must have no YAML tag. Got {show(event.tag)} on line {line}. Write the plain value.")
            return _REFUSED
        return value

    def _list(self, path: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while type(inner := next(self._events)).__name__ != "SequenceEndEvent":
            items.append(self._node(inner, f"{path}[{len(items)}]", depth + 1))
        return [item for item in items if item is not _REFUSED]

    def _mapping(self, path: str, depth: int) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        seen: set[str] = set()
        while type(inner := next(self._events)).__name__ != "MappingEndEvent":
            key = self._node(inner, path, depth + 1)
            below = f"{path}.{clean(str(key))}".lstrip(".") if isinstance(key, str) else path
            value = self._node(next(self._events), below, depth + 1)
            line = inner.start_mark.line + 1
            if key is not _REFUSED and not isinstance(key, str):
                self._problem(path, f"must have plain text keys. Got {show(key)} on line {line}. Write a name.")
            elif key in seen:
                self._problem(below, f"must be given once. Got it again on line {line}. Remove one of them.")
            elif isinstance(key, str):
                seen.add(str(key))
                if value is not _REFUSED:
                    entries[str(key)] = value
        return entries

    def _problem(self, path: str, text: str) -> None:
        self._problems.append(Problem(path=path, text=text))


def _syntax(error: Any) -> str:
    """Say in one line where YAML ends to be YAML."""
    mark = getattr(error, "problem_mark", None)
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    why = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return f"must be YAML. Got {clean(str(why))}{where}. Mend the line; put text with special characters in quotes."
