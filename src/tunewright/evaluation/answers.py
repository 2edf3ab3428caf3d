"""What a model answered for known rows, kept so that it can be held beside another's answers for the same rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from tunewright.data.expressions import Expression
from tunewright.errors import DataError
from tunewright.metrics import Outcome
from tunewright.records import Table

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST_ROWS = 20
MOST_VALUES, MOST_SLICES = 8, 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """Truth and answers of n rows.

    Args:
        outcome: truth and predictions.
        names: labels in the order of their numbers; none for regression.
        keys: (n, 16) digests of the raw rows, which tell a row again wherever it stands.
        slices: (n,) masks by condition.
        protected: conditions that must not get worse.
    """

    outcome: Outcome
    names: tuple[str, ...]
    keys: Array
    slices: Mapping[str, Array] = field(default_factory=dict)
    protected: tuple[str, ...] = ()

    def take(self, rows: Array) -> Answers:
        """The answers for some rows, in that order."""
        return replace(
            self,
            outcome=self.outcome.take(rows),
            keys=self.keys[rows],
            slices={name: mask[rows] for name, mask in self.slices.items()},
        )


def slice_masks(typed: pl.DataFrame, table: Table, protected: Sequence[Expression] = ()) -> dict[str, Array]:
    """(n,) masks of the protected slices and of frequent values of category columns, by condition.

    A value makes a slice where at least 20 rows have it and at least 20 do not; 8 values of a column and 30 in all.
    """
    masks = {condition.text: condition.holds(typed).to_numpy() for condition in protected}
    for column in table.columns:
        if column.role != "feature" or column.kind not in ("category", "boolean"):
            continue
        cells = typed[column.name].cast(pl.String)
        counts = cells.drop_nulls().value_counts(name="\0rows").rows()
        for value, rows in sorted(counts, key=lambda row: (-row[1], row[0]))[:MOST_VALUES]:
            if min(rows, typed.height - rows) >= FEWEST_ROWS and len(masks) < MOST_SLICES + len(protected):
                masks.setdefault(f"{column.name} == {value!r}", (cells == value).fill_null(False).to_numpy())
    return masks


def to_arrays(answers: Answers) -> tuple[dict[str, Array], dict[str, str]]:
    """Arrays and header texts of a safetensors file; no cell of a row is among them but category values of slices."""
    outcome = answers.outcome
    arrays = {"truth": outcome.truth, "labels": outcome.labels, "keys": answers.keys}
    if outcome.probabilities is not None:
        arrays["probabilities"] = outcome.probabilities
    arrays |= {f"slice.{place}": mask for place, mask in enumerate(answers.slices.values())}
    about = {
        "task": outcome.task,
        "positive": outcome.positive,
        "names": answers.names,
        "slices": list(answers.slices),
        "protected": answers.protected,
    }
    return arrays, {"about": json.dumps(about, ensure_ascii=False)}


def from_arrays(arrays: Mapping[str, Array], header: Mapping[str, str]) -> Answers:
    """Rebuild from `to_arrays`.

    Raises:
        KeyError, ValueError: something else.
    """
    about = json.loads(header["about"])
    names = tuple(about["names"])
    return Answers(
        outcome=Outcome(
            task=about["task"],
            truth=arrays["truth"],
            labels=arrays["labels"],
            probabilities=arrays.get("probabilities"),
            classes=len(names),
            positive=about["positive"],
        ),
        names=names,
        keys=arrays["keys"],
        slices={name: arrays[f"slice.{place}"] for place, name in enumerate(about["slices"])},
        protected=tuple(about["protected"]),
    )


def align(a: Answers, b: Answers) -> tuple[Answers, Answers]:
    """Both models' answers for the rows that both answered, in one order and with one numbering of labels.

    Rows that occur several times are matched one to one.

    Raises:
        DataError: other tasks, no common row, or another truth for the same row.
    """
    if _family(a) != _family(b):
        raise DataError(
            f"Two models can be compared on one task. Got {a.outcome.task} and {b.outcome.task}. Compare others."
        )
    left, right = _common(a.keys, b.keys)
    if len(left) < FEWEST_ROWS:
        raise DataError(
            f"A comparison needs at least {FEWEST_ROWS} rows that both models answered. Got {len(left)} of "
            f"{len(a.keys)} and {len(b.keys)} test rows. Give a file of labelled rows: compare A B DATA."
        )
    a, b = a.take(left), b.take(right)
    names = tuple(sorted({*a.names, *b.names}))
    a, b = _renumbered(a, names), _renumbered(b, names)
    if a.outcome.task == "regression":
        differ = ~np.isclose(a.outcome.truth, b.outcome.truth, rtol=1e-6, atol=0)
        truth = a.outcome.truth
    else:
        # A label that one of the two never saw is known from the other.
        unseen = a.outcome.truth < 0
        truth = np.where(unseen, b.outcome.truth, a.outcome.truth)
        differ = (truth != b.outcome.truth) & (b.outcome.truth >= 0)
    if differ.any():
        rows = int(differ.reshape(len(left), -1).any(1).sum())
        raise DataError(
            f"The same rows must have the same truth for both models. {rows} of {len(left)} do not: the target was "
            "corrected, or read another way. Give a file of labelled rows."
        )
    masks = {**b.slices, **a.slices}
    protected = tuple(dict.fromkeys([*a.protected, *b.protected]))
    made = (
        replace(one, outcome=replace(one.outcome, truth=truth), slices=masks, protected=protected) for one in (a, b)
    )
    return next(made), next(made)


def _family(answers: Answers) -> str:
    """Two classes and many are one kind of task: the newer model may know more of them."""
    return "classes" if answers.outcome.task in ("binary", "multiclass") else answers.outcome.task


def _common(a: Array, b: Array) -> tuple[Array, Array]:
    """Places of the rows that both have, matched one to one."""
    waiting: dict[bytes, list[int]] = {}
    for place, key in enumerate(b):
        waiting.setdefault(key.tobytes(), []).append(place)
    for places in waiting.values():
        places.reverse()
    pairs = [(place, waiting[key].pop()) for place, row in enumerate(a) if waiting.get(key := row.tobytes())]
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    return left, right


def _renumbered(answers: Answers, names: tuple[str, ...]) -> Answers:
    """The same with labels numbered by their place in `names`, which holds all of them."""
    outcome = answers.outcome
    if outcome.task == "regression" or answers.names == names:
        return answers
    places = np.array([names.index(name) for name in answers.names], np.int64)
    spread = None if outcome.probabilities is None else _spread(outcome.probabilities, places, len(names))
    if outcome.task == "multilabel":
        truth, labels = (_spread(values, places, len(names)) for values in (outcome.truth, outcome.labels))
    else:
        truth = np.where(outcome.truth < 0, -1, places[outcome.truth])
        labels = places[outcome.labels]
    positive = None if outcome.positive is None else int(places[outcome.positive])
    task = "multiclass" if outcome.task == "binary" and len(names) > 2 else outcome.task
    renumbered = replace(
        outcome, task=task, truth=truth, labels=labels, probabilities=spread, classes=len(names), positive=positive
    )
    return replace(answers, outcome=renumbered, names=names)


def _spread(values: Array, places: Array, width: int) -> Array:
    found = np.zeros((len(values), width), values.dtype)
    found[:, places] = values
    return found


def within(answers: Answers, mask: Array) -> Outcome:
    """The outcome of the rows a mask holds."""
    return answers.outcome.take(np.flatnonzero(mask))
