"""Is a method worth showing on this model: better than chance at finding what matters, and lost without the weights.

An explanation that stays the same when the model's weights are drawn anew does not speak of the model (Adebayo et al.
2018, Sanity checks for saliency maps).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.explain.aim import Aim
from tunewright.explain.asking import Asker
from tunewright.explain.attribution import Attribution
from tunewright.explain.cases import Case
from tunewright.explain.curves import Areas, areas
from tunewright.explain.methods import EXPLAINERS, Explainer
from tunewright.models.engine import TorchEngine
from tunewright.models.trees import Trees
from tunewright.records import MethodCheck, Score
from tunewright.stats import paired_difference

if TYPE_CHECKING:
    import torch

M = TypeVar("M", bound="torch.nn.Module")
Array = np.ndarray[Any, np.dtype[Any]]
SHUFFLES = 3
# Rows with table columns look alike to a model, so only further shuffles are further evidence.
SHUFFLES_OF_TABLES = 6
MOST_SHUFFLES = 16
# Chance alone gives a mean near 0; a method that goes by the input's form gives most of its correlation back.
ALIKE = 0.3
RANKED = 8  # rows that are explained under every shuffled model
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
    ranked: int = RANKED,
) -> tuple[MethodCheck, ...]:
    """Check every method on some rows; those with fewer than two things to take out are left aside.

    Args:
        asker: the model.
        cases: rows to measure on; their labels play no part.
        aims: what is explained of each.
        seed: of random orders and shuffles.
        methods: to check.
        ranked: at most so many rows are explained under every shuffled model.
    """
    kept = [place for place, case in enumerate(cases) if case.units >= FEWEST_UNITS]
    cases, aims = [cases[place] for place in kept], [aims[place] for place in kept]
    return tuple(_check(method, asker, cases, aims, seed, ranked) for method in methods)


def best(checks: Sequence[MethodCheck]) -> str | None:
    """The method of the largest areas among those that passed; None if none did."""
    passed = [one for one in checks if one.passed]
    return max(passed, key=lambda one: one.quality).method if passed else None


def shuffled(model: FittedModel, *, seed: int = 0) -> FittedModel:
    """The same model without what it has learned.

    Every weight tensor of the network is drawn anew with its own mean and spread; the words' weights change places, and
    so do the trees' leaves and the columns that they ask about.
    """
    network = drawn_anew(model.network, seed=seed)
    rng = np.random.default_rng(seed)
    lexical, trees = model.lexical, model.trees
    if lexical is not None:
        lexical = replace(lexical, weight=rng.permuted(lexical.weight, axis=1))
    trees = None if trees is None else shuffled_trees(trees, rng)
    return replace(model, engine=TorchEngine(network.eval(), model.device), lexical=lexical, trees=trees)


def drawn_anew(module: M, *, seed: int = 0) -> M:
    """A copy of a network or of a part of it, every weight tensor drawn anew with its own mean and spread."""
    import torch

    made = copy.deepcopy(module)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in made.parameters():
            mean, spread = float(one.float().mean()), float(one.float().std(correction=0))
            one.copy_(torch.empty(one.shape).normal_(mean, spread, generator=generator))
    return made


def shuffled_trees(trees: Trees, rng: np.random.Generator) -> Trees:
    """Leaves change places, and every column is asked about in place of another."""
    columns = int(trees.column.max(initial=0)) + 1
    asked = rng.permutation(columns).astype(trees.column.dtype)[trees.column]
    return replace(trees, value=rng.permutation(trees.value), column=asked)


def _check(
    method: Explainer,
    asker: Asker,
    cases: Sequence[Case],
    aims: Sequence[Aim],
    seed: int,
    ranked: int,
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
    alike = _alike(method, asker, cases, aims, found, seed=seed, most=ranked)
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
    method: Explainer,
    asker: Asker,
    cases: Sequence[Case],
    aims: Sequence[Aim],
    found: Sequence[Attribution],
    *,
    seed: int,
    most: int,
) -> Score | None:
    """Mean rank correlation over rows with the weights under each shuffled model; the interval is over shuffles.

    Few shuffles may look alike by chance: further ones are drawn where they do.
    """
    ranked = [place for place, case in enumerate(cases) if case.units >= FEWEST_RANKED][:most]
    if not ranked:
        return None
    some, their = [cases[place] for place in ranked], [aims[place] for place in ranked]
    usual = SHUFFLES_OF_TABLES if some[0].columns else SHUFFLES
    means: list[float] = []
    while len(means) < MOST_SHUFFLES and (len(means) < usual or np.mean(means) >= ALIKE):
        # Made anew each time: several copies of a backbone would be the most that a run holds.
        broken = Asker(shuffled(asker.model, seed=seed + len(means)), seed=asker.seed)
        others = method.quick().explain(broken, some, their)
        means.append(
            float(np.mean([rank_correlation(found[p].units, other.units) for p, other in zip(ranked, others)]))
        )
    score, _ = paired_difference(means, np.zeros(len(means)))
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
