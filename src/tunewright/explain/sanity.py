"""Is a method worth showing on this model: better than chance at finding what matters, and blind to a broken model.

An explanation that stays the same when the model's weights are shuffled does not speak of the model (Adebayo et al.
2018, Sanity checks for saliency maps).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.explain.aim import Aim
from tunewright.explain.asking import Asker
from tunewright.explain.attribution import Attribution
from tunewright.explain.cases import Case
from tunewright.explain.curves import Areas, areas
from tunewright.explain.methods import EXPLAINERS, Explainer
from tunewright.records import MethodCheck, Score
from tunewright.stats import paired_difference

Array = np.ndarray[Any, np.dtype[Any]]
SHUFFLES = 3
# A table's rows look alike to a model, so only further shuffles are further evidence; and they cost next to nothing.
SHUFFLES_OF_TABLES = 8
# Chance alone gives a mean near 0; a method that goes by the input's form gives most of its correlation back.
ALIKE = 0.3
FEWEST_UNITS = 2
FEWEST_RANKED = 4
FEWEST_ROWS = 5


def check_methods(
    asker: Asker,
    cases: Sequence[Case],
    aims: Sequence[Aim],
    *,
    seed: int = 0,
    methods: Sequence[Explainer] = EXPLAINERS,
) -> tuple[MethodCheck, ...]:
    """Check every method on some rows; those with fewer than two things to take out are left aside.

    Args:
        asker: the model.
        cases: rows to measure on; their labels play no part.
        aims: what is explained of each.
        seed: of random orders and shuffles.
        methods: to check.
    """
    kept = [place for place, case in enumerate(cases) if case.units >= FEWEST_UNITS]
    cases, aims = [cases[place] for place in kept], [aims[place] for place in kept]
    count = SHUFFLES if asker.model.network.encoder is not None else SHUFFLES_OF_TABLES
    broken = [Asker(shuffled(asker.model, seed=seed + turn), seed=seed) for turn in range(count)] if cases else []
    return tuple(_check(method, asker, broken, cases, aims, seed) for method in methods)


def best(checks: Sequence[MethodCheck]) -> str | None:
    """The method of the largest areas among those that passed; None if none did."""
    passed = [one for one in checks if one.passed]
    return max(passed, key=lambda one: one.quality).method if passed else None


def shuffled(model: FittedModel, *, seed: int = 0) -> FittedModel:
    """The same model with the entries of every weight tensor, of the words and of the trees in random order."""
    import torch

    network = copy.deepcopy(model.network)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in network.parameters():
            order = torch.randperm(one.numel(), generator=generator).to(one.device)
            one.copy_(one.reshape(-1)[order].reshape(one.shape))
    rng = np.random.default_rng(seed)
    lexical, trees = model.lexical, model.trees
    if lexical is not None:
        lexical = replace(lexical, weight=rng.permuted(lexical.weight, axis=1))
    if trees is not None:
        columns = int(trees.column.max(initial=0)) + 1
        trees = replace(
            trees,
            value=rng.permutation(trees.value),
            column=rng.permutation(columns).astype(trees.column.dtype)[trees.column],
        )
    return replace(model, network=network.eval(), lexical=lexical, trees=trees)


def _check(
    method: Explainer, asker: Asker, broken: Sequence[Asker], cases: Sequence[Case], aims: Sequence[Aim], seed: int
) -> MethodCheck:
    if not cases:
        why = "no row has two things to take out, so there is nothing to check it by"
        return MethodCheck(
            method=method.kind, rows=0, deletion=None, insertion=None, shuffled=None, gap=None, seconds_per_row=0.0,
            passed=True, why=why,
        )  # fmt: skip
    start = time.perf_counter()
    found = method.explain(asker, cases, aims)
    seconds = (time.perf_counter() - start) / len(cases)
    measured = areas(asker, cases, aims, [one.units for one in found], seed=seed)
    deletion, insertion = _gains(measured)
    alike = _alike(method, broken, cases, aims, found)
    passed, why = _judged(deletion, insertion, alike, len(cases))
    gaps = [one.gap / max(abs(one.whole or 0.0), 1.0) for one in found if one.gap is not None]
    return MethodCheck(
        method=method.kind,
        rows=len(cases),
        deletion=deletion,
        insertion=insertion,
        shuffled=alike,
        gap=float(np.mean(gaps)) if gaps else None,
        seconds_per_row=seconds,
        passed=passed,
        why=why,
    )


def _gains(measured: Areas) -> tuple[Score, Score]:
    """Areas between the method's curves and chance, positive where the method is better, with paired intervals."""
    deletion, _ = paired_difference(measured.deletion_random, measured.deletion)
    insertion, _ = paired_difference(measured.insertion, measured.insertion_random)
    return deletion, insertion


def _alike(
    method: Explainer, broken: Sequence[Asker], cases: Sequence[Case], aims: Sequence[Aim], found: Sequence[Attribution]
) -> Score | None:
    """Rank correlation with the weights under shuffled models; one value per row, the mean over shuffles."""
    ranked = [place for place, case in enumerate(cases) if case.units >= FEWEST_RANKED]
    if not ranked:
        return None
    some, their = [cases[place] for place in ranked], [aims[place] for place in ranked]
    table = np.array(
        [
            [rank_correlation(found[place].units, other.units) for place, other in zip(ranked, others)]
            for others in (method.explain(one, some, their) for one in broken)
        ]
    )
    rows = table.mean(0)
    score, _ = paired_difference(rows, np.zeros_like(rows))
    return score


def rank_correlation(a: Array, b: Array) -> float:
    """Spearman's correlation; 0 where one of both says nothing at all.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([5.0, 7.0, 9.0]))
    1.0
    """
    from scipy.stats import rankdata

    x, y = (rankdata(one) - (len(one) + 1) / 2 for one in (a, b))
    size = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return float(np.clip((x * y).sum() / size, -1.0, 1.0)) if size else 0.0


def _judged(deletion: Score, insertion: Score, alike: Score | None, rows: int) -> tuple[bool, str]:
    """Whether it may be shown, and why; with few rows an interval shows little, and only a wrong sign counts."""
    quality = (deletion.value + insertion.value) / 2
    shown = deletion.low > 0 or insertion.low > 0 if rows >= FEWEST_ROWS else quality > 0
    if quality <= 0 or not shown:
        return False, (
            "taking out what it calls important changes the answer no more than taking out words or columns at random "
            f"(deletion {deletion.value:+.3f}, insertion {insertion.value:+.3f} against chance, {rows} rows)"
        )
    if alike is not None and alike.value >= ALIKE:
        return False, (
            "it hardly changes when the model's weights are shuffled, so it does not speak of the model "
            f"(rank correlation {alike.value:.2f})"
        )
    told = "" if alike is None else f", rank correlation with a shuffled model {alike.value:+.2f}"
    return True, (
        f"against random orders deletion {deletion.value:+.3f} and insertion {insertion.value:+.3f}{told}, {rows} rows"
    )
