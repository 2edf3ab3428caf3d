"""Is learning from changed rows better? Paired repeated folds on frozen features, scored against the labels as given.

Both arms see the same folds and are scored on the same held-out rows with the labels that the data came with: a
remedy must not win by cleaning the ruler. Shapes: m rows that are not test rows, F features, K outputs, k splits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.learning.crossfit import PENALTIES, FoldSums, deal_folds, one_hot
from tunewright.learning.decisions import fit_decision
from tunewright.learning.posterior import Answer, linear_answer, posterior_answers
from tunewright.learning.thresholds import fit_threshold
from tunewright.metrics import metric as metric_of
from tunewright.records import Score
from tunewright.stats import nadeau_bengio
from tunewright.tasks import Decision, Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
Sums = tuple[FoldSums, ...]
BINS = 10
POINTS = 0.005


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """What one side learns from.

    Args:
        x: (m, F) features.
        targets: (m,) or (m, K) encoded targets to learn; not what is scored against.
        weights: (m,) importance; a row of weight 0 is not learned from.
        offset: (K,) what training adds to the logits, and answers therefore lack (Menon et al. 2021); None: nothing.
        copies: (m, F) features of a changed copy of each row, to learn from beside it; None: there are none.
        mix: both parameters of the Beta distribution by which rows are mixed in pairs; None: they are not.

    A ridge fit heeds none of the last three: `split_scores` has another for an offset, `probe_scores` takes them all.
    """

    x: Array
    targets: Array
    weights: Array
    offset: Array | None = None
    copies: Array | None = None
    mix: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ruler:
    """How every arm is measured.

    Args:
        task: encodes, decides.
        truth: (m,) or (m, K) encoded targets as the data came.
        metric: the objective metric.
        clusters: (m,) rows of one number are held out together.
        folds: per repetition.
        repeats: other folds each time.
        seed: of the folds.
    """

    task: Task
    truth: Array
    metric: str
    clusters: Array
    folds: int = 5
    repeats: int = 4
    seed: int = 0

    def split(self, repeat: int) -> Array:
        """(m,) fold of each row in one repetition."""
        strata = strata_of(self.task, self.truth)
        return deal_folds(self.clusters, strata, folds=self.folds, seed=self.seed * 1000 + repeat)


def strata_of(task: Task, targets: Array) -> Array:
    """(m,) what folds should spread: classes, the rarest label of a row, or tenths of a value."""
    if isinstance(task, Regression):
        return np.asarray(np.argsort(np.argsort(targets)) * BINS // max(len(targets), 1))
    if isinstance(task, Multilabel):
        rare = np.argsort(np.argsort(targets.sum(0)))
        return np.asarray(np.where(targets > 0, rare, targets.shape[1]).min(1))
    return targets


def learned_targets(task: Task, targets: Array) -> Array:
    """(m, K) what a ridge fit learns: membership, or the scaled value."""
    if isinstance(task, Regression):
        return np.asarray(targets, np.float64)[:, None]
    return np.asarray(targets, np.float64) if isinstance(task, Multilabel) else one_hot(targets, task.outputs)


def sums_of(arm: Arm, ruler: Ruler, *, like: Sums = ()) -> Sums:
    """Sums over each fold of each repetition; where the features are those of `like`, only what differs is summed."""
    y = learned_targets(ruler.task, arm.targets)
    if like and like[0].x_nF is arm.x:
        return tuple(sums.changed(y, arm.weights) for sums in like)
    return tuple(FoldSums.of(arm.x, y, ruler.split(repeat), arm.weights) for repeat in range(ruler.repeats))


def choose_penalty(arm: Arm, ruler: Ruler, sums: Sums, *, posterior: bool = False) -> float:
    """The penalty that is best for an arm over one repetition."""
    values = [float(np.mean(split_scores(arm, ruler, one, sums[:1], posterior=posterior))) for one in PENALTIES]
    return PENALTIES[int(np.argmax(values))]


def split_scores(arm: Arm, ruler: Ruler, penalty: float, sums: Sums, *, posterior: bool = False) -> Array:
    """(k,) the metric on each held-out part, higher is better.

    Args:
        arm: what is learned from.
        ruler: how it is measured.
        penalty: of the fits.
        sums: of the arm.
        posterior: by log posteriors, from which an offset can be taken, in place of a ridge fit; for classes. Scores of
            one kind do not compare with those of the other.
    """
    scores = []
    for one in sums:
        answers = (
            posterior_answers(arm.x, arm.targets, one, penalty=penalty, offset=arm.offset)
            if posterior
            else _ridge_answers(arm, ruler.task, one, penalty)
        )
        scores += [_score(arm, ruler, held, answer) for held, answer in answers]
    return np.array(scores)


def part_scores(arm: Arm, ruler: Ruler, penalty: float, sums: Sums, features: Array) -> Array:
    """(k,) the same with some of the features only, given by their places; by ridge fits."""
    part = replace(arm, x=arm.x[:, features])
    answers = (
        (held, _ridge_answer(part, ruler.task, whole.only(features).solve(penalty)))
        for one in sums
        for held, whole in one.held_out()
    )
    return np.array([_score(part, ruler, held, answer) for held, answer in answers])


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change did: mean difference over splits with its 95 % interval, and the one-sided p-value of a rule.

    Args:
        difference: in units of the metric, positive is better.
        p_value: that the true difference is no greater than the rule allows.
    """

    difference: Score
    p_value: float


def effect(changed: Array, base: Array, *, folds: int, at_least: float) -> Effect:
    """Compare two arms' scores split by split (Nadeau and Bengio 2003).

    Args:
        changed: (k,) scores of the changed arm.
        base: (k,) of the other.
        folds: of one repetition.
        at_least: the difference that must be exceeded.

    >>> e = effect(np.array([0.9, 0.9, 0.8, 0.9]), np.array([0.8, 0.8, 0.75, 0.8]), folds=2, at_least=0.0)
    >>> round(e.difference.value, 4), e.p_value < 0.05
    (0.0875, True)
    """
    from scipy.special import stdtr, stdtrit

    score = nadeau_bengio(changed - base, test_share=1 / folds)
    k = len(changed)
    spread = (score.high - score.value) / float(stdtrit(k - 1, 0.975))
    if spread <= 0:
        return Effect(difference=score, p_value=0.0 if score.value > at_least else 1.0)
    return Effect(difference=score, p_value=float(stdtr(k - 1, -(score.value - at_least) / spread)))


def tolerance(metric: str, base: Array) -> float:
    """Half a point of a bounded metric; half a percent of an unbounded one."""
    low, high = metric_of(metric).bounds
    return POINTS if low is not None and high is not None else POINTS * abs(float(np.mean(base)))


def measured(ruler: Ruler, rows: Array, outputs: Array, decision: Decision) -> float:
    """The metric of answers to some rows against the labels as given, higher is better; 0 where it is undefined."""
    metric = metric_of(ruler.metric)
    value = metric.quick(ruler.task.outcome(ruler.truth[rows], outputs, decision))
    return (1 if metric.greater_is_better else -1) * float(value) if value is not None and np.isfinite(value) else 0.0


def as_logits(task: Task, outputs: Array) -> Array:
    """Membership between 0 and 1 as something a sigmoid or softmax turns back into about that."""
    return outputs if isinstance(task, Regression) else np.asarray(6.0 * (outputs - 0.5), np.float32)


def _ridge_answers(arm: Arm, task: Task, sums: FoldSums, penalty: float) -> Iterator[tuple[Array, Answer]]:
    for held, whole in sums.held_out():
        yield held, _ridge_answer(arm, task, whole.solve(penalty))


def _ridge_answer(arm: Arm, task: Task, fit: tuple[Array, Array]) -> Answer:
    return lambda rows: as_logits(task, linear_answer(arm.x, fit, rows))


def _score(arm: Arm, ruler: Ruler, held: Array, answer: Answer) -> float:
    return measured(ruler, held, answer(held), _decision(arm, ruler, held, answer))


def _decision(arm: Arm, ruler: Ruler, held: Array, answer: Answer) -> Decision:
    """Thresholds where answers hang on them, from the rows that were learned from."""
    task = ruler.task
    if isinstance(task, Regression) or (not isinstance(task, Multilabel) and task.outputs > 2):
        return Decision()
    rows = np.setdiff1d(np.flatnonzero(arm.weights > 0), held)
    if isinstance(task, Multilabel):
        return fit_decision(task, answer(rows), arm.targets[rows], ruler.metric)
    return fit_threshold(task, answer(rows), arm.targets[rows], ruler.metric)
