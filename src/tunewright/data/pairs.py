"""Whether a row is about the relation between two texts (similarity, entailment) or merely has two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import polars as pl

from tunewright.data.names import listed, suggest
from tunewright.errors import PlanError

STEMS = (
    ("premise", "hypothesis"),
    ("query", "document"),
    ("query", "passage"),
    ("query", "answer"),
    ("anchor", "positive"),
    ("question", "context"),
    ("claim", "evidence"),
    ("text", "reference"),
    ("source", "target"),
)
SIDES = (("1", "2"), ("0", "1"), ("a", "b"), ("left", "right"), ("x", "y"), ("first", "second"))
SAMPLE = 500


def infer_pair(
    frame: pl.DataFrame, text_columns: Sequence[str], option: Literal["auto", "none"] | Sequence[str] = "auto"
) -> tuple[tuple[str, str] | None, str]:
    """Decide whether two text columns form a pair, and say why.

    Args:
        frame: the table.
        text_columns: its columns of free text.
        option: "none", the two names, or "auto": exactly two text columns whose names belong together (text1/text2,
            premise/hypothesis, ...) or whose words overlap within a row clearly more than between rows.

    Raises:
        PlanError: the option names columns that are not two different text columns.

    >>> frame = pl.DataFrame({"question1": ["a b c"], "question2": ["a b d"]})
    >>> infer_pair(frame, ["question1", "question2"])[0]
    ('question1', 'question2')
    """
    if option == "none":
        return None, "switched off"
    if option != "auto":
        return _given(frame, text_columns, option), "given"
    if len(text_columns) != 2:
        return None, f"{len(text_columns)} text columns, a pair needs 2"
    first, second = text_columns
    if _named_alike(first, second):
        return (first, second), "the two columns' names belong together"
    same, shuffled = _overlap(frame, first, second)
    if same > 0.1 and same > 3 * shuffled:
        return (first, second), f"texts of one row share {same:.0%} of their words, of different rows {shuffled:.0%}"
    return None, "two text columns with neither paired names nor shared words"


def _given(frame: pl.DataFrame, text_columns: Sequence[str], option: str | Sequence[str]) -> tuple[str, str]:
    if isinstance(option, str) or len(option) != 2 or option[0] == option[1]:
        raise PlanError(
            f"data.pair must be auto, none or two different column names. Got {option!r}. Name two columns."
        )
    for name in option:
        if name not in frame.columns:
            raise PlanError(
                f"data.pair must name columns of the data. There is no {name!r}.{suggest(name, frame.columns)}"
            )
        if name not in text_columns:
            raise PlanError(
                f"data.pair must name text columns. {name!r} is none (text: {listed(text_columns) or 'no column'}). "
                "Set its kind to text under data.columns."
            )
    return option[0], option[1]


def _named_alike(first: str, second: str) -> bool:
    one, two = first.lower(), second.lower()
    for ends in SIDES:
        for a, b in (ends, ends[::-1]):
            pattern = r"^(.*?)[\W_]*" + a + "$", r"^(.*?)[\W_]*" + b + "$"
            stems = re.match(pattern[0], one), re.match(pattern[1], two)
            if stems[0] and stems[1] and stems[0][1] == stems[1][1]:
                return True
            heads = re.match("^" + a + r"[\W_]+(.*)$", one), re.match("^" + b + r"[\W_]+(.*)$", two)
            if heads[0] and heads[1] and heads[0][1] == heads[1][1]:
                return True
    return any({a in one, b in two} == {True} or {b in one, a in two} == {True} for a, b in STEMS)


def _overlap(frame: pl.DataFrame, first: str, second: str) -> tuple[float, float]:
    """Mean Jaccard overlap of the words of two texts: within rows, and between each row and the next."""
    rows = frame.select(first, second).cast(pl.String).drop_nulls()
    rows = rows.gather_every(max(rows.height // SAMPLE, 1)).head(SAMPLE)
    left, right = (
        [set(re.findall(r"\w+", text.lower())) for text in rows.get_column(name)] for name in (first, second)
    )
    if len(left) < 2:
        return 0.0, 0.0
    same = [_jaccard(a, b) for a, b in zip(left, right, strict=True)]
    other = [_jaccard(a, b) for a, b in zip(left, right[1:] + right[:1], strict=True)]
    return sum(same) / len(same), sum(other) / len(other)


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / max(len(a | b), 1)
