"""For authors of detectors and remedies: tables with known faults.

A detector is judged by what it finds of what is known to be there, and by what it claims beyond that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tunewright.data import conform, describe, read
from tunewright.data.names import suggest
from tunewright.errors import DataError, PlanError
from tunewright.planting import FAULTS, About, Fault

__all__ = ["FAULTS", "Truth", "plant"]

USUAL = ("flips_uniform", "duplicates_exact", "missing_cells", "outliers", "empty_texts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What was planted: JSON through `tunewright.records.to_json`.

    Args:
        kind: the kind of finding that should be raised.
        of: whether the finding has to name rows or columns.
        rows: zero-based numbers of the rows that have the fault, ascending.
        columns: where it is; empty where it is in the row as a whole.
        beside: rows that it also concerns, such as those that were copied: naming them is neither right nor wrong.
    """

    schema: ClassVar[int] = 1
    kind: str
    of: str
    rows: tuple[int, ...]
    columns: tuple[str, ...]
    beside: tuple[int, ...] = ()


def plant(
    frame: Any,
    target: str,
    faults: Sequence[str | Fault] | None = None,
    *,
    seed: int = 0,
    parts: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
) -> tuple[Any, dict[str, Truth]]:
    """Plant known faults in a copy of a table, one after the other, no row having two.

    Rows keep their numbers; those that are added come last. What does not apply to the table is left out of the usual
    faults, and refused where it was asked for.

    Args:
        frame: anything that speaks Arrow, a list of dicts, or a path.
        target: the column to predict.
        faults: names of faults or faults with knobs of their own (`FAULTS` lists all); None: wrong labels, copies,
            missing cells, outliers and empty texts.
        seed: the same seed plants the same.
        parts: train, validation or test for each row; needed for faults between them.
        columns: kinds by column name, where the inference should be overruled.

    Returns:
        The table with the faults (polars), and by name of the fault what was planted.

    Raises:
        PlanError: no fault of that name, one fault twice, or parts that do not fit the rows.
        DataError: the table poses no task, or has no place for a fault that was asked for.

    >>> rows = [{"size": n % 17, "text": f"order {n} is late again", "y": "ab"[n % 2]} for n in range(60)]
    >>> dirty, truth = plant(rows, "y", ["duplicates_exact", "empty_texts"], seed=3)
    >>> len(dirty), truth["duplicates_exact"].rows, truth["empty_texts"].columns
    (63, (60, 61, 62), ('text',))
    >>> {(dirty["text"][row] or "").strip() for row in truth["empty_texts"].rows}
    {''}
    """
    raw = read(frame).frame
    table = describe(raw, target=target, columns=columns, pair="none")
    labelled = np.flatnonzero(conform(raw, table, require_target=True)[target].is_not_null().to_numpy())
    about = About.of(table, labelled, _checked(parts, raw.height))
    rng = np.random.default_rng(seed)
    truth: dict[str, Truth] = {}
    for fault in _chosen(faults):
        planted = fault.plant(raw, about, rng)
        if planted is None:
            if faults is not None:
                raise DataError(
                    f"A fault needs a place in the table. {fault.name!r} has none in these {raw.height} rows. "
                    "Leave it out, or give the columns, rows or parts that it needs."
                )
            continue
        raw, about = planted.frame, about.after(planted)
        truth = {
            name: _carried(told, planted.carry(told.rows), planted.carry(told.beside)) for name, told in truth.items()
        }
        truth[fault.name] = Truth(
            kind=fault.kind, of=fault.of, rows=planted.rows, columns=planted.columns, beside=planted.beside
        )
    return raw, truth


def _chosen(faults: Sequence[str | Fault] | None) -> list[Fault]:
    known = {fault.name: fault for fault in FAULTS}
    chosen = []
    for fault in USUAL if faults is None else faults:
        if isinstance(fault, str) and fault not in known:
            raise PlanError(f"A fault must be one of tunewright.testing.FAULTS. Got {fault!r}.{suggest(fault, known)}")
        chosen.append(known[fault] if isinstance(fault, str) else fault)
    names = [fault.name for fault in chosen]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PlanError(f"Each fault can be planted once. Got {', '.join(twice)} twice. Plant the rest in the result.")
    return chosen


def _checked(parts: Sequence[str] | None, rows: int) -> tuple[str, ...] | None:
    if parts is None:
        return None
    wrong = [part for part in parts if part not in ("train", "validation", "test", "")]
    if wrong or len(parts) != rows:
        raise PlanError(
            f"Parts must be train, validation or test (or empty), one per row. Got {len(parts)} for {rows} rows"
            f"{f', among them {wrong[0]!r}' if wrong else ''}. Name each row's part."
        )
    return tuple(parts)


def _carried(told: Truth, rows: Any, beside: Any) -> Truth:
    return replace(told, rows=tuple(rows.tolist()), beside=tuple(beside.tolist()))
