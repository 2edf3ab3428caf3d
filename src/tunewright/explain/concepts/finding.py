"""Concept-like directions of a model's text vectors: looked for, held to the model, told; or why none is shown."""

from __future__ import annotations

import time

import polars as pl

from tunewright.explain.asking import Asker
from tunewright.explain.concepts.ends import ends_of
from tunewright.explain.concepts.halves import find_directions
from tunewright.explain.concepts.judging import against_shuffled, judge
from tunewright.explain.concepts.moving import hold
from tunewright.explain.concepts.sample import Learned, draw_sample
from tunewright.explain.concepts.telling import Telling, verdict
from tunewright.records import Concept, ConceptCheck

MOST = 12


def find_concepts(
    asker: Asker, learned: Learned, typed: pl.DataFrame, *, part: str, examples: bool, seed: int = 0
) -> tuple[tuple[Concept, ...], ConceptCheck]:
    """Directions of the text vectors that answers hang on, the strongest first, and what speaks for or against them.

    Args:
        asker: the model.
        learned: train rows, in which directions are looked for; their labels play no part.
        typed: held-out rows, on which it is measured what directions do.
        part: what the held-out rows are called.
        examples: whether words and texts of rows may be written down.
        seed: of everything random.
    """
    start = time.perf_counter()
    sample = draw_sample(asker, learned, seed=seed)
    if isinstance(sample, str):
        return (), ConceptCheck(rows=0, found=0, shown=0, shuffled=None, passed=False, why=sample)
    held = hold(asker, typed)
    found = find_directions(sample.vectors, most=MOST, seed=seed)
    ends = ends_of(found, sample.vectors, held.vectors())
    judged = judge(held, ends, seed=seed)
    alike = against_shuffled(held, [one.end for one in judged], seed=seed) if judged else None
    passed, why = verdict(
        len(sample.texts),
        f"{typed.height:,} {part} rows",
        found=len(found),
        ends=len(ends),
        shown=len(judged),
        alike=alike,
    )
    telling = Telling(model=asker.model, learned=learned, sample=sample, held=typed.height, examples=examples)
    concepts = telling.concepts(judged) if passed else ()
    check = ConceptCheck(
        rows=len(sample.texts),
        found=len(found),
        shown=len(concepts),
        shuffled=alike,
        passed=passed,
        why=why,
        seconds=round(time.perf_counter() - start, 3),
    )
    return concepts, check
