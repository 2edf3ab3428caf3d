"""What running the behaviours gave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

WIDEST = 200  # characters of a text that is shown
BehaviourVerdict = Literal["passed", "failed", "not tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourFailure:
    """One case that did not pass.

    Args:
        before: what was asked, cut.
        after: what it was changed to, cut; None where nothing is changed.
        said: what came of it, in words.
        row: place of the row it was tried on among the rows handed in; None for an example of the file.
    """

    before: str
    after: str | None
    said: str
    row: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourResult:
    """One behaviour after a run.

    Args:
        name: of the behaviour.
        kind: must, invariance or direction.
        verdict: "not tested" where no example or row could be tried.
        tested: cases.
        failed: cases that did not pass.
        text: the same as a sentence.
        failures: up to three that did not pass, the worst first.
    """

    schema: ClassVar[int] = 1
    name: str
    kind: str
    verdict: BehaviourVerdict
    tested: int
    failed: int
    text: str
    failures: tuple[BehaviourFailure, ...] = ()


def without_rows(results: Iterable[BehaviourResult]) -> tuple[BehaviourResult, ...]:
    """The same without texts of the data's rows, for who does not want them shown; examples of the file stay.

    >>> failed = BehaviourFailure(before="Ann called", after="Bob called", said="'a' became 'b'", row=7)
    >>> one = BehaviourResult(name="n", kind="must", verdict="failed", tested=1, failed=1, text="", failures=(failed,))
    >>> without_rows([one])[0].failures[0].before
    'row 7'
    """
    return tuple(replace(one, failures=tuple(map(_without_text, one.failures))) for one in results)


def _without_text(failure: BehaviourFailure) -> BehaviourFailure:
    return failure if failure.row is None else replace(failure, before=f"row {failure.row}", after=None)


def differing(old: Mapping[str, Any], new: Mapping[str, Any] | None) -> tuple[str, str | None]:
    """Cells before and after a change as texts of at most 200 characters each, around the first difference.

    >>> differing({"text": "Ann called"}, {"text": "Bob called"})
    ('Ann called', 'Bob called')
    >>> differing({"channel": "mail", "n": None}, None)
    ('channel: mail; n: missing', None)
    """
    before = _line(old)
    if new is None:
        return _window(before, 0), None
    after = _line(new)
    pairs = zip(before, after, strict=False)
    first = next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))
    return _window(before, first), _window(after, first)


def _line(cells: Mapping[str, Any]) -> str:
    texts = {name: "missing" if cell is None else " ".join(str(cell).split()) for name, cell in cells.items()}
    return (
        next(iter(texts.values())) if len(texts) == 1 else "; ".join(f"{name}: {text}" for name, text in texts.items())
    )


def _window(text: str, at: int) -> str:
    start = max(0, min(at - WIDEST // 2, len(text) - WIDEST))
    return ("…" if start else "") + text[start : start + WIDEST] + ("…" if len(text) > start + WIDEST else "")
