"""Damage a sample of rows in every way, and say what it does to the model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tunewright.evaluation.robustness.base import Damaging, Rows
from tunewright.evaluation.robustness.subject import Tried
from tunewright.evaluation.robustness.table import DAMAGES
from tunewright.evaluation.robustness.tallying import Ground, line_of, tally, texts_of
from tunewright.evaluation.robustness.telling import told
from tunewright.metrics import score
from tunewright.records import Damage, DamagedText, Robustness
from tunewright.stats import holm

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST_ROWS = 20
# Eight kinds of damage to 200 texts are 1,600 texts to answer; signs bound what long ones cost.
MOST_ROWS, ENOUGH_ROWS, MOST_SIGNS = 200, 40, 20_000
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found, without a text of any row; and some damaged texts that changed an answer."""

    robustness: Robustness
    texts: tuple[DamagedText, ...]


def measure_robustness(
    tried: Tried, *, metric: str, part: str, seed: int = 0, damages: Sequence[Damaging] = DAMAGES
) -> Measured | None:
    """Damage a sample of the rows in every way; None with fewer than 20 rows.

    The fall is paired: the damaged rows against the same rows as they are, one bootstrap. It is said to fall where the
    interval excludes zero, six rows or more differ, and the p-value stands Holm's correction for all damages.

    Args:
        tried: the rows and the model.
        metric: any spelling of a metric of the task.
        part: what the rows are called.
        seed: of the sample, of the damage and of the bootstraps.
        damages: kinds of damage.

    Raises:
        PlanError: a metric that does not fit the task.
    """
    if tried.typed.height < FEWEST_ROWS:
        return None
    start = time.perf_counter()
    rows = Rows(typed=tried.typed, table=tried.table, seed=seed)
    sampled = tried.take(sample(tried.typed, rows.texts, seed=seed))
    rows = replace(rows, typed=sampled.typed)
    ground = Ground(tried=sampled, rows=rows, base=sampled.outcome(rows.typed), metric=metric, seed=seed)
    whole = score(metric, ground.base, seed=seed)
    found = [
        tally(ground, damage, name=name, cells=cells)
        for damage in damages
        for name, cells in damage.change(rows)
        if cells  # text is damaged where there is some
    ]
    robustness = Robustness(
        metric=metric,
        part=part,
        rows=rows.typed.height,
        of=tried.typed.height,
        score=whole,
        damages=_corrected([line_of(one, ground) for one in found]),
        text="",
        seconds=round(time.perf_counter() - start, 3),
    )
    texts = tuple(text for one in found for text in texts_of(one, ground))
    return Measured(robustness=replace(robustness, text=told(robustness)), texts=texts)


def sample(typed: pl.DataFrame, texts: Sequence[str], *, seed: int) -> Array:
    """Places of at most 200 rows drawn at random, in order; of long texts fewer, but 40 where there are so many.

    >>> rows = pl.DataFrame({"text": ["x" * 1000] * 100})
    >>> len(sample(rows, ["text"], seed=0)), len(sample(rows, [], seed=0))
    (40, 100)
    """
    order = np.random.default_rng(seed).permutation(typed.height)[:MOST_ROWS]
    signs = np.zeros(typed.height, np.int64)
    for name in texts:
        signs += typed[name].str.len_chars().fill_null(0).to_numpy().astype(np.int64)
    fits = int(np.searchsorted(np.cumsum(signs[order]), MOST_SIGNS, side="right"))
    return np.sort(order[: max(fits, ENOUGH_ROWS)])


def _corrected(lines: Sequence[Damage]) -> tuple[Damage, ...]:
    """Holm's correction over everything that was measured; what does not stand it is no evidence."""
    measured = {place: line.p_value for place, line in enumerate(lines) if line.p_value is not None}
    adjusted = dict(zip(measured, holm(list(measured.values())).tolist(), strict=True))
    return tuple(_judged(line, adjusted.get(place)) for place, line in enumerate(lines))


def _judged(line: Damage, p_value: float | None) -> Damage:
    doubtful = p_value is not None and p_value > LEVEL
    return replace(line, p_value=p_value, verdict="no evidence" if doubtful else line.verdict)
