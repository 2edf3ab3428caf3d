"""A behaviours file: a YAML list, each item with its `kind`, a name of its own, and the keys of that kind.

The same list as JSON travels in a bundle, and is read by the same rules.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from tunewright.errors import PlanError
from tunewright.evaluation.behaviours.kinds import KINDS, Behaviour
from tunewright.planfile import Problem, convert, lies_at, plan_error, read_yaml, show
from tunewright.records import to_json

LONGEST_FILE = 1_000_000  # bytes


def read_behaviours(path: str | os.PathLike[str]) -> tuple[Behaviour, ...]:
    """Read a behaviours file.

    Raises:
        PlanError: it cannot be read; or all that is wrong in it, each with its place.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "behaviours.yaml")
    ...     _ = file.write_text("- {name: greeting, kind: must, examples: [Good morning], label: smalltalk}")
    ...     read_behaviours(file)[0].label
    'smalltalk'
    """
    tree, problems = read_yaml(_text(Path(path)))
    return _all(tree, problems, source=f"The behaviours file {os.fspath(path)}")


def behaviours_to_json(behaviours: Sequence[Behaviour]) -> list[dict[str, Any]]:
    """Behaviours as plain JSON.

    >>> from tunewright.evaluation.behaviours.kinds import Must
    >>> behaviours_to_json([Must(name="greeting", examples=("Good morning",), label="smalltalk")])[0]["kind"]
    'must'
    """
    return [{"kind": behaviour.kind, **to_json(behaviour)} for behaviour in behaviours]


def behaviours_from_json(value: Any, *, source: str) -> tuple[Behaviour, ...]:
    """Rebuild from `behaviours_to_json`, trusting nothing: the rules are those of a file.

    Args:
        value: a list of mappings.
        source: where it comes from, for the message.

    Raises:
        PlanError: all that is wrong in it, each with its place.
    """
    return _all(value, [], source=source)


def _all(tree: Any, problems: list[Problem], *, source: str) -> tuple[Behaviour, ...]:
    items = tree if isinstance(tree, list) else []
    if not items and not problems:
        got = "nothing" if tree in (None, []) else show(tree)
        example = "- {name: …, kind: must, examples: […], label: …}"
        problems = [Problem(path="", text=f"must be a list of behaviours. Got {got}. Begin each with {example}.")]
    read: list[Behaviour] = []
    names: dict[str, int] = {}
    for place, item in enumerate(items):
        behaviour, wrong = _behaviour(item)
        if behaviour is not None:
            read.append(behaviour)
            if behaviour.name and names.setdefault(behaviour.name, place) != place:
                text = f"must be a name of its own. Got that of [{names[behaviour.name]}]. Choose another."
                wrong.append(Problem(path="name", text=text))
        problems += [Problem(path=f"[{place}].{p.path}".rstrip("."), text=p.text) for p in wrong]
    if problems:
        raise plan_error(problems, source=source)
    return tuple(read)


def _behaviour(item: Any) -> tuple[Behaviour | None, list[Problem]]:
    """One behaviour and what is wrong with it; none where its kind is not known."""
    by_name = {kind.kind: kind for kind in KINDS}
    if not isinstance(item, Mapping):
        text = f"must be a behaviour with name and kind. Got {show(item)}. Write its keys below it, indented."
        return None, [Problem(path="", text=text)]
    kind = by_name.get(str(item.get("kind")))
    if kind is None:
        got = show(str(item["kind"])) if "kind" in item else "none"
        return None, [Problem(path="kind", text=f"must be one of {', '.join(by_name)}. Got {got}. Write one of them.")]
    behaviour, wrong = convert(kind, {key: value for key, value in item.items() if key != "kind"})
    spoilt = {problem.path for problem in wrong}
    if not behaviour.name.strip() and not any(lies_at("name", path) for path in spoilt):
        wrong.append(Problem(path="name", text="must be a name. Got none. Say in a few words what has to hold."))
    if not any(lies_at(path, field.name) for field in fields(kind) for path in spoilt):
        wrong += [Problem(path=path, text=text) for path, text in behaviour.problems_of()]
    return behaviour, wrong


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST_FILE + 1)
        if len(data) > LONGEST_FILE:
            raise PlanError(f"{path} must be a file of at most {LONGEST_FILE:,} bytes. Got more. Check the path.")
        return data.decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise PlanError(f"{path} must be a readable behaviours file. Got: {reason}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path} must be UTF-8. Got byte {error.start + 1} that is not. Save it as UTF-8.") from error
