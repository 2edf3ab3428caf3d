"""What every export format is handed, what it may give up, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import polars as pl

from tunewright.events import Observer, silent

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How far an exported model may be from the trained one. Of a regression, differences are in standard deviations.

    Args:
        agreement: the least share of held-out rows with the same answer.
        mean: the greatest mean over held-out rows of a row's largest difference of a probability.
        largest: the greatest difference of any probability on any row, adversarial ones included.
        metric: how much the objective metric may fall on held-out rows.
    """

    agreement: float
    mean: float
    largest: float
    metric: float


# The same arithmetic in another order: float32 rounds by 1e-7, and a dozen layers add up to some 1e-5.
EXACT: Final = Budget(agreement=1.0, mean=1e-4, largest=1e-3, metric=1e-3)
# Another network: that it is near enough is for its metric to say, the rest keeps out what is plainly wrong.
SMALLER: Final = Budget(agreement=0.85, mean=0.12, largest=1.0, metric=0.02)
# 8 bits, or 16 of which 8 are digits: near a border between two labels an answer may tip.
ROUNDED: Final = Budget(agreement=0.97, mean=0.03, largest=0.4, metric=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is exported.

    Args:
        folder: the bundle.
        model: read from it.
        train: typed rows to calibrate on, or to distil on; train rows of the run. May have no rows.
        validation: typed rows that a format may choose on, never test rows.
        observe: hears of what takes long.
    """

    folder: Path
    model: FittedModel
    train: pl.DataFrame
    validation: pl.DataFrame
    observe: Observer = silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a format wrote.

    Args:
        about: what changes in tunewright.json: at least `engine` and `precision`.
        detail: what it has to tell, as plain JSON.
        skipped: files of the bundle that the format has no use for.
    """

    about: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


class Format(Protocol):
    """An export format: a frozen dataclass, whose fields are its knobs."""

    kind: ClassVar[str]
    what: ClassVar[str]

    @property
    def budget(self) -> Budget:
        """What it may give up."""
        ...

    def write(self, folder: Path, source: Source) -> Written:
        """Write the network's files into the folder; what stands beside the network is copied by the caller.

        Raises:
            ExportError: this network cannot be written so.
            MissingExtra: a library is not installed.
        """
        ...
