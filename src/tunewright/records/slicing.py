"""Groups of rows with more errors than the rest, mistakes by kind, and what noise in the labels allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tunewright.records.score import Score

SliceAction = Literal["inspect labels", "collect more", "reweight", "derive a feature"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A group of rows in which the model errs more than elsewhere.

    `description` says which rows in words, `condition` in the language of conditions where that can say it. `rows`,
    `error` (error rate; regression: mean absolute error; multilabel: wrong labels per row), `rest` (of all other rows),
    `difference` and `excess` (errors beyond those of as many other rows) are of the rows it was found in; being chosen
    as the worst of many makes them look worse than they are. `test` and `test_rest` are the same of test rows, which
    took no part in finding it. `p_value` counts everything that was looked at. `suspects` is the share of doubtful
    labels among its rows that are not test rows, `train_rows` how many of these are learned from. `examples` are row
    ids, the worst errors first. Where `quotes`, the description repeats cells of the data.
    """

    schema: ClassVar[int] = 1
    description: str
    rows: int
    error: Score
    rest: float
    difference: Score
    p_value: float
    excess: float
    examples: tuple[int, ...] = ()
    condition: str | None = None
    quotes: bool = False
    train_rows: int = 0
    suspects: float = 0.0
    action: SliceAction = "collect more"
    why: str = ""
    test: Score | None = None
    test_rest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The slices of one part, most excess errors first, and the search for them in a sentence.

    `measure` is what an error is counted in, `rows` how many were looked at, `conditions` how many groups of them were
    held against the rest; at `level` a search among errors without any pattern reports something.
    """

    schema: ClassVar[int] = 1
    part: str
    measure: str
    rows: int
    conditions: int
    level: float
    text: str
    found: tuple[Slice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeGroup:
    """Mistakes of one kind: true and said class, how many, in how many the label itself is in doubt, the worst rows."""

    truth: str
    predicted: str
    rows: int
    suspects: int
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The accuracy that noise in the labels allows, with an interval, and the same as a sentence."""

    schema: ClassVar[int] = 1
    value: Score
    text: str
