"""How good a model is, against what, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tunewright.records.efficiency import Efficiency
from tunewright.records.explaining import Explained
from tunewright.records.robustness import DamagedText, Robustness
from tunewright.records.score import Score
from tunewright.records.slicing import Ceiling, MistakeGroup, Slices
from tunewright.records.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A paired comparison on the same rows; `difference` is positive where a is better, also for losses."""

    schema: ClassVar[int] = 1
    metric: str
    a: str
    b: str
    difference: Score
    p_value: float | None
    verdict: Literal["better", "worse", "no evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the objective was met, in a word and in a sentence."""

    objective: Literal["met", "not shown", "missed", "none"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """A cross-validated metric: its value in every fold, and their mean with an interval for what folds share."""

    metric: str
    values: tuple[float, ...]
    mean: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Metrics per part and per baseline, the paired comparisons against each baseline, looks at the test part.

    With `folds`, the validation metrics are those of the out-of-fold answers of all rows that are not test rows.
    `expected_cost` is what a row costs by the expert's costs, for the model and every baseline; `slices` are the
    protected ones, each against a baseline; `behaviours` what became of the expert's tests; `trust` what the model's
    confidence is worth on test rows; `robustness` how far it falls when they come damaged; `efficiency` what answering
    costs.
    """

    schema: ClassVar[int] = 1
    metric: str
    metrics: Mapping[str, Mapping[str, Score]]
    baselines: Mapping[str, Mapping[str, Score]]
    comparisons: tuple[Comparison, ...]
    verdict: Verdict
    per_class: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    looks: int = 0
    folds: Folds | None = None
    expected_cost: Mapping[str, Score] = field(default_factory=dict)
    slices: tuple[Mapping[str, Any], ...] = ()
    behaviours: tuple[Mapping[str, Any], ...] = ()
    trust: Trust | None = None
    robustness: Robustness | None = None
    efficiency: Efficiency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A test row the model got wrong (regression: the largest errors); `cells` are its feature columns as text, cut.

    `suspect` says that the label is in doubt, `instead` which one the other rows suggest. `explained` is why the model
    said so; None where that was not looked at, or no text may be shown.
    """

    row: int
    truth: str
    predicted: str
    confidence: float | None
    cells: Mapping[str, str]
    suspect: bool = False
    instead: str = ""
    explained: Explained | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the report shows of the errors: a confusion matrix (rows: truth) or predicted-against-true, worst mistakes.

    `labels` and `matrix` are empty for regression and multilabel; `points` holds (true, predicted) for regression.
    `groups` are the mistakes by kind, `slices` groups of rows with more errors than the rest, `ceiling` what noise in
    the labels allows; None where that cannot be told. `damaged` are damaged texts that changed an answer.
    """

    schema: ClassVar[int] = 1
    labels: tuple[str, ...] = ()
    matrix: tuple[tuple[int, ...], ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    groups: tuple[MistakeGroup, ...] = ()
    slices: Slices | None = None
    ceiling: Ceiling | None = None
    damaged: tuple[DamagedText, ...] = ()
