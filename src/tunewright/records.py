"""The frozen records that flow between stages, and their one JSON codec.

Records are small. Bulk arrays (row ids, vectors, weights) stay in numpy arrays or files; a record names them by digest.
Every record written to disk carries `schema`, so that a later release can read an older run folder.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

Kind = Literal["text", "number", "category", "boolean", "datetime", "id", "multilabel", "ignore"]
TaskKind = Literal["binary", "multiclass", "multilabel", "regression"]
BalanceKind = Literal["auto", "none", "weights", "resample", "logit_adjustment"]
TargetScale = Literal["auto", "none", "standard", "log"]
PARTS = ("train", "validation", "test")

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: what it holds (`kind`), what it is used for (`role`), and why we think so.

    `format` is how its text is read, fixed once for every later file: a date format ("%d-%m-%Y"), the decimal sign of
    numbers (","), the delimiter of labels ("|"), or None for the default. `derived` is the expression that computes it
    from other columns of its row, or None for a column of the file. `spellings` names the usual spelling of labels or
    values that are written in several ways. `also` is how cells are read that `format` does not read: other date
    formats, the other decimal sign ("," or "."), a unit or a word beside the number ("#kg", "ca.#"). `empty` are cells
    that hold something and stand for an empty one ("?", "-999"); features take them so.
    """

    name: str
    kind: Kind
    role: Literal["feature", "target", "weight", "group", "time", "part", "ignore"]
    why: str
    missing: int = 0
    distinct: int = 0
    format: str | None = None
    derived: str | None = None
    spellings: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a table is: its columns and kinds, its row count, its content fingerprint (SHA-256), the task it poses."""

    schema: ClassVar[int] = 1
    rows: int
    columns: tuple[Column, ...]
    fingerprint: str
    target: str
    task: TaskKind
    task_why: str
    pair: tuple[str, str] | None = None
    files: tuple[str, ...] = ()

    def features(self, kind: Kind) -> tuple[str, ...]:
        """Names of the feature columns of one kind, in table order."""
        return tuple(c.name for c in self.columns if c.role == "feature" and c.kind == kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with the data, with evidence; `rows` are zero-based data rows in file order, worst first."""

    schema: ClassVar[int] = 1
    kind: str
    severity: Literal["info", "warning", "error"]
    evidence: str
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    rows_total: int = 0
    score: float | None = None
    scores: tuple[float, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    remedy: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is wrong with a table: its row count, the findings, the most serious first, what reading put right."""

    schema: ClassVar[int] = 1
    rows: int
    findings: tuple[Finding, ...]
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows are in which part, how that was decided, and the proof that nothing straddles."""

    schema: ClassVar[int] = 1
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    how: str
    proof: Mapping[str, Any] = field(default_factory=dict)

    def sizes(self) -> dict[str, int]:
        """Rows per part."""
        return {part: len(getattr(self, part)) for part in PARTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A metric's value with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What reading and preparing put right in a column, the same in every row, now and at predict time; not tried.

    `cells` are those it touched in the rows of all parts; `example` shows one, as written and as it is then read.
    """

    schema: ClassVar[int] = 1
    remedy: str
    column: str
    cells: int
    what: str
    example: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyTrial:
    """A remedy that was tried: its measured effect, whether it was kept, as which of those kept, and why.

    `effect` is the mean difference of the metric over `effect.n` paired splits, positive where the remedy is better;
    `p_value` is one-sided, before the adjustment for all that were tried, against the bound of its `rule`. `columns`
    are those that it acts on, where a measurement or the plan chose them.
    """

    schema: ClassVar[int] = 1
    remedy: str
    rule: str
    metric: str
    effect: Score
    p_value: float
    kept: bool
    why: str
    order: int | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of hyperparameters that was tried.

    `score` is the objective metric on validation rows in its own direction; `steps` are (epoch, metric) on the way,
    epoch 0 the probe; `state`: complete; pruned, for it lagged behind; stopped, for the time was up; failed, `why`.
    """

    number: int
    params: Mapping[str, float | str]
    score: float | None
    seconds: float
    state: Literal["complete", "pruned", "stopped", "failed"]
    steps: tuple[tuple[int, float], ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The parameters that won, the mean of their validation scores over seeds, and each seed's."""

    params: Mapping[str, float | str]
    score: float
    seeds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a hyperparameter does to the metric: half the difference between its best and its worst values.

    `low` and `high` bound the effect; `noise_floor` is what no effect looks like.
    """

    name: str
    effect: float
    low: float
    high: float
    noise_floor: float
    matters: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A search: every trial in order, the winner, what each hyperparameter does.

    `seed_spread` is the standard deviation of a score over seeds, `why_ended` what ended the search.
    """

    schema: ClassVar[int] = 1
    strategy: str
    metric: str
    greater_is_better: bool
    trials: tuple[Trial, ...]
    best: Best
    impact: tuple[Impact, ...] = ()
    seed_spread: float | None = None
    seconds: float = 0.0
    why_ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of improvement: what was seen, what was tried, what it gave on validation rows.

    `difference` is of the objective metric, positive where the change is better; None where the attempt failed.
    """

    number: int
    seen: str
    move: str
    changes: Mapping[str, float | str]
    kept: bool
    why: str
    seconds: float
    difference: Score | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """All rounds, and why there are no more."""

    schema: ClassVar[int] = 1
    metric: str
    rounds: tuple[Round, ...]
    why_ended: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One line of a learning curve: losses in nats (or squared target units), the objective metric, seconds so far.

    `train_loss` is the mean over the epoch, while the weights moved. What follows was looked at after it, on a fixed
    sample of the train rows, or is None: the metric, the mean loss, and the mean loss of rows with a doubtful label and
    of all others. `jumps` counts the updates, of all `updates`, whose loss was above twice that of a constant answer.
    """

    epoch: int
    train_loss: float
    validation_loss: float
    metric: float
    seconds: float
    train_metric: float | None = None
    sample_loss: float | None = None
    suspect_loss: float | None = None
    other_loss: float | None = None
    updates: int = 0
    jumps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Whether training went well.

    `epoch` is the first in which an overfitted model overfits, 0 the probe. `text` says the verdict in a sentence,
    `evidence` the numbers behind it, `action` what was done about it. `advice` names what may help, most likely first,
    by the keys of `learning.diagnosis.ADVICE`; `numbers` are those the verdict came from.
    """

    schema: ClassVar[int] = 1
    verdict: Literal["good", "underfit", "overfit", "unstable", "learning nothing", "memorising noise"]
    text: str
    epoch: int | None = None
    evidence: tuple[str, ...] = ()
    action: str = ""
    advice: tuple[str, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurve:
    """What the probe scores on held-out rows when it learns from a part of the train rows, and what more would give.

    `rows` and `scores` are of one length, each score a mean over draws with its interval. `gain` is what `extra` more
    rows would add to the metric by a fitted power law, positive where they help; `text` says so.
    """

    schema: ClassVar[int] = 1
    metric: str
    rows: tuple[int, ...]
    scores: tuple[Score, ...]
    extra: int
    gain: Score
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """How the kept model came to be: what won on validation, its history, what trained, digest of the weights.

    `words` says that a linear model over n-grams is added to what was `kept`. `diagnosis` is None where no rows were
    left to judge training by, `learning_curve` where there were too few to draw one.
    """

    schema: ClassVar[int] = 1
    method: str
    kept: Literal["probe", "fine-tuned"]
    why: str
    metric: str
    candidates: Mapping[str, float]
    history: tuple[Epoch, ...]
    best_epoch: int
    parameters: int
    trainable: int
    words: bool = False
    precision: str
    digest: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    learning_curve: LearningCurve | None = None


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
    protected ones, each against a baseline; `behaviours` what became of the expert's tests.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A test row the model got wrong (regression: the largest errors); `cells` are its feature columns as text, cut."""

    row: int
    truth: str
    predicted: str
    confidence: float | None
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What the report shows of the errors: a confusion matrix (rows: truth) or predicted-against-true, worst mistakes.

    `labels` and `matrix` are empty for regression and multilabel; `points` holds (true, predicted) for regression.
    """

    schema: ClassVar[int] = 1
    labels: tuple[str, ...] = ()
    matrix: tuple[tuple[int, ...], ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def to_json(record: Any) -> Any:
    """Turn a record (or a container of records) into plain JSON values; dataclasses with a `schema` carry it.

    >>> to_json(Score(value=0.5, low=0.4, high=0.6, n=10))
    {'value': 0.5, 'low': 0.4, 'high': 0.6, 'n': 10}
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        head = {"schema": record.schema} if hasattr(record, "schema") else {}
        return head | {f.name: to_json(getattr(record, f.name)) for f in dataclasses.fields(record)}
    if isinstance(record, Mapping):
        return {str(key): to_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    if hasattr(record, "item") and getattr(record, "ndim", None) == 0:
        return record.item()
    return record


def from_json(kind: type[R], value: Any) -> R:
    """Rebuild a record written by `to_json`; unknown keys of a newer release are ignored, missing ones take defaults.

    >>> from_json(Score, {"value": 0.5, "low": 0.4, "high": 0.6, "n": 10})
    Score(value=0.5, low=0.4, high=0.6, n=10)
    """
    return typing.cast(R, _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        hints = typing.get_type_hints(kind)
        known = [f.name for f in dataclasses.fields(kind) if f.name in value]
        return typing.cast(Any, kind)(**{name: _read(hints[name], value[name]) for name in known})
    if origin in (typing.Union, types.UnionType):
        present = [m for m in typing.get_args(kind) if m is not type(None)]
        return None if value is None else _read(present[0], value)
    if origin is tuple:
        members = typing.get_args(kind)
        if len(members) == 2 and members[1] is Ellipsis:
            return tuple(_read(members[0], item) for item in value)
        return tuple(_read(member, item) for member, item in zip(members, value, strict=True))
    if isinstance(value, Mapping):
        inner = typing.get_args(kind)[1] if typing.get_args(kind) else Any
        return {key: _read(inner, item) for key, item in value.items()}
    if kind is float and isinstance(value, int):
        return float(value)
    return value
