"""The gate: an exported model and the trained one answer the same rows, and the difference stays within a budget.

Answers are compared by their names, not by their places, and the exported model is the one read back from its folder,
with the tokenizer and the preprocessing that stand in it: what is held to the trained model is all that a user gets.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.export.base import Budget
from tunewright.metrics import Outcome, difference, metric
from tunewright.models.engine import TorchEngine
from tunewright.records import Parity, Score, to_json
from tunewright.tasks import Multilabel, Regression

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = np.ndarray[Any, np.dtype[Any]]
MOST_ROWS: Final = 512
ALONE: Final = 16  # rows that are answered once more, each alone
CLOSE: Final = 0.05  # regression: answers agree within so many standard deviations
TIE: Final = 1e-4  # of a probability: two labels that are so near are told apart by rounding alone


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """What a model says of rows.

    Args:
        names: (n,) answers in words, or numbers of a regression.
        table: (n, L) probabilities by label in the order of `labels`; of a regression (n, 1) values.
        labels: L names.
    """

    names: Sequence[Any]
    table: Array
    labels: tuple[str, ...]


def parity(
    trained: FittedModel, exported: FittedModel, *, held_out: pl.DataFrame, adversarial: pl.DataFrame, budget: Budget
) -> Parity:
    """Put the same rows to both models and say how far they are from each other.

    The trained model computes in float32, whatever precision its bundle asks for: two roundings are not compared with
    each other, but each with what was trained.

    Args:
        trained: with its torch network.
        exported: as read back.
        held_out: typed rows that it did not learn from, with the target where there is one; at least one.
        adversarial: typed rows that are difficult.
        budget: what is allowed.
    """
    reference, held_out = in_float32(trained), held_out.head(MOST_ROWS)
    outputs = [outputs_of(model, held_out) for model in (reference, exported)]
    ours, theirs = (answered(model, found) for model, found in zip((reference, exported), outputs))
    hard = [answered(model, outputs_of(model, adversarial)) for model in (reference, exported)]
    spread = _spread(reference, ours)
    near, far = _distances(ours, theirs, spread), _distances(hard[0], hard[1], spread)
    alone = np.concatenate([exported.outputs(held_out[row]) for row in range(min(ALONE, held_out.height))])
    together = _distances(
        answered(exported, outputs_of(exported, held_out.head(ALONE))), answered(exported, alone), spread
    )
    same_rule = (trained.task, trained.decision) == (exported.task, exported.decision)
    found = Parity(
        rows=held_out.height + adversarial.height,
        label_agreement=_agreement(reference, ours, theirs, near, ties=same_rule),
        max_probability_difference=float(np.concatenate([near, far]).max()),
        metric_difference=_metric_difference(trained, exported, held_out, outputs),
        passed=False,
        mean_probability_difference=float(near.mean()),
        adversarial_rows=adversarial.height,
        adversarial_agreement=_agreement(reference, hard[0], hard[1], far, ties=same_rule),
        company_difference=float(together.max()),
        metric=trained.metric,
        reference="the trained weights in float32",
        budget=to_json(budget),
    )
    why = over_budget(found, budget)
    return replace(found, passed=not why, why=why)


def over_budget(found: Parity, budget: Budget) -> tuple[str, ...]:
    """What is over the budget, in words.

    >>> over_budget(Parity(rows=9, label_agreement=0.5, max_probability_difference=0.0, metric_difference=None,
    ...     passed=False), Budget(agreement=1.0, mean=0.1, largest=0.1, metric=0.1))
    ('50.0% of the answers agree, at least 100.0% must',)
    """
    why = []
    if not found.label_agreement >= budget.agreement:
        why.append(f"{found.label_agreement:.1%} of the answers agree, at least {budget.agreement:.1%} must")
    for name, value, most in (
        ("the mean difference of probabilities", found.mean_probability_difference, budget.mean),
        ("the largest difference of a probability", found.max_probability_difference, budget.largest),
        ("the difference between a row alone and among others", found.company_difference, budget.largest),
    ):
        if not value <= most:  # a difference that is no number is over every budget
            why.append(f"{name} is {value:.2g}, at most {most:g} is allowed")
    if found.metric_difference is not None and not found.metric_difference.value >= -budget.metric:
        fall = -found.metric_difference.value
        why.append(f"{found.metric} is worse by {fall:.4f}, at most {budget.metric:g} is allowed")
    return tuple(why)


def in_float32(model: FittedModel) -> FittedModel:
    """The model with its encoder in float32; itself where it is, or where it has no torch network."""
    import torch

    if not model.has_network or all(one.dtype == torch.float32 for one in model.network.parameters()):
        return model
    network = copy.deepcopy(model.network).float().eval()
    return replace(model, engine=TorchEngine(network, model.device), precision="float32")


def outputs_of(model: FittedModel, typed: pl.DataFrame) -> Array:
    """(n, K) outputs; of no rows none, which no network is asked for."""
    return model.outputs(typed) if typed.height else np.zeros((0, model.task.outputs), np.float32)


def answered(model: FittedModel, outputs: Array) -> Answered:
    """What a model decides on its outputs, by names."""
    task = model.task
    if not len(outputs):
        return Answered((), np.zeros((0, max(len(task.labels), 1))), task.labels)
    outcome = _decided(model, outputs)
    if isinstance(task, Regression):
        return Answered(outcome.labels.tolist(), outcome.labels[:, None].astype(np.float64), task.labels)
    assert outcome.probabilities is not None
    return Answered(task.names(outcome), np.asarray(outcome.probabilities), task.labels)


def _decided(model: FittedModel, outputs: Array, targets: Array | None = None) -> Outcome:
    if targets is None:
        shape = (len(outputs), model.task.outputs) if isinstance(model.task, Multilabel) else (len(outputs),)
        targets = np.zeros(shape, np.int64)
    return model.task.outcome(targets, outputs, model.decision)


def _spread(model: FittedModel, answers: Answered) -> float:
    """What a difference is measured in: 1 for probabilities, the standard deviation of a regression's answers."""
    return (float(answers.table.std()) or 1.0) if isinstance(model.task, Regression) else 1.0


def _distances(ours: Answered, theirs: Answered, spread: float) -> Array:
    """(n,) each row's largest difference of a probability, label by label; infinite where the labels differ."""
    if not len(ours.table):
        return np.zeros(1)
    if sorted(ours.labels) != sorted(theirs.labels):
        return np.full(len(ours.table), np.inf)
    order = [theirs.labels.index(label) for label in ours.labels] or [0]  # a regression has one value and no label
    return np.asarray(np.abs(ours.table - theirs.table[:, order]).max(1) / spread)


def _agreement(model: FittedModel, ours: Answered, theirs: Answered, distances: Array, *, ties: bool) -> float:
    """Share of rows with the same answer; with `ties` also those whose probabilities are the same up to rounding."""
    if not len(ours.table):
        return 1.0
    if isinstance(model.task, Regression):
        return float((distances <= CLOSE).mean())
    same = np.array([one == other for one, other in zip(ours.names, theirs.names, strict=True)])
    return float((same | (ties & (distances <= TIE))).mean())


def _metric_difference(
    trained: FittedModel, exported: FittedModel, held_out: pl.DataFrame, outputs: Sequence[Array]
) -> Score | None:
    """Exported minus trained on the rows with a target, with a paired interval; None where it is undefined."""
    target = trained.preprocessor.table.target
    if target not in held_out.columns or trained.task.labels != exported.task.labels:
        return None
    rows = np.flatnonzero(held_out[target].is_not_null().to_numpy())
    if not len(rows):
        return None
    targets = trained.task.encode(held_out[target][rows.tolist()])
    ours, theirs = (_decided(model, found[rows], targets) for model, found in zip((trained, exported), outputs))
    if any(_undefined(trained.metric, outcome) for outcome in (ours, theirs)):
        return None
    return difference(trained.metric, theirs, ours, names=("exported", "trained")).difference


def _undefined(name: str, outcome: Outcome) -> bool:
    """Whether a metric says nothing of these rows: of one class alone, or of labels that were never learned."""
    wanted = metric(name)
    if wanted.needs == "probabilities" and not outcome.known.any():
        return True
    return wanted.value(outcome) is None
