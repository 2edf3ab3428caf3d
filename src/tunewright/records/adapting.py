"""What became of an attempt to take new rows into a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tunewright.records.comparing import Compared
from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Something that has to hold before a model takes another's place."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptation:
    """A challenger beside the champion.

    Args:
        decision: promoted, where the champion has a name in a registry; proposed, where it has none or that was asked
            for; rejected, where a gate did not pass.
        why: the decision in a sentence or two.
        difference: challenger minus champion in the deciding metric on all held-out rows, old and new; None where none
            was trained.
        metric: that decides.
        gates: what had to hold, in the order in which it was looked at.
        compared: challenger against champion on the rows that neither learned from: `old`, `new` (where there are
            enough) and `all`.
        rows: how many were given, left out, trained on, and replayed of the old ones.
        labels_added: that the champion did not know.
        champion: the bundle before.
        challenger: the bundle that was made; None where none was.
        run: its run folder.
        version: of the challenger in the registry, where it was added to one.
        seconds: that all took.
    """

    schema: ClassVar[int] = 1
    decision: Literal["promoted", "proposed", "rejected"]
    why: str
    metric: str
    gates: tuple[Gate, ...]
    rows: Mapping[str, int]
    champion: str
    difference: Score | None = None
    compared: Mapping[str, Compared] = field(default_factory=dict)
    labels_added: tuple[str, ...] = ()
    challenger: str | None = None
    run: str | None = None
    version: int | None = None
    seconds: float = 0.0
