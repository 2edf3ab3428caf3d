"""What the model does not read of each row, because texts are cut at so many tokens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.records import PARTS, Split

if TYPE_CHECKING:
    from tunewright.learning.problem import Problem

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """Tokens of n rows before and after cutting, special tokens included; the texts of a pair are counted together.

    Args:
        rows: (n,) row ids, ascending.
        full: (n,) tokens that the row's texts have.
        read: (n,) tokens that the model gets.
        columns: the text columns.
        max_length: where each text is cut, in tokens.
        limit: the longest text that the backbone takes, in tokens.
        backbone: its name.
    """

    rows: Array
    full: Array
    read: Array
    columns: tuple[str, ...]
    max_length: int
    limit: int
    backbone: str

    def among(self, rows: Array) -> Cut:
        """The same of some rows only, given by their ids."""
        kept = np.isin(self.rows, rows)
        return replace(self, rows=self.rows[kept], full=self.full[kept], read=self.read[kept])


def cut_of(problem: Problem, split: Split) -> Cut | None:
    """Count what is cut from the rows of a posed problem; nothing is tokenised again.

    Args:
        problem: posed on `split`.
        split: the row ids of its parts.

    Returns:
        None without text.
    """
    if problem.backbone is None or not problem.preprocessor.texts:
        return None
    rows = np.concatenate([np.array(getattr(split, part), np.int64) for part in PARTS])
    segments = [problem.inputs[part].segments for part in PARTS]
    full = np.concatenate([np.sum([tokens.full_lengths for tokens in part], axis=0) for part in segments])
    read = np.concatenate([np.sum([tokens.lengths for tokens in part], axis=0) for part in segments])
    order = np.argsort(rows)
    return Cut(
        rows=rows[order],
        full=full[order],
        read=read[order],
        columns=tuple(name for columns in problem.preprocessor.texts for name in columns),
        max_length=problem.preprocessor.max_length,
        limit=problem.backbone.max_length,
        backbone=problem.backbone.name,
    )
