"""What a model looks at as a whole: columns, words per label, concepts, what was expected; which methods may speak."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases
from tunewright.explain.class_words import linear_words, word_table, words_per_class
from tunewright.explain.concepts.finding import find_concepts
from tunewright.explain.concepts.sample import Learned
from tunewright.explain.expectations import check_expectations
from tunewright.explain.local import aims_of
from tunewright.explain.methods import EXPLAINERS, Explainer
from tunewright.explain.permutation import importances
from tunewright.explain.sanity import best, check_methods
from tunewright.records import Explanation, MethodCheck

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is computed; what it costs grows with it.

    Args:
        rows: at most, that columns are dealt out anew in.
        variants: texts with a word taken out, at most.
        checked: rows that the methods are checked on.
    """

    rows: int = 300
    variants: int = 1500
    checked: int = 12


USUAL = Extent()


def explain_model(
    model: FittedModel,
    typed: pl.DataFrame,
    targets: Array,
    *,
    metric: str,
    part: str,
    expect: Sequence[str] = (),
    examples: bool = True,
    seed: int = 0,
    extent: Extent = USUAL,
    learned: Learned | None = None,
) -> Explanation:
    """Explain a model by rows it did not learn from.

    Args:
        model: the fitted model.
        typed: the rows; more than `extent.rows` are drawn from.
        targets: as the task encodes them.
        metric: the run's.
        part: what the rows are called.
        expect: columns and words that the expert declared relevant.
        examples: whether words of rows may be written down.
        seed: of everything random.
        extent: how much is computed.
        learned: train rows, in which directions of the text vectors are looked for; None looks for none.
    """
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(typed.height)[: extent.rows]
    some, truth = typed[drawn.tolist()], targets[drawn]
    asker = Asker(model, seed=seed)
    cases = make_cases(model, some)
    checks = until_one_passes(asker, some[: extent.checked], seed=seed)
    columns = importances(asker, some, truth, metric, seed=seed)
    table = word_table(asker, cases, most=extent.variants)
    unread = {one.name: one.why for one in model.preprocessor.table.columns if one.role != "feature"}
    expectations = check_expectations(expect, columns, table, model.task, unread=unread)
    if not examples:
        expectations = tuple(one for one in expectations if one.of == "column" or one.name in expect)
    found = None
    if learned is not None:
        found = find_concepts(asker, learned, some, part=part, examples=examples, seed=seed)
    seconds = time.perf_counter() - start
    return Explanation(
        part=part,
        rows=some.height,
        metric=metric,
        columns=columns,
        words=words_per_class(table, model.task) if table is not None and examples else {},
        linear_words=linear_words(model) if examples else {},
        checks=checks,
        method=best(checks),
        expectations=expectations,
        notes=tuple(_notes(part, some.height, 0 if table is None else table.seen, asker, seconds, examples)),
        seconds=round(seconds, 3),
        concepts=found[0] if found is not None else (),
        concept_check=found[1] if found is not None else None,
    )


def check_cases(
    asker: Asker, typed: pl.DataFrame, *, seed: int = 0, methods: Sequence[Explainer] = EXPLAINERS
) -> tuple[MethodCheck, ...]:
    """Check methods on typed rows, each explained towards its answer."""
    return check_methods(asker, make_cases(asker.model, typed), aims_of(asker, typed), seed=seed, methods=methods)


def until_one_passes(asker: Asker, typed: pl.DataFrame, *, seed: int = 0) -> tuple[MethodCheck, ...]:
    """Check the methods in the order of their table, the cheapest first, and stop at one that may be shown.

    A dearer one is checked where somebody asks for it by its name (docs/decisions/020).
    """
    checks: list[MethodCheck] = []
    for method in EXPLAINERS:
        checks += check_cases(asker, typed, seed=seed, methods=(method,))
        if checks[-1].passed:
            break
    return tuple(checks)


def _notes(part: str, rows: int, worded: int, asker: Asker, seconds: float, examples: bool) -> list[str]:
    notes = [f"Columns: {rows:,} {part} rows, each column's cells dealt out anew several times."]
    if worded:
        notes.append(
            f"Words: {worded:,} of these rows, every distinct word taken out of its text in turn and the whole model "
            "asked again."
        )
    if not examples:
        notes.append("Words of rows are left out: report.examples is false.")
    notes.append(f"It took {seconds:.1f} s and {asker.encoded:,} texts to encode.")
    return notes
