"""Frozen vectors of rows whose texts are changed: what fine-tuning would see of them, as far as these show it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import polars as pl

from tunewright.learning.frozen import frozen_inputs
from tunewright.learning.problem import Problem
from tunewright.runfolder.context import RunContext
from tunewright.training.augment import Augmentation, draws
from tunewright.training.labelled import Labelled, Texts

Array = np.ndarray[Any, np.dtype[Any]]


def texts_of(problem: Problem, typed: pl.DataFrame, rows: Array) -> Texts | None:
    """The texts behind the tokens of rows, as augmentation changes them; None without text.

    Args:
        problem: whose preprocessing and tokenizer they pass.
        typed: typed rows.
        rows: (n,) which of them, some perhaps more than once.
    """
    if problem.tokenizer is None:
        return None
    return Texts(
        segments=tuple(problem.preprocessor.compose(typed)),
        rows=rows,
        tokenize=partial(problem.tokenizer, max_length=problem.preprocessor.max_length),
        edges=problem.tokenizer.edges(),
    )


def changed_copies(
    problem: Problem, typed: pl.DataFrame, augmentation: Augmentation, *, pooling: str, precision: str, run: RunContext
) -> Array:
    """(m, V + F) frozen features of one changed copy of each row, as the first epoch of fine-tuning would draw it.

    The vectors are cached apart from those of texts as they are: where the two are the same text, none may come from a
    pass that test rows were part of.

    Args:
        problem: posed; what is fitted in it stays as it is.
        typed: (m rows) typed rows that are not test rows; words are swapped among these.
        augmentation: one that changes texts.
        pooling: of the encoder.
        precision: of the encoder.
        run: hears progress.
    """
    inputs = problem.preprocessor.inputs(typed, problem.tokenizer)
    rows = np.arange(len(inputs))
    labelled = Labelled(inputs, np.zeros(len(rows), np.int64), None, texts_of(problem, typed, rows))
    changed = augmentation.inputs(labelled, draws(problem.seed, 1))
    return frozen_inputs(problem, changed, pooling=pooling, precision=precision, run=run, apart=augmentation.kind)
