"""How far a model falls when its rows come damaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from tunewright.records.score import Score

DamageVerdict = Literal["falls", "rises", "no evidence", "nothing to change", "not defined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A row whose answer the damage changed: its number in the file, both answers, how sure the first of them was.

    A regression has no confidence (None); there an answer has changed where it moved by more than its prediction
    interval is wide to either side.
    """

    row: int
    before: str
    after: str
    confidence: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What one kind of damage did.

    `name` says which ("typos", "amount empty"), `kind` which line of the table of damages it comes from, `says` what
    happens to a row. `changed` counts the rows whose cells it changed; `fall` is how far the metric falls over all
    sampled rows, positive where the model is worse, with a paired interval; `p_value` is adjusted (Holm) for all that
    was tried; `flipped` the share of the changed rows whose answer changed; `flips` the first of these, those that were
    the surest before.
    """

    name: str
    kind: str
    changed: int
    fall: Score | None
    p_value: float | None
    verdict: DamageVerdict
    flipped: Score | None = None
    flips: tuple[Flip, ...] = ()
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedText:
    """What a damaged row looks like, cut around the first difference; raw text of the data."""

    damage: str
    row: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """What damage does to a finished model; nothing was chosen by it.

    `rows` of the `of` rows of the part were damaged, drawn at random; `score` is the metric on them as they are. `text`
    says the same in a sentence or two.
    """

    schema: ClassVar[int] = 1
    metric: str
    part: str
    rows: int
    of: int
    score: Score | None
    damages: tuple[Damage, ...]
    text: str
    seconds: float = 0.0
