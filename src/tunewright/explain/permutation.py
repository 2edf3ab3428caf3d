"""How much a model leans on each column: what its metric loses when the column's cells are dealt out anew.

Source: Breiman (2001), Random forests, section 10; Fisher, Rudin & Dominici (2019), All models are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases, texts_of
from tunewright.metrics import Metric, Outcome
from tunewright.metrics import metric as metric_of
from tunewright.records import Importance, Score
from tunewright.stats import bootstrap_weights, percentile_interval

Array = np.ndarray[Any, np.dtype[Any]]
REPEATS = 5
REPEATS_OF_TEXTS = 2  # where one text is composed of several columns, every new pairing is a text more to encode


def importances(
    asker: Asker, typed: pl.DataFrame, targets: Array, metric: str, *, seed: int = 0
) -> tuple[Importance, ...]:
    """Every feature column, most important first; empty where the metric is not defined on these rows.

    Args:
        asker: the model.
        typed: (n) rows.
        targets: of these rows, as the task encodes them.
        metric: the run's.
        seed: of the dealing and of the bootstrap over rows.
    """
    model, rng = asker.model, np.random.default_rng(seed)
    cells = [dict(case.cells) for case in make_cases(model, typed, most=1)]
    table = {column.name: column.kind for column in model.preprocessor.table.columns if column.role == "feature"}
    used = [name for names in model.preprocessor.texts for name in names]
    used += [feature.column for feature in model.preprocessor.featurizer.features]
    measured = metric_of(metric)

    def outcome(texts: Sequence[dict[str, str]], rows: pl.DataFrame) -> Outcome:
        found = asker.outputs(texts_of(model, texts), rows)
        return model.task.outcome(targets, found, model.decision)

    base = outcome(cells, typed)
    others: dict[str, list[Outcome]] = {}
    for name in used:
        composed = any(name in names and len(names) > 1 for names in model.preprocessor.texts)
        others[name] = []
        for _ in range(REPEATS_OF_TEXTS if composed else REPEATS):
            order = rng.permutation(typed.height)
            if table[name] == "text":
                dealt = [{**own, name: cells[other][name]} for own, other in zip(cells, order)]
                others[name].append(outcome(dealt, typed))
            else:
                others[name].append(outcome(cells, typed.with_columns(typed[name][order.tolist()])))
    drops = _drops(measured, base, others, seed)
    found = [Importance(name=name, kind=table[name], drop=drop) for name, drop in drops.items()]
    return tuple(sorted(found, key=lambda one: -one.drop.value))


def _drops(metric: Metric, base: Outcome, others: dict[str, list[Outcome]], seed: int) -> dict[str, Score]:
    """Paired bootstrap over rows of base minus the mean over dealings; positive where the column is used."""
    value = metric.value(base)
    if value is None:
        return {}
    sign = 1.0 if metric.greater_is_better else -1.0
    blocks = list(bootstrap_weights(base.rows, strata=base.strata, seed=seed))
    first = _resampled(metric, base, blocks)
    found = {}
    for name, many in others.items():
        values = [metric.value(one) for one in many]
        known = [one for one in values if one is not None]
        if not known:
            continue
        drop = sign * (value - float(np.mean(known)))
        draws = sign * (first - np.mean([_resampled(metric, one, blocks) for one in many], axis=0))
        low, high = percentile_interval(draws) if np.isfinite(draws).any() else (drop, drop)
        found[name] = Score(value=drop, low=min(low, drop), high=max(high, drop), n=base.rows)
    return found


def _resampled(metric: Metric, outcome: Outcome, blocks: Sequence[Array]) -> Array:
    resampled = metric.resampled(outcome)
    return np.concatenate([resampled(weights) for weights in blocks])
