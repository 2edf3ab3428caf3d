"""Wrong targets: for given rows, the target of another row that certainly means something else."""

from __future__ import annotations

import numpy as np
import polars as pl

from tunewright.planting.about import About, Floats, Ints
from tunewright.planting.amounts import values_of
from tunewright.planting.classes import classes_of, label_sets

FAR = 2.0  # standard deviations between a right and a wrong value
TRIES = 40


def wrong_targets(frame: pl.DataFrame, about: About, rows: Ints, rng: np.random.Generator) -> tuple[Ints, pl.Series]:
    """Other targets, drawn evenly: another class, labels none of which is right, or a value two deviations away.

    Args:
        frame: the table.
        about: its target and task.
        rows: (m,) whose targets are to be wrong.
        rng: draws.

    Returns:
        Those of the rows for which there is one, and their wrong targets as the table writes them.
    """
    if about.task == "regression":
        donors = _far_values(frame, about, rows, rng)
    elif about.task == "multilabel":
        donors = _disjoint(frame, about, rows, rng)
    else:
        donors = _other_classes(frame, about, rows, rng)
    found = donors >= 0
    return rows[found], frame[about.target][donors[found]]


def _other_classes(frame: pl.DataFrame, about: About, rows: Ints, rng: np.random.Generator) -> Ints:
    classes = classes_of(frame, about)
    count = len(classes.names)
    if count < 2:
        return np.full(len(rows), -1, np.int64)
    step = rng.integers(1, count, len(rows))
    donors: Ints = classes.example[(classes.codes[rows] + step) % count]
    return donors


def _far_values(frame: pl.DataFrame, about: About, rows: Ints, rng: np.random.Generator) -> Ints:
    """A random row among those whose value lies far enough, below or above: two ends of the sorted values."""
    values = values_of(frame, about, about.target)
    order = about.rows[np.argsort(values[about.rows], kind="stable")]
    order = order[np.isfinite(values[order])]
    ranked: Floats = values[order]
    far = FAR * (float(ranked.std()) if len(ranked) else 0.0)
    if not far:
        return np.full(len(rows), -1, np.int64)
    below = np.searchsorted(ranked, values[rows] - far, side="right")
    above = len(ranked) - np.searchsorted(ranked, values[rows] + far, side="left")
    draws = np.floor(rng.random(len(rows)) * (below + above)).astype(np.int64)
    places = np.where(draws < below, draws, len(ranked) - above + draws - below)
    possible = (below + above > 0) & np.isfinite(values[rows])
    return np.where(possible, order[np.clip(places, 0, len(order) - 1)], -1)


def _disjoint(frame: pl.DataFrame, about: About, rows: Ints, rng: np.random.Generator) -> Ints:
    sets = label_sets(frame, about)
    donors = np.full(len(rows), -1, np.int64)
    for place, row in enumerate(rows.tolist()):
        for donor in rng.choice(about.rows, TRIES).tolist():
            if sets[donor] and not sets[donor] & sets[row]:
                donors[place] = donor
                break
    return donors
