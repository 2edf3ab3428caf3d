"""What a verb answers, and how it reaches standard output: one JSON object, or text."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of a verb.

    Args:
        value: what `--json` prints.
        text: what is printed without it.
        code: the exit code.
        after: what is done once it is printed, such as to go on serving a page.
    """

    value: Mapping[str, Any]
    text: str
    code: int = 0
    after: Callable[[], None] | None = None


def print_answer(answer: Answer, *, as_json: bool) -> int:
    """Print an answer to standard output and return its exit code."""
    text = json_text(answer.value) if as_json else answer.text.rstrip("\n")
    if text:
        _write(sys.stdout, text + "\n")
    if answer.after is not None:
        answer.after()
    return answer.code


def print_error(kind: str, message: str, *, code: int, as_json: bool, before: str = "") -> int:
    """Print an error to standard error, with `--json` also to standard output, and return its exit code."""
    from tunewright.report.words import visible

    shown = "\n".join(visible(line) for line in message.splitlines())
    _write(sys.stderr, f"{before}{kind}: {shown}\n")
    if as_json:
        _write(sys.stdout, json_text({"error": {"type": kind, "message": shown}}) + "\n")
    return code


def json_text(value: Any) -> str:
    """Strict JSON, ASCII only: what is not finite becomes null.

    >>> json_text({"f1": float("nan"), "n": (1, 2)})
    '{"f1": null, "n": [1, 2]}'
    """
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _write(stream: TextIO, text: str) -> None:
    # A terminal that cannot show a character must not end a run that took an hour.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
