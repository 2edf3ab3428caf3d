"""A learning curve as a diagnosis sees it: shares of the way from a blind answer to a perfect one, and noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunewright.records import Epoch
from tunewright.stats import figure

NOISE = 2.0  # standard errors that a difference between two epochs must exceed
CHANCE = 3.0  # and the difference from a blind answer: the best of several epochs was chosen
SURELY = 0.5  # share of the way that a blind answer surely stays below


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a diagnosis needs beside the learning curve.

    Args:
        metric: the objective metric's name.
        perfect: its best value.
        blind: what the majority class, the median, or labels drawn at random score on the validation rows.
        error: standard error of the metric on the validation rows.
        train_error: on the sampled train rows.
        validation_rows: how many.
        effective_rows: train rows, discounted where weights are uneven: (Σw)² / Σw².
        trainable: weights that train.
        suspects: share of the train rows whose label the audit doubts.
        epochs: planned; 0 where the probe is all there is.
    """

    metric: str
    perfect: float
    blind: float
    error: float
    train_error: float
    validation_rows: int
    effective_rows: float
    trainable: int
    suspects: float
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A learning curve in shares of the way from a blind answer to a perfect one.

    Args:
        curve: the learning curve.
        facts: what else is known.
        ended: whether training is over.
        valid: share on validation rows per epoch.
        train: share on sampled train rows per epoch, NaN where none were looked at.
        error: standard error of `valid`.
        train_error: of `train`.
        best: the epoch that is kept.
        average: the epoch after which the mean of the weights was better than every epoch's own, and is kept; or None.
    """

    curve: Sequence[Epoch]
    facts: Facts
    ended: bool
    valid: tuple[float, ...]
    train: tuple[float, ...]
    error: float
    train_error: float
    best: int
    average: int | None = None

    @classmethod
    def of(cls, curve: Sequence[Epoch], facts: Facts, *, ended: bool) -> Course:
        """Put the metrics on their way."""
        way = facts.perfect - facts.blind
        way = way if abs(way) > 1e-9 else math.copysign(1e-9, way)

        def share(value: float | None) -> float:
            return -1.0 if value is None or abs(value) >= 1e8 else max((value - facts.blind) / way, -1.0)

        valid = tuple(share(epoch.metric) for epoch in curve)
        train = tuple(share(epoch.train_metric) if epoch.train_metric is not None else math.nan for epoch in curve)
        best = max(range(len(curve)), key=lambda place: (valid[place], -place))
        means = {at: share(epoch.average_metric) for at, epoch in enumerate(curve) if epoch.average_metric is not None}
        above = max(means, key=lambda place: (means[place], -place), default=None)
        return cls(
            curve=curve,
            facts=facts,
            ended=ended,
            valid=valid,
            train=train,
            error=abs(facts.error / way),
            train_error=abs(facts.train_error / way),
            best=best,
            average=above if above is not None and means[above] > valid[best] else None,
        )

    @property
    def blind(self) -> bool:
        """Whether validation rows are answered no better than blindly, and there are enough of them to say so."""
        best = max(self.valid)
        return best <= CHANCE * self.error and best + NOISE * self.error <= SURELY

    def since(self, bad: Callable[[int], bool]) -> int | None:
        """The first epoch of the bad ones that the curve ends with; None where there are none, or too few to tell."""
        run = [place for place in range(len(self.curve)) if all(bad(later) for later in range(place, len(self.curve)))]
        return run[0] if run and (self.ended or len(run) >= 2) else None

    def told(self, place: int) -> str:
        """Train and validation metric of an epoch."""
        epoch = self.curve[place]
        train = "" if epoch.train_metric is None else f"{figure(epoch.train_metric)} on train rows, "
        return f"{name_of(place)}: {self.facts.metric} {train}{figure(epoch.metric)} on validation rows"

    def noise(self) -> str:
        """What a difference must exceed."""
        return (
            f"{self.facts.validation_rows:,} validation rows: a difference below {figure(NOISE * self.facts.error)} "
            f"is noise; a blind answer scores {figure(self.facts.blind)}"
        )

    def bystanders(self, verdict: str) -> tuple[str, ...]:
        """Evidence that stands beside every verdict."""
        facts = self.facts
        said = [self.noise()]
        if verdict in ("overfit", "memorising noise"):
            per_row = facts.trainable / max(facts.effective_rows, 1)
            said.append(f"{facts.trainable:,} weights train on {facts.effective_rows:,.0f} rows, {per_row:,.0f} a row")
        return tuple(said)

    def action(self) -> str:
        """What was done."""
        if not self.ended:
            return ""
        last = len(self.curve) - 1
        kept = "the probe was kept" if self.best == 0 else f"{name_of(self.best).lower()} was kept"
        if self.average is not None:
            kept = f"the mean of the weights after {name_of(self.average).lower()} was kept"
        if not self.facts.epochs:
            return "There were no epochs; the probe was kept."
        if last < self.facts.epochs:
            return f"Training stopped early, after epoch {last} of {self.facts.epochs}; {kept}."
        return f"All {last} epochs ran; {kept}."

    def numbers(self) -> dict[str, float]:
        """What the verdict came from."""
        kept, facts = self.curve[self.best], self.facts
        found = {
            "validation": kept.metric,
            "train": kept.train_metric,
            "blind": facts.blind,
            "standard_error": facts.error,
            "weights_per_row": facts.trainable / max(facts.effective_rows, 1),
            "suspects": facts.suspects,
        }
        return {name: round(value, 6) for name, value in found.items() if value is not None and math.isfinite(value)}


def name_of(place: int) -> str:
    """An epoch in words."""
    return "The probe" if place == 0 else f"Epoch {place}"
