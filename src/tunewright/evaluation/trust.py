"""Whether confidence means what it says: calibration, abstaining, conformal sets and intervals, ranking curves.

Everything that is chosen (temperature, thresholds, set sizes) is chosen on validation rows and scored on test rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewright.learning.decisions import COVERAGE, set_threshold
from tunewright.metrics import Outcome, score
from tunewright.metrics.rows import normalised, right
from tunewright.records import Abstention, Calibration, CalibrationBin, Curve, Promise, Trust
from tunewright.stats import wilson
from tunewright.tasks import Classification, Decision, Multilabel, Regression, Task, label_sets

Array = np.ndarray[Any, np.dtype[Any]]
SHARES = (0.95, 0.9, 0.8, 0.7, 0.5)
BINS = 10
FEWEST_ROWS = 20
MOST_POINTS = 200


def measure_trust(
    task: Task, decision: Decision, validation: tuple[Array, Array], test: tuple[Array, Array], *, seed: int = 0
) -> Trust:
    """Measure on test rows what confidence is worth.

    Args:
        task: the task.
        decision: what was fitted on validation rows.
        validation: (n, K) outputs and the targets of validation rows.
        test: the same of the test rows.
        seed: of the bootstraps.

    Returns:
        An empty record with fewer than 20 rows in either part.
    """
    if min(len(validation[0]), len(test[0])) < FEWEST_ROWS:
        return Trust()
    chosen, judged = (task.outcome(targets, outputs, decision) for outputs, targets in (validation, test))
    if isinstance(task, Regression):
        return Trust(promise=_interval(judged, decision))
    if isinstance(task, Multilabel):
        return Trust(roc=_roc(judged), precision_recall=_precision_recall(judged))
    if min(chosen.known.sum(), judged.known.sum()) < FEWEST_ROWS:
        return Trust()
    judged = judged.take(np.flatnonzero(judged.known))
    chosen = chosen.take(np.flatnonzero(chosen.known))
    binary = task.kind == "binary"
    return Trust(
        calibration=_calibration(task, decision, (test[0], test[1]), seed),
        abstention=_abstentions(chosen, judged),
        coverage=_coverage(judged),
        promise=_sets(chosen, judged),
        roc=_roc(judged) if binary else None,
        precision_recall=_precision_recall(judged) if binary else None,
    )


def _calibration(task: Classification, decision: Decision, test: tuple[Array, Array], seed: int) -> Calibration | None:
    outputs, targets = test
    known = targets >= 0
    before, after = (
        task.outcome(targets[known], outputs[known], one)
        for one in (Decision(thresholds=decision.thresholds), decision)
    )
    found = {name: (score(name, before, seed=seed), score(name, after, seed=seed)) for name in ("ece", "brier")}
    ece, brier = found["ece"], found["brier"]
    if ece[0] is None or ece[1] is None or brier[0] is None or brier[1] is None:
        return None
    return Calibration(
        temperature=decision.temperature, bins=_bins(after), ece=(ece[0], ece[1]), brier=(brier[0], brier[1])
    )


def _bins(outcome: Outcome) -> tuple[CalibrationBin, ...]:
    """Ten groups of equal size by confidence: each has rows enough for an interval."""
    confidence, good = _confidence(outcome), right(outcome)
    groups = np.array_split(np.argsort(confidence, kind="stable"), min(BINS, max(outcome.rows // FEWEST_ROWS, 1)))
    return tuple(
        CalibrationBin(confidence=float(confidence[rows].mean()), right=wilson(int(good[rows].sum()), len(rows)))
        for rows in groups
    )


def _confidence(outcome: Outcome) -> Array:
    """(n,) probability of the label that was said."""
    return np.asarray(normalised(outcome)[np.arange(outcome.rows), outcome.labels])


def _abstentions(chosen: Outcome, judged: Outcome) -> tuple[Abstention, ...]:
    """For each wanted share of answered rows: its threshold on validation rows, and what it gives on test rows."""
    known, confidence, good = np.sort(_confidence(chosen)), _confidence(judged), right(judged)
    found = []
    for wanted in SHARES:
        threshold = float(known[min(int(np.floor((1 - wanted) * len(known))), len(known) - 1)])
        answered = confidence >= threshold
        if answered.sum() < FEWEST_ROWS:
            continue
        found.append(
            Abstention(
                wanted=wanted,
                threshold=threshold,
                share=wilson(int(answered.sum()), judged.rows),
                right=wilson(int(good[answered].sum()), int(answered.sum())),
            )
        )
    return tuple(found)


def _coverage(outcome: Outcome) -> Curve:
    """Accuracy among the surest rows against their share (the risk-coverage curve of El-Yaniv & Wiener 2010)."""
    order = np.argsort(-_confidence(outcome), kind="stable")
    share = np.arange(1, outcome.rows + 1) / outcome.rows
    accuracy = np.cumsum(right(outcome)[order]) / np.arange(1, outcome.rows + 1)
    # The first few rows are one right or wrong answer each and say nothing.
    kept = share >= min(FEWEST_ROWS / outcome.rows, 1.0)
    return _thinned("accuracy", share[kept], accuracy[kept])


def _sets(chosen: Outcome, judged: Outcome) -> Promise:
    threshold = set_threshold(normalised(chosen), chosen.truth)
    inside = label_sets(normalised(judged), judged.labels, threshold)
    sizes = inside.sum(1)
    held = inside[np.arange(judged.rows), judged.truth]
    return Promise(
        promised=COVERAGE,
        covered=wilson(int(held.sum()), judged.rows),
        size=float(sizes.mean()),
        single=wilson(int((sizes == 1).sum()), judged.rows),
    )


def _interval(outcome: Outcome, decision: Decision) -> Promise | None:
    if decision.half_width is None:
        return None
    held = np.abs(outcome.truth - outcome.labels) <= decision.half_width
    return Promise(promised=COVERAGE, covered=wilson(int(held.sum()), outcome.rows), size=2 * decision.half_width)


def _ranked(outcome: Outcome) -> tuple[Array, Array] | None:
    """Truth and probability of the positive class, or of all labels together; None where truth does not vary."""
    if outcome.probabilities is None:
        return None
    if outcome.task == "binary":
        truth, given = outcome.truth == outcome.positive_class, outcome.probabilities[:, outcome.positive_class]
    else:
        truth, given = outcome.truth.ravel() > 0, outcome.probabilities.ravel()
    return (truth, given) if truth.any() and not truth.all() else None


def _roc(outcome: Outcome) -> Curve | None:
    from sklearn.metrics import roc_curve

    ranked = _ranked(outcome)
    if ranked is None:
        return None
    false, true, _ = roc_curve(*ranked)
    return _thinned("true positive rate", false, true)


def _precision_recall(outcome: Outcome) -> Curve | None:
    from sklearn.metrics import precision_recall_curve

    ranked = _ranked(outcome)
    if ranked is None:
        return None
    precision, recall, _ = precision_recall_curve(*ranked)
    return _thinned("precision", recall[::-1], precision[::-1])


def _thinned(name: str, x: Array, y: Array) -> Curve:
    places = np.unique(np.linspace(0, len(x) - 1, min(MOST_POINTS, len(x))).round().astype(int))
    return Curve(name=name, x=tuple(x[places].astype(float).tolist()), y=tuple(y[places].astype(float).tolist()))
