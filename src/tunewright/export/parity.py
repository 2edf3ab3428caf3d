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
    reference = in_float32(trained)
    held_out = held_out.head(MOST_ROWS)
    ours, theirs = (answered(model, held_out) for model in (reference, exported))
    hard = [answered(model, adversarial) for model in (reference, exported)]
    spread = _spread(reference, ours)
    near, far = _distances(ours, theirs, spread), _distances(hard[0], hard[1], spread)
    together = _distances(answered(exported, held_out.head(ALONE)), _alone(exported, held_out.head(ALONE)), spread)
    same_rule = (trained.task, trained.decision) == (exported.task, exported.decision)
    loss = _metric_difference(reference, exported, held_out)
    found = Parity(
        rows=held_out.height + adversarial.height,
        label_agreement=_agreement(reference, ours, theirs, near, ties=same_rule),
        max_probability_difference=float(np.concatenate([near, far]).max()),
        metric_difference=loss,
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
        ("a row's answer alone and among others differ by", found.company_difference, budget.largest),
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


def answered(model: FittedModel, typed: pl.DataFrame) -> Answered:
    """What a model says of typed rows, by names."""
    outcome = _decided(model, typed)
    task = model.task
    if isinstance(task, Regression):
        return Answered(outcome.labels.tolist(), outcome.labels[:, None].astype(np.float64), ("value",))
    assert outcome.probabilities is not None
    return Answered(task.names(outcome), np.asarray(outcome.probabilities), task.labels)


def _decided(model: FittedModel, typed: pl.DataFrame, targets: Array | None = None) -> Outcome:
    if targets is None:
        shape = (typed.height, model.task.outputs) if isinstance(model.task, Multilabel) else (typed.height,)
        targets = np.zeros(shape, np.int64)
    return model.task.outcome(targets, model.outputs(typed), model.decision)


def _alone(model: FittedModel, typed: pl.DataFrame) -> Answered:
    """Every row answered in a batch of its own."""
    parts = [answered(model, typed[row]) for row in range(typed.height)]
    names = [part.names[0] for part in parts]
    return Answered(names, np.concatenate([part.table for part in parts]), parts[0].labels)


def _spread(model: FittedModel, answers: Answered) -> float:
    """What a difference is measured in: 1 for probabilities, the standard deviation of a regression's answers."""
    return (float(answers.table.std()) or 1.0) if isinstance(model.task, Regression) else 1.0


def _distances(ours: Answered, theirs: Answered, spread: float) -> Array:
    """(n,) each row's largest difference of a probability, label by label; infinite where the labels differ."""
    if not len(ours.table):
        return np.zeros(1)
    if sorted(ours.labels) != sorted(theirs.labels):
        return np.full(len(ours.table), np.inf)
    order = [theirs.labels.index(label) for label in ours.labels]
    return np.asarray(np.abs(ours.table - theirs.table[:, order]).max(1) / spread)


def _agreement(model: FittedModel, ours: Answered, theirs: Answered, distances: Array, *, ties: bool) -> float:
    """Share of rows with the same answer; with `ties` also those whose probabilities are the same up to rounding."""
    if not len(ours.table):
        return 1.0
    if isinstance(model.task, Regression):
        return float((distances <= CLOSE).mean())
    same = np.array([one == other for one, other in zip(ours.names, theirs.names, strict=True)])
    return float((same | (ties & (distances <= TIE))).mean())


def _metric_difference(trained: FittedModel, exported: FittedModel, held_out: pl.DataFrame) -> Score | None:
    """Exported minus trained on the rows with a target, with a paired interval; None where it is undefined."""
    target = trained.preprocessor.table.target
    if target not in held_out.columns or trained.task.labels != exported.task.labels:
        return None
    labelled = held_out.filter(pl.col(target).is_not_null())
    if labelled.is_empty():
        return None
    targets = trained.task.encode(labelled[target])
    ours, theirs = (_decided(model, labelled, targets) for model in (trained, exported))
    if any(metric(trained.metric).value(outcome) is None for outcome in (ours, theirs)):
        return None
    return difference(trained.metric, theirs, ours, names=("exported", "trained")).difference
