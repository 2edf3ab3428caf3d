"""Several runs beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from tunewright.records.comparing import Compared
from tunewright.records.efficiency import Efficiency
from tunewright.records.judging import Verdict
from tunewright.records.score import Score
from tunewright.records.training import Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One of several runs: how good it is on its own test rows, what it learned from, what it took.

    `score` is of the `metric` of the first run, None where this run has none; `rows` per part; `data` the digest of the
    content of its train and validation rows; `looks` how often its test rows have served; `seconds` of the whole run.
    """

    name: str
    task: str
    metric: str
    score: Score | None
    verdict: Verdict
    rows: Mapping[str, int]
    data: str
    looks: int
    model: str
    method: str
    kept: str
    trainable: int
    seconds: float
    efficiency: Efficiency | None
    history: tuple[Epoch, ...]
    best_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A run against the first on common test rows, positive where this run is better; or `why` there is none."""

    name: str
    compared: Compared | None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Several runs beside each other, each paired with the first.

    `metric` is that of the first run. `tried` is how many comparisons the p-values allow for: those made here, or as
    many as the test rows have served for, whichever is more. `plan` holds the keys of the plans that are not the same
    in all runs, with each run's value.
    """

    schema: ClassVar[int] = 1
    metric: str
    runs: tuple[RunLine, ...]
    paired: tuple[Paired, ...]
    plan: Mapping[str, tuple[str, ...]]
    tried: int
    text: str
