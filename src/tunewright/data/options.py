"""What the plan says about the data, and what the domain expert knows about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tunewright.records import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class DataOptions:
    """Where the rows are and what the columns mean.

    Args:
        train: path or URL of the table to learn from (csv, tsv, jsonl, parquet, also .gz); None where a frame is handed
            in. A URL (s3://bucket/rows.csv, or any scheme that fsspec knows) holds no password and no query:
            credentials come from the environment.
        validation: path or URL of a table with the rows to choose on; None: split off from `train`.
        test: path or URL of a table with the rows to test on, sealed; None: split off from `train`.
        target: name of the column to predict.
        columns: kind by column name, only where the inference should be overruled.
        pair: two text columns whose relation is predicted; auto: where the data looks like a pair; none: never.

    >>> DataOptions(train="tickets.csv", target="team").pair
    'auto'
    """

    train: str | None = None
    validation: str | None = None
    test: str | None = None
    target: str | None = None
    columns: Mapping[str, Kind] = field(default_factory=dict)
    pair: Literal["auto", "none"] | tuple[str, str] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightOptions:
    """Which rows matter more; the plan may name the column alone, as in `weights: value_eur`.

    Args:
        column: a number column >= 0 that says how much each row matters; None: all rows matter alike.

    >>> WeightOptions(column="value_eur").column
    'value_eur'
    """

    column: str | None = field(default=None, metadata={"alone": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeOptions:
    """What somebody who knows the field tells us.

    Args:
        never_use: columns that must not be features (they give the answer away, or are not known in time).
        weights: which rows matter more.
        derive: new columns by name, each an expression over the others, as in `hour: "created_at.hour"`.
        costs: what confusions cost, by "true label -> label said"; others cost 1. Decisions then cost least.
        emphasise: a condition; train rows that meet it count twice as much as the others; None: all count alike.
        protect: slices, as in "channel == 'phone'", in which a model that gets worse is not called better.
        expect: columns and words that should matter; the explanation is held to them.
        tests: path of a YAML file of behaviours that the model has to show; None: none.

    >>> KnowledgeOptions(never_use=("agent",)).weights.column is None
    True
    """

    never_use: tuple[str, ...] = ()
    weights: WeightOptions = field(default_factory=WeightOptions)
    derive: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)
    emphasise: str | None = None
    protect: tuple[str, ...] = ()
    expect: tuple[str, ...] = ()
    tests: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """What follows from what is found wrong with the data.

    Args:
        apply: remedies: verified (each is tried, and kept only where the measurement allows) or none.
        corrections: a csv sheet of rows that a person has reviewed (keep, relabel, drop), or null.

    >>> AuditOptions().apply
    'verified'
    """

    apply: Literal["verified", "none"] = "verified"
    corrections: str | None = None
