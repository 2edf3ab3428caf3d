"""Predictions as plain JSON values, one object per row; an answer that is no finite number is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import polars as pl

from tunewright.errors import ModelError
from tunewright.serving.models import Version
from tunewright.serving.schema import Rows

Answer = dict[str, Any]


def answer_rows(version: Version, parts: Sequence[Rows]) -> list[Answer]:
    """Answer for the rows of all parts, in order.

    Raises:
        ModelError: an answer that is not finite, or another number of answers than rows.
        Exception: whatever the model raises.
    """
    frame = version.answer(version.schema.frame(parts))
    if frame.height != sum(part.count for part in parts):
        raise ModelError(
            f"A model must answer every row. It answered {frame.height}. Take the bundle from the run again."
        )
    return as_answers(frame)


def answer_each(version: Version, parts: Sequence[Rows]) -> list[Answer | None]:
    """The same where a row may fail: it alone has None, the others are answered as they would be without it.

    Halves of what fails are tried again, so that one row among n costs about 2 log2(n) batches more.
    """
    try:
        return list(answer_rows(version, parts))
    except Exception:
        if len(parts) > 1:
            middle = len(parts) // 2
            halves = (list(parts[:middle]), list(parts[middle:]))
        elif parts[0].count > 1:
            places = range(parts[0].count)
            middle = parts[0].count // 2
            halves = ([parts[0].take(places[:middle])], [parts[0].take(places[middle:])])
        else:
            return [None]
        return [*answer_each(version, halves[0]), *answer_each(version, halves[1])]


def as_answers(frame: pl.DataFrame) -> list[Answer]:
    """Rows of predictions as objects, without what is null in all of them.

    >>> as_answers(pl.DataFrame({"prediction": ["a"], "confidence": [0.5], "low": [None]}))
    [{'prediction': 'a', 'confidence': 0.5}]
    """
    kept = [name for name in frame.columns if name in _ALWAYS or frame[name].null_count() < frame.height]
    rows = frame.select(kept).rows()
    answers = [dict(zip(kept, row, strict=True)) for row in rows]
    for name in _NUMBERS:
        if name in kept and frame.schema[name].is_float():
            values = frame[name].drop_nulls().to_list()
            if not all(map(math.isfinite, values)):
                raise ModelError(f"An answer must be finite. Got a {name} that is not. Take another model.")
    return answers


_ALWAYS = ("prediction", "confidence")
_NUMBERS = ("prediction", "confidence", "low", "high")
