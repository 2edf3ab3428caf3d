"""How an exported model answers beside the one that was trained, and what came of an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """An exported model beside the trained one, on the same rows.

    Of a regression, differences are in standard deviations of the trained model's answers, and answers agree that are
    within a twentieth of one.

    Args:
        rows: all rows that were put to both: held-out and adversarial ones.
        label_agreement: share of the held-out rows with the same answer.
        max_probability_difference: the largest difference of any probability, on any row.
        metric_difference: of the objective metric on held-out rows, exported minus trained, positive where the exported
            one is better; None where no row has a target.
        passed: whether it is within the budget.
        mean_probability_difference: of the held-out rows, each row by its largest.
        adversarial_rows: how many of the rows were made to be difficult: empty, very long, odd signs, missing cells.
        adversarial_agreement: share of those with the same answer.
        company_difference: the largest difference of a probability between a row answered alone and among others.
        metric: the objective metric.
        reference: what the exported model was held to.
        budget: what was allowed.
        why: what went over the budget, in words; empty where nothing did.
    """

    schema: ClassVar[int] = 1
    rows: int
    label_agreement: float
    max_probability_difference: float
    metric_difference: Score | None
    passed: bool
    mean_probability_difference: float = 0.0
    adversarial_rows: int = 0
    adversarial_agreement: float = 1.0
    company_difference: float = 0.0
    metric: str = ""
    reference: str = ""
    budget: Mapping[str, float] | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A format that `auto` tried.

    Args:
        format: its name.
        state: chosen, slower, over a limit, over the budget, or not available here.
        why: what was found, in words.
        rows_per_second: on held-out rows, preprocessing included.
        latency_ms: median of one row at a time, preprocessing included.
        size_mb: megabytes (10^6 bytes) of the exported bundle.
        parity: how it answers beside the trained model; None where it did not pass.
    """

    format: str
    state: str
    why: str
    rows_per_second: float | None = None
    latency_ms: float | None = None
    size_mb: float | None = None
    parity: Parity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A finished export.

    Args:
        path: the folder of the exported bundle.
        format: what it was exported to.
        parity: how it answers beside the trained model.
        size_mb: megabytes (10^6 bytes) of the folder.
        why: `auto`: why this format, in words; otherwise what it is.
        tried: `auto`: every format and what was found.
        detail: what else the format has to tell, such as the calibration rows or the layers that were left out.
    """

    schema: ClassVar[int] = 1
    path: str
    format: str
    parity: Parity
    size_mb: float
    why: str
    tried: tuple[Tried, ...] = ()
    detail: Mapping[str, Any] | None = None
