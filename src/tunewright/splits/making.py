"""Choose the strategy that fits what is given, split, and report what a person should know about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl

from tunewright.records import Finding, Split, Table
from tunewright.splits.by_time import ByTime
from tunewright.splits.clusters import Clusters, clusters
from tunewright.splits.crossings import crossings
from tunewright.splits.given import Given
from tunewright.splits.options import SplitOptions
from tunewright.splits.overlaps import overlaps
from tunewright.splits.strata import Strata, strata
from tunewright.splits.stratified import Stratified

STRATEGIES = (Stratified, ByTime, Given)


class Splitting(NamedTuple):
    """What splitting gives: the split, which rows repeat each other, and what a person should know about both."""

    split: Split
    clusters: Clusters
    findings: tuple[Finding, ...]


class Strategy(Protocol):
    """What every split strategy offers beside its `kind` and its knobs."""

    def split(self, frame: pl.DataFrame, table: Table, clusters: Clusters, strata: Strata, seed: int) -> Split:
        """Put every labelled row into exactly one part."""
        ...


def make_split(
    frame: pl.DataFrame,
    table: Table,
    *,
    options: SplitOptions,
    seed: int,
    parts: Sequence[str] | None = None,
) -> Splitting:
    """Split the rows into train, validation and test before anything is fitted.

    Given parts (or a part column) come first, then a time column; otherwise the split is random and stratified. Rows
    that repeat each other and rows of a group stay together, except where the given parts or time say otherwise, which
    is reported. Rows without a target are in no part.

    Args:
        frame: the rows, with columns of the kinds that `table` names.
        table: what the columns are, and the target.
        options: shares, and the group, time and part columns.
        seed: the same seed gives the same split.
        parts: the part of each row (train, validation, test), where the parts came as files.

    Returns:
        The split, the clusters, and findings on missing targets, copies, and rows that cross the split.

    Raises:
        PlanError: options name columns that are not there or do not fit.
        DataError: too few rows, or given parts that make no split.

    >>> from tunewright.records import Column
    >>> column = Column(name="n", kind="number", role="feature", why="numbers")
    >>> table = Table(rows=100, columns=(column,), fingerprint="", target="y", task="binary", task_why="")
    >>> frame = pl.DataFrame({"n": range(100), "y": ["a", "b"] * 50})
    >>> split, _, findings = make_split(frame, table, options=SplitOptions(), seed=0)
    >>> split.how, split.sizes(), findings
    ('stratified', {'train': 70, 'validation': 15, 'test': 15}, ())
    """
    layers = strata(frame[table.target], table.task)
    together = clusters(frame, table, group=options.group)
    strategy = _strategy(options, parts)
    split = strategy.split(frame, table, together, layers, seed)
    times = strategy.times(frame) if isinstance(strategy, ByTime) else None
    split = replace(split, proof={**split.proof, "overlaps": overlaps(split, together, times)})
    unlabelled = _missing(np.flatnonzero(layers.codes < 0).tolist(), table.target, "They are in no part.")
    timeless = _no_value(frame, options.time if split.how == ByTime.kind else None, "They are in train.")
    partless = _no_value(
        frame, options.part if split.how == Given.kind and parts is None else None, "They are in train."
    )
    crossing = crossings(split, together, group=options.group)
    return Splitting(split, together, (*unlabelled, *timeless, *partless, *together.findings, *crossing))


def _strategy(options: SplitOptions, parts: Sequence[str] | None) -> Strategy:
    if parts is not None or options.part is not None:
        return Given(column=options.part, parts=parts, validation=options.validation, test=options.test)
    if options.time is not None:
        return ByTime(column=options.time, validation=options.validation, test=options.test)
    return Stratified(validation=options.validation, test=options.test)


def _no_value(frame: pl.DataFrame, column: str | None, then: str) -> tuple[Finding, ...]:
    if column is None:
        return ()
    return _missing(np.flatnonzero(frame[column].is_null().to_numpy()).tolist(), column, then)


def _missing(rows: list[int], column: str, then: str) -> tuple[Finding, ...]:
    if not rows:
        return ()
    finding = Finding(
        kind="missing_values",
        severity="warning",
        evidence=f"{len(rows)} {'row has' if len(rows) == 1 else 'rows have'} no value in {column!r}. {then}",
        columns=(column,),
        rows=tuple(rows),
        rows_total=len(rows),
    )
    return (finding,)
