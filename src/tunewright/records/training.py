"""How a model came to be, and whether its training went well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One line of a learning curve: losses in nats (or squared target units), the objective metric, seconds so far.

    `train_loss` is the mean over the epoch, while the weights moved. What follows was looked at after it, on a fixed
    sample of the train rows, or is None: the metric, the mean loss, and the mean loss of rows with a doubtful label and
    of all others. `jumps` counts the updates, of all `updates`, whose loss was above twice that of a constant answer.
    `average_metric` is the metric of the running mean of the weights, where one was judged.
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
    average_metric: float | None = None


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
class Rung:
    """What `model.train: auto` tried, and what followed.

    `metric` is that of the validation rows, None where it is undefined; `gain` the paired difference from the probe on
    them, positive where the rung is better, None where it was not taken; `seconds` what the rung took.
    """

    name: str
    metric: float | None
    gain: Score | None
    seconds: float
    verdict: Literal["promoted", "stopped", "kept", "not kept"]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedModel:
    """How the kept model came to be: what won on validation, its history, what trained, digest of the weights.

    `words` says that a linear model over n-grams is added to what was `kept`, `trees` that boosted trees over the
    table's columns are mixed in, `averaged` that the weights kept are a mean: over so many epochs' ends, or 1 for a
    moving average; 0: they are an epoch's own. `diagnosis` is None where no rows were left to judge training by,
    `learning_curve` where there were too few to draw one. `rungs` is empty where the plan says what
    trains.
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
    trees: bool = False
    averaged: int = 0
    precision: str
    digest: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    learning_curve: LearningCurve | None = None
    rungs: tuple[Rung, ...] = ()
