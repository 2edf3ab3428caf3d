"""What each column of a table holds, decided from its values, with the reason in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import polars as pl

from tunewright.data.dates import date_format
from tunewright.data.guess import Guess, guess, present_cells
from tunewright.data.names import suggest
from tunewright.data.numbers import decimal_sign, is_missing, mostly_numbers, parse_numbers
from tunewright.data.tasks import describe_target
from tunewright.errors import PlanError
from tunewright.records import Column, Kind


def infer_columns(
    frame: pl.DataFrame,
    *,
    target: str,
    overrides: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
) -> tuple[Column, ...]:
    """Infer kind and role of every column, in table order.

    Args:
        frame: the table as read (text, numbers, booleans, date-times or lists).
        target: the column to predict.
        overrides: kinds the user gives, by column name; "ignore" leaves a column out.
        roles: columns that are weight, group, time or part, by column name.

    Raises:
        PlanError: a name that is not a column, or a kind or role that does not exist.
        DataError: the target poses no task.

    >>> frame = pl.DataFrame({"n": ["1", "2.5"] * 5, "y": ["a", "b"] * 5})
    >>> [(c.name, c.kind, c.role) for c in infer_columns(frame, target="y")]
    [('n', 'number', 'feature'), ('y', 'category', 'target')]
    """
    given, uses = dict(overrides or {}), dict(roles or {})
    _check(frame, target, given, uses)
    columns = []
    for values in frame.get_columns():
        if values.name == target:
            columns.append(_target(values, given.get(target)))
        else:
            columns.append(_column(values, given.get(values.name), uses.get(values.name)))
    return tuple(columns)


def _check(frame: pl.DataFrame, target: str, given: Mapping[str, str], uses: Mapping[str, str]) -> None:
    wanted = [("data.target", target), *(("data.columns", name) for name in given), *(("roles", name) for name in uses)]
    problems = [
        f"{where} must name columns of the data; there is no {name!r}.{suggest(name, frame.columns)}"
        for where, name in wanted
        if name not in frame.columns
    ]
    kinds = get_args(Kind)
    problems += [
        f"data.columns.{name} must be one of {', '.join(kinds)}; got {kind!r}.{suggest(str(kind), kinds)}"
        for name, kind in given.items()
        if kind not in kinds
    ]
    problems += [
        f"The role of {name!r} must be weight, group, time, part or ignore; got {role!r}."
        for name, role in uses.items()
        if role not in ("weight", "group", "time", "part", "ignore")
    ]
    problems += [
        f"The target {target!r} cannot be {uses[target]} too. Name another column." for _ in [0] if target in uses
    ]
    if given.get(target) in ("ignore", "id", "datetime", "boolean", "text"):
        problems.append(f"The target {target!r} must be a number, a category or multilabel; got {given[target]!r}.")
    if problems:
        raise PlanError(" ".join(problems))


def _target(values: pl.Series, kind: str | None) -> Column:
    target = describe_target(values, kind=kind)  # type: ignore[arg-type]  # _check left only these
    stored: Kind = {"regression": "number", "multilabel": "multilabel"}.get(target.task, "category")  # type: ignore[assignment]
    return _made(values, stored, "target", f"the target: {target.why}", target.format)


def _column(values: pl.Series, given: str | None, use: str | None) -> Column:
    kind, role, why, form = guess(values)
    if given is not None:
        kind, role, why, form = _as_given(values, given, role)
    if use is not None:
        role, why = use, f"{why}; used as {use}"
        if use in ("weight", "time") and kind == "id" and mostly_numbers(values.cast(pl.String)):
            kind = "number"  # a row counter tells the order well
        if (use == "weight" and kind != "number") or (use == "time" and kind not in ("number", "datetime")):
            wanted = "a number" if use == "weight" else "a date or a number"
            raise PlanError(f"A {use} column must be {wanted}. {values.name!r} is {kind}: {why}. Name another column.")
    return _made(values, kind, role, why, form)


def _made(values: pl.Series, kind: Any, role: Any, why: str, form: str | None) -> Column:
    present = present_cells(values)
    return Column(
        name=values.name,
        kind=kind,
        role=role,
        why=why,
        missing=len(values) - len(present),
        distinct=present.n_unique() if len(present) else 0,
        format=form,
    )


def _as_given(values: pl.Series, kind: str, role: str) -> Guess:
    form: str | None = None
    if kind == "number" and values.dtype == pl.String:
        sign = decimal_sign(values)
        form = sign if sign == "," else None
        if len(values.drop_nulls()) and not parse_numbers(values, decimal=sign).count():
            raise PlanError(
                f"data.columns.{values.name} says number, but no value reads as one. Choose text or category."
            )
    if kind == "datetime" and not values.dtype.is_temporal():
        found = date_format(values.filter(~is_missing(values))) if values.dtype == pl.String else None
        if found is None:
            raise PlanError(f"data.columns.{values.name} says datetime, but its values read as no known date format.")
        form = found[0]
    constant = role == "ignore" and present_cells(values).n_unique() <= 1
    used = "ignore" if kind in ("ignore", "id") or constant else "feature"
    return kind, used, "given; one value in all rows" if constant else "given", form
