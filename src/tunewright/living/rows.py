"""New rows beside those a model was judged on: what of them may drift, and which are least like the old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.bundle.reference import Reference
from tunewright.features.categories import CategoryFeature
from tunewright.features.dates import DateFeature
from tunewright.living.drift import Aspect
from tunewright.living.drift.classifier import hat_matrix, left_out
from tunewright.metrics import Outcome
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
PENALTY = 0.03
ALIKE = 0.9
COMMON, MOST_INDICATORS = 10, 30  # rows of a category that gets an indicator; indicators of a column
MOST_UNLIKE = 100
OTHER, EMPTY, LENGTH_OF = "another value", "empty", "length of "


def aspects_of(
    model: FittedModel, old: Reference, new: Reference, *, absent: frozenset[str] = frozenset()
) -> tuple[list[Aspect], list[str]]:
    """Everything that may drift, over the old rows and then the new ones; and what cannot be compared, in words.

    Args:
        model: whose answers they are.
        old: rows it was judged on.
        new: rows that came later, described by the same model.
        absent: columns that the new rows do not hold.
    """
    every = [*_columns(model, old, new), *_texts(model, old, new), *_answers(model, old, new)]
    found = [one for one in every if one.name not in absent and not _unknown(one, old.rows)]
    dates = [one.column for one in model.preprocessor.featurizer.features if isinstance(one, DateFeature)]
    notes = [f"Time goes on: the column {name!r} is not compared." for name in dates]
    return found, notes


def width_of(feature: Any) -> int:
    """Columns of `Featurizer.plain` that a feature fills."""
    if isinstance(feature, DateFeature):
        return 8 if feature.clock else 6
    return 1


def _unknown(aspect: Aspect, old: int) -> bool:
    """Lengths of texts that the log does not tell."""
    return aspect.name.startswith(LENGTH_OF) and bool((aspect.values[old:] < 0).all())


def answers_of(model: FittedModel, rows: Reference) -> Outcome:
    """The model's answers for described rows; where they are not labelled the truth is a placeholder."""
    task = model.task
    targets = rows.targets
    if targets is None:
        targets = np.zeros((rows.rows, task.outputs) if isinstance(task, Multilabel) else rows.rows, np.int64)
    return task.outcome(targets, rows.outputs, model.decision)


def table_of(aspects: Sequence[Aspect]) -> Array:
    """(N, F) what pooled rows are told apart by: vectors, ranks of numbers, an indicator per common category."""
    blocks = []
    for aspect in aspects:
        if aspect.kind == "vector":
            blocks.append(aspect.values.astype(np.float64))
        elif aspect.kind == "number":
            blocks.append(_ranks(aspect.values.astype(np.float64)))
        else:
            common = np.flatnonzero(np.bincount(aspect.values) >= COMMON)[:MOST_INDICATORS]
            blocks.append((aspect.values[:, None] == common).astype(np.float64))
    return np.concatenate(blocks, axis=1)


def unlike(table: Array, old: int) -> Array:
    """(n,) how much each new row looks like one to a classifier that has not seen it; higher: less like the old.

    Args:
        table: (N, F) of `table_of`, old rows first.
        old: how many they are.
    """
    return _newness(table, old)[old:]


def alike(table: Array, old: int) -> Array:
    """(n,) which new rows look no newer to that classifier than nine tenths of the old ones do."""
    newness = _newness(table, old)
    return np.asarray(newness[old:] <= np.quantile(newness[:old], ALIKE))


def _newness(table: Array, old: int) -> Array:
    hat = hat_matrix(table, PENALTY)
    if hat is None:
        return np.zeros(len(table))
    mask = (np.arange(len(table)) >= old)[None, :]
    return np.asarray(left_out(mask, hat, np.diag(hat).astype(np.float64))[0])


def _columns(model: FittedModel, old: Reference, new: Reference) -> Iterator[Aspect]:
    pooled = np.concatenate([old.plain, new.plain])
    at = 0
    for feature in model.preprocessor.featurizer.features:
        values, at = pooled[:, at], at + width_of(feature)
        if isinstance(feature, DateFeature):
            continue
        if isinstance(feature, CategoryFeature):
            labels = (*feature.values, OTHER, EMPTY)
            yield Aspect(name=feature.column, kind="category", values=values.astype(np.int64), labels=labels)
        else:
            yield Aspect(name=feature.column, kind="number", values=values)


def _texts(model: FittedModel, old: Reference, new: Reference) -> Iterator[Aspect]:
    for place, columns in enumerate(model.preprocessor.texts):
        lengths = np.concatenate([old.lengths[:, place], new.lengths[:, place]]).astype(np.float64)
        yield Aspect(name=f"{LENGTH_OF}{' + '.join(columns)}", kind="number", values=lengths)
    if old.vectors.shape[1]:
        yield Aspect(name="text", kind="vector", values=np.concatenate([old.vectors, new.vectors]).astype(np.float32))


def _answers(model: FittedModel, old: Reference, new: Reference) -> Iterator[Aspect]:
    before, after = answers_of(model, old), answers_of(model, new)
    if isinstance(model.task, Regression):
        yield Aspect(name="prediction", kind="number", values=np.concatenate([before.labels, after.labels]))
        return
    assert before.probabilities is not None and after.probabilities is not None
    if isinstance(model.task, Multilabel):
        said = np.concatenate([before.labels.sum(1), after.labels.sum(1)]).astype(np.float64)
        sure = np.concatenate([np.abs(one.probabilities - 0.5).min(1) for one in (before, after)])  # type: ignore[operator]
        yield Aspect(name="prediction", kind="number", values=said)
    else:
        labels = np.concatenate([before.labels, after.labels]).astype(np.int64)
        sure = np.concatenate([before.probabilities.max(1), after.probabilities.max(1)])
        yield Aspect(name="prediction", kind="category", values=labels, labels=model.task.labels)
    yield Aspect(name="confidence", kind="number", values=sure.astype(np.float64))


def _ranks(values: Array) -> Array:
    """(N, 2) rank in [-1, 1], 0 where nothing is known, and whether something is."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = np.zeros(len(values))
    ranks[known] = rankdata(values[known]) / max(int(known.sum()), 1) * 2 - 1
    return np.stack([ranks, known.astype(np.float64)], axis=1)
