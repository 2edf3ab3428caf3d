"""What a diagnosis is fed with: a sample of train rows to look at after each epoch, and the facts about a problem.

Shapes: n train rows, s sampled ones, K outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.events import Event, Observer
from tunewright.learning.course import Facts
from tunewright.learning.decisions import fit_decision
from tunewright.learning.diagnosis import alarming, diagnose
from tunewright.learning.judging import WORST, Judging
from tunewright.metrics import metric as metric_of
from tunewright.metrics import score
from tunewright.records import Epoch
from tunewright.tasks import Multilabel, Regression

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs
    from tunewright.training.watch import Watch

Array = np.ndarray[Any, np.dtype[Any]]
SHARE = 0.2  # of the train rows: a forward pass over them costs under a tenth of an epoch
FEWEST = 64  # fewer rows say nothing, and cost nothing
DOUBTFUL = 0.25  # of the sample, at most, is there for its doubtful label
ROUNDS = 300
SHUFFLES = 5
Z = 3.92  # standard errors in a 95 % interval


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Which train rows are looked at: (s,) places, whether drawn from all rows, whether their label is doubtful."""

    rows: Array
    drawn: Array
    suspects: Array


def draw_sample(suspects: Array, *, validation_rows: int, seed: int, share: float = SHARE) -> Sample:
    """Draw at most as many rows as validation has: most from all, a part from those with a doubtful label.

    Args:
        suspects: (n,) whether a train row's label is doubtful.
        validation_rows: how many there are.
        seed: of the draw; the same rows in every epoch and after every resume.
        share: of the train rows, at most; where vectors are cached, looking at all costs little.

    >>> sample = draw_sample(np.arange(1000) < 100, validation_rows=150, seed=0)
    >>> int(sample.drawn.sum()), len(sample.rows) <= 150, bool(sample.suspects[~sample.drawn].all())
    (113, True, True)
    """
    n = len(suspects)
    most = min(validation_rows, max(int(share * n), FEWEST), n)
    rng = np.random.default_rng([seed, 71])
    doubtful = np.flatnonzero(suspects)
    extra = min(int(DOUBTFUL * most), len(doubtful)) if most < n else 0
    plain = rng.choice(n, most - extra, replace=False)
    more = np.setdiff1d(rng.choice(doubtful, extra, replace=False), plain)
    rows = np.concatenate([plain, more])
    return Sample(rows=rows, drawn=np.arange(len(rows)) < len(plain), suspects=suspects[rows])


def make_watch(judging: Judging, sample: Sample, facts: Facts, *, inputs: Inputs, observe: Observer) -> Watch:
    """What the training loop looks at.

    Args:
        judging: loss and metric.
        sample: of the train rows.
        facts: what the diagnosis needs beside the curve; a verdict is told as soon as it is first true.
        inputs: of all train rows.
        observe: hears of it.
    """
    from tunewright.training.watch import Watch

    targets = judging.problem.targets["train"]
    of_sample, constant = targets[sample.rows], constant_outputs(judging, len(targets))
    return Watch(
        inputs=inputs.take(sample.rows),
        drawn=sample.drawn,
        suspects=sample.suspects,
        losses=lambda outputs: losses(judging, outputs, of_sample),
        judge=lambda outputs: judging.score(outputs, of_sample[sample.drawn]),
        constant_loss=float(losses(judging, constant, targets).mean()),
        hear=_Hear(facts, judging.sign, observe),
    )


def losses(judging: Judging, outputs: Array, targets: Array) -> Array:
    """(s,) losses of outputs (s, K)."""
    import torch

    found = judging.loss(torch.from_numpy(np.ascontiguousarray(outputs)), torch.from_numpy(targets), 0.0)
    return np.asarray(found.detach().numpy())


@dataclass(frozen=True, slots=True)
class _Hear:
    facts: Facts
    sign: int
    observe: Observer

    def __call__(self, history: Sequence[Epoch]) -> None:
        curve = natural(history, self.sign)
        now, before = (diagnose(part, self.facts, ended=False) for part in (curve, curve[:-1]))
        if alarming(now) and now.verdict != before.verdict:
            text = f"{now.text} {now.evidence[0]}."
            self.observe(Event(station="train", what="note", text=text, data={"verdict": now.verdict}))


def natural(history: Sequence[Epoch], sign: int) -> tuple[Epoch, ...]:
    """A learning curve with its metrics as people know them: the loop's are turned so that higher is better."""

    def turned(epoch: Epoch) -> Epoch:
        train, average = epoch.train_metric, epoch.average_metric
        return replace(
            epoch,
            metric=sign * epoch.metric,
            train_metric=None if train is None or train <= WORST else sign * train,
            average_metric=None if average is None or average <= WORST else sign * average,
        )

    return tuple(turned(epoch) for epoch in history)


def facts_of(judging: Judging, sample: Sample, probe: Array, *, trainable: int, epochs: int, suspects: float) -> Facts:
    """What a diagnosis needs beside the curve.

    Args:
        judging: problem and metric.
        sample: of the train rows.
        probe: (m, K) outputs of the probe for the validation rows, whose score's standard error is taken.
        trainable: weights that train.
        epochs: planned.
        suspects: share of the train rows with a doubtful label.
    """
    problem, metric = judging.problem, metric_of(judging.metric)
    targets = problem.targets["validation"]
    outcome = problem.task.outcome(targets, probe, fit_decision(problem.task, probe, targets, metric.name))
    found = score(metric.name, outcome, seed=problem.seed, rounds=ROUNDS)
    error = (found.high - found.low) / Z if found is not None else math.inf
    low, high = metric.bounds
    perfect = (high if high is not None else 1.0) if metric.greater_is_better else (low or 0.0)
    weights = judging.weights()
    rows, drawn = len(problem.targets["train"]), max(int(sample.drawn.sum()), 1)
    return Facts(
        metric=metric.name,
        perfect=perfect,
        blind=judging.sign * blind_score(judging),
        error=error,
        # Of all train rows, all are all: a sample's error ends where nothing is left to draw.
        train_error=error * math.sqrt(len(targets) / drawn * max(1 - drawn / rows, 0.0)),
        validation_rows=len(targets),
        effective_rows=float(rows if weights is None else weights.sum() ** 2 / (weights**2).sum()),
        trainable=trainable,
        suspects=suspects,
        epochs=epochs,
    )


def blind_score(judging: Judging) -> float:
    """The better of a constant answer and of the validation labels in another order; higher is better.

    Macro averages reward any spread over the classes: what says something of every class but nothing of the rows
    scores above the majority class.
    """
    problem = judging.problem
    task, targets = problem.task, problem.targets["validation"]
    scored = [judging.judge(constant_outputs(judging, len(targets)))]
    if not isinstance(task, Regression):
        rng = np.random.default_rng([problem.seed, 72])
        told = targets if isinstance(task, Multilabel) else targets[:, None] == np.arange(task.outputs)
        outputs = np.where(told > 0, 3.0, -3.0).astype(np.float32)
        scored.append(float(np.mean([judging.judge(outputs[rng.permutation(len(outputs))]) for _ in range(SHUFFLES)])))
    worth = [one for one in scored if one > WORST]
    return max(worth) if worth else 0.0


def constant_outputs(judging: Judging, rows: int) -> Array:
    """(rows, K) of an answer that is always the same: class frequencies, label frequencies, or the median."""
    task, targets = judging.problem.task, judging.problem.targets["train"]
    if isinstance(task, Regression):
        constant = np.array([np.median(targets)])
    elif isinstance(task, Multilabel):
        share = np.clip(targets.mean(0), 1e-4, 1 - 1e-4)
        constant = np.log(share / (1 - share))
    else:
        counts = np.bincount(targets[targets >= 0], minlength=task.outputs)
        constant = np.log(np.maximum(counts, 0.5) / max(len(targets), 1))
    return np.tile(constant, (rows, 1)).astype(np.float32)
