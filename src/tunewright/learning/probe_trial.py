"""Is learning from augmented rows better? Paired folds again, with the probe that a run fits in place of a ridge fit.

Augmentation regularises. Beside a closed-form fit of one penalty it would be credited with what another penalty gives
as well; and under a squared loss, mixing rows in pairs *is* another penalty (docs/decisions/008). So both arms fit the
probe, each choosing the strength of its penalty on a fold that it neither learns from nor is scored on, as a run does
on its validation rows. Changed copies are of rows that are learned from, mixed rows are mixed among these: held-out
rows take no part. Shapes: m rows that are not test rows, F features, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.learning.decisions import fit_decision
from tunewright.learning.probe import RIDGE, Loss, Probe, ProbeData, fit_logistic_probe, fit_ridge_probe
from tunewright.learning.trial import Arm, Ruler, measured
from tunewright.tasks import Regression

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
REPEATS = 2
STRENGTHS = (1.0, 10.0, 100.0)
RIDGES = RIDGE[::2]
DRAWS = 2  # partners that every row is mixed with
# Rows times features times outputs: some ten seconds for two arms. Where there is more, augmentation has little to add.
MOST_WORK = 3e7


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Rows to learn from as an arm has them.

    Args:
        x: (n, F) features: rows as they are, copies behind them; or mixtures.
        targets: (n,) or (n, K) encoded.
        weights: (n,) importance.
        partners: (n,) or (n, K) targets of the rows that are mixed in, and (n,) their weights; None: none are.
        shares: (n,) how much of each mixture is its first row.
    """

    x: Array
    targets: Array
    weights: Array
    partners: tuple[Array, Array] | None = None
    shares: Array | None = None


def probe_scores(arm: Arm, ruler: Ruler, repeats: Iterable[int] = range(REPEATS)) -> Array:
    """(k,) the metric on each held-out part, higher is better; k is the number of folds, for every repeat.

    Cost: of each, three L-BFGS fits of at most 20 steps over n F K.

    Args:
        arm: what is learned from, its copies and mixtures included.
        ruler: how it is measured; one fold is held out, the next one chooses, the others are learned from.
        repeats: numbers of the divisions into folds.
    """
    scores = []
    for repeat in repeats:
        folds = ruler.split(repeat)
        numbers = np.unique(folds).tolist()
        for place, held in enumerate(numbers):
            choosing = numbers[(place + 1) % len(numbers)]
            rows = np.flatnonzero((folds != held) & (folds != choosing) & (arm.weights > 0))
            parts = np.flatnonzero(folds == choosing), np.flatnonzero(folds == held)
            scores.append(_score(arm, ruler, rows, *parts) if len(rows) else 0.0)
    return np.array(scores)


def lesson_of(arm: Arm, rows: Array, *, seed: int) -> Lesson:
    """What an arm learns from where these rows, given by their places, may be learned from.

    >>> one = Arm(x=np.eye(2), targets=np.array([0, 1]), weights=np.ones(2), copies=np.zeros((2, 2)))
    >>> lesson_of(one, np.array([1]), seed=0).x.tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    x, places = arm.x[rows], rows
    if arm.copies is not None:
        x, places = np.concatenate([x, arm.copies[rows]]), np.concatenate([rows, rows])
    targets, weights = arm.targets[places], arm.weights[places]
    if arm.mix is None:
        return Lesson(x, targets, weights)
    rng = np.random.default_rng((seed, len(rows)))
    own = np.tile(np.arange(len(x)), DRAWS)
    other = np.concatenate([rng.permutation(len(x)) for _ in range(DRAWS)])
    share = rng.beta(arm.mix, arm.mix, len(own)).astype(np.float32)
    mixed = share[:, None] * x[own] + (1 - share[:, None]) * x[other]
    return Lesson(mixed, targets[own], weights[own], (targets[other], weights[other]), share)


def _score(arm: Arm, ruler: Ruler, rows: Array, chosen: Array, held: Array) -> float:
    lesson = lesson_of(arm, rows, seed=ruler.seed)

    def judge(outputs: Array) -> float:
        return measured(ruler, chosen, outputs, fit_decision(ruler.task, outputs, ruler.truth[chosen], ruler.metric))

    probe = _fit(arm, ruler, lesson, len(rows), arm.x[chosen], judge)
    decision = fit_decision(ruler.task, probe.outputs(arm.x[chosen]), ruler.truth[chosen], ruler.metric)
    return measured(ruler, held, probe.outputs(arm.x[held]), decision)


def _fit(arm: Arm, ruler: Ruler, lesson: Lesson, rows: int, chosen_x: Array, judge: Callable[[Array], float]) -> Probe:
    """The probe of a lesson; a penalty means the same however many copies and mixtures there are of each row."""
    data = ProbeData(lesson.x, lesson.targets, lesson.weights, chosen_x, judge)
    if isinstance(ruler.task, Regression):
        return fit_ridge_probe(data, penalties=RIDGES)
    loss: Loss = partial(_adjusted, ruler.task.loss, arm.offset)
    if lesson.partners is not None:
        loss = partial(_mixed, loss, lesson)
        places = np.arange(len(lesson.x))
        data = ProbeData(lesson.x, places, None, chosen_x, judge)
    strengths = [strength * rows / len(lesson.x) for strength in STRENGTHS]
    return fit_logistic_probe(data, loss=loss, outputs=ruler.task.outputs, strengths=strengths)


def _adjusted(loss: Loss, offset: Array | None, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """The task's loss, with logits adjusted where balancing asks for it, as a run has it."""
    if offset is not None:
        import torch

        outputs = outputs + torch.from_numpy(np.asarray(offset, np.float32)).to(outputs)
    return loss(outputs, targets, smoothing)


def _mixed(loss: Loss, lesson: Lesson, outputs: Tensor, places: Tensor, smoothing: float) -> Tensor:
    """(n,) losses of mixtures: those of both rows by their shares and weights; over all places at once."""
    import torch

    assert lesson.partners is not None and lesson.shares is not None
    others, other_weights = lesson.partners
    own = torch.from_numpy(np.asarray(lesson.shares * lesson.weights, np.float32))
    other = torch.from_numpy(np.asarray((1 - lesson.shares) * other_weights, np.float32))
    losses = own * loss(outputs, torch.from_numpy(lesson.targets), smoothing)
    losses = losses + other * loss(outputs, torch.from_numpy(others), smoothing)
    return losses / (own + other).mean().clamp_min(1e-6)
