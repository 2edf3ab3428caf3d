"""Detectors: what is wrong with a table. One file each; `DETECTORS` is the table of them."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from tunewright.detectors.class_imbalance import class_imbalance
from tunewright.detectors.ignored_columns import ignored_columns
from tunewright.detectors.missing_values import missing_values
from tunewright.detectors.rare_class import rare_class
from tunewright.detectors.repeats import repeats
from tunewright.records import Finding, Split, Table

Detector = Callable[[pl.DataFrame, Table, Split], tuple[Finding, ...]]
DETECTORS: tuple[Detector, ...] = (rare_class, class_imbalance, missing_values, ignored_columns, repeats)


def detect(typed: pl.DataFrame, table: Table, split: Split) -> tuple[Finding, ...]:
    """Run every detector on typed rows.

    Args:
        typed: all rows, cast to the kinds of `table`.
        table: columns, kinds, task.
        split: findings about the test part are reported, never acted on.
    """
    return tuple(finding for detector in DETECTORS for finding in detector(typed, table, split))
