"""What a remedy may change: the rows that are learned from and how they are prepared. Never a test row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import polars as pl

from tunewright.features.options import PreprocessOptions
from tunewright.records import BalanceKind, Finding, Split, Table
from tunewright.training.options import AugmentOptions

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Ints = np.ndarray[Any, np.dtype[np.int64]]
OPEN = AugmentOptions()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """What learning starts from.

    Args:
        typed: all rows, cast.
        table: columns with kinds and roles, the task.
        split: row ids per part; a dropped row is a row that train no longer names.
        preprocess: how cells become features.
        balance: what is done about classes of unequal size.
        augment: how train rows are changed anew in every epoch of fine-tuning.
    """

    typed: pl.DataFrame
    table: Table
    split: Split
    preprocess: PreprocessOptions
    balance: BalanceKind
    augment: AugmentOptions = OPEN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What a remedy may go by.

    Args:
        findings: of the audit.
        learned: out-of-fold answers, or None where nothing could be learned.
        spare: columns that give nothing beside the others, by measurement on rows that are not test rows.
        augment: kinds of augmentation that the plan leaves open, that what trains would feel, and that few enough rows
            are there to try on.
    """

    findings: Sequence[Finding]
    learned: Learned | None
    spare: tuple[str, ...] = ()
    augment: tuple[str, ...] = ()

    def of(self, *kinds: str) -> tuple[Finding, ...]:
        """The findings of some kinds."""
        return tuple(finding for finding in self.findings if finding.kind in kinds)


class Remedy(Protocol):
    """A frozen dataclass whose fields are its knobs.

    `answers` names the kinds of findings that it acts on. `rule` says when it is kept. `gain`: it must show one, for it
    gives up rows or labels or changes the recipe; `repair`: it keeps all that, and must not lose more than half a
    point; `always`: it is applied for what it is (a leak falsifies the very score that would judge it), and its effect
    is measured all the same.
    """

    kind: ClassVar[str]
    rule: ClassVar[str]
    answers: ClassVar[tuple[str, ...]]

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """The material with the remedy, or None where there is nothing for it to do. Test rows stay as they are."""
        ...


def rows_of(findings: Sequence[Finding], among: Sequence[int]) -> Ints:
    """Ids of the rows of some findings that are in a part, worst first, each once.

    >>> f = Finding(kind="label_errors", severity="info", evidence=".", rows=(5, 2, 9))
    >>> rows_of([f], among=[2, 3, 5]).tolist()
    [5, 2]
    """
    allowed = set(among)
    ordered = dict.fromkeys(row for finding in findings for row in finding.rows if row in allowed)
    return np.array(list(ordered), np.int64)
