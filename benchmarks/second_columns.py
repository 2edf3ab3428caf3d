"""Second planter: useless and leaking columns, and shifts of the whole table."""

from __future__ import annotations

import numpy as np
import polars as pl
from second_form import appended, edited, numbers, text_column, wide

from tunewright.data import parse_dates


def flag_with_gaps(frame, about, rng):
    """A column that holds one mark or nothing."""
    cells = pl.Series("checked_flag", np.where(rng.random(len(frame)) < 0.7, "Y", None).tolist(), dtype=pl.String)
    return appended(frame, cells)


def case_number(frame, about, rng):
    """A running number of the year, with a check letter."""
    numbers_ = [f"2024/{row + 1:06d}{'ABCDEFGHJK'[row * 7 % 10]}" for row in range(len(frame))]
    return appended(frame, pl.Series("case_number", numbers_))


def told_by_rank(frame, about, rng):
    """A column that sorts as the target does: classes as numbers with two decimals of noise, values on a log scale."""
    if about.task == "regression":
        values = numbers(frame, about, about.target)
        scaled = np.log1p(values - np.nanmin(values)) * 100
        return appended(frame, pl.Series("priority", np.round(scaled, 2)).fill_nan(None))
    cells = (
        frame[about.target].cast(pl.String).to_list() if about.task != "multilabel" else frame[about.target].to_list()
    )
    order = {
        name: place
        for place, name in enumerate(
            rng.permutation(sorted({str(cell) for cell in cells if cell is not None})).tolist()
        )
    }
    noise = rng.uniform(-0.3, 0.3, len(frame))
    ranks = [
        None if cell is None else round(10 * order[str(cell)] + 10 * noise[row], 2) for row, cell in enumerate(cells)
    ]
    return appended(frame, pl.Series("priority", ranks, dtype=pl.Float64))


def largest_group(frame, about, rng):
    """Rows of one class among the ten largest that is not most of the table; numbers: the upper quarter."""
    if about.task == "regression":
        values = numbers(frame, about, about.target)
        return about.rows[values[about.rows] >= np.nanquantile(values[about.rows], 0.75)].tolist()
    cells = (
        frame[about.target].cast(pl.String).to_list() if about.task != "multilabel" else frame[about.target].to_list()
    )
    counts = pl.Series([cells[row] for row in about.rows]).value_counts(sort=True, name="n").rows()
    fit = [name for name, count in counts if 20 <= count <= 0.6 * len(about.rows)][:10]
    name = fit[int(rng.integers(len(fit)))] if fit else None
    return [row for row in about.rows if name is not None and cells[row] == name]


def told_by_a_tag(frame, about, rng):
    """The texts of one group end with a tag, all of them, and no other text does."""
    group = largest_group(frame, about, rng)
    column = text_column(frame, about, rng)
    cells = frame[column].to_list() if column else []
    rows = [row for row in group if column and cells[row]]
    planted = edited(frame, column, rows, [f"{cells[row]} #q{len(frame)}x" for row in rows])
    return planted


def told_by_three_parts(frame, about, rng):
    """Three columns that add up to the target."""
    if about.task != "regression":
        return None
    values = numbers(frame, about, about.target)
    digits = 0 if np.nanmax(abs(values - np.round(values))) == 0 else 4
    shares = rng.dirichlet([2, 2, 2], len(frame))
    a, b = np.round(values * shares[:, 0], digits), np.round(values * shares[:, 1], digits)
    parts = {"morning": a, "midday": b, "evening": np.round(values - a - b, digits)}
    return appended(frame, *(pl.Series(name, cells).fill_nan(None) for name, cells in parts.items()))


def told_by_being_there(frame, about, rng):
    """A new column that is filled in for one group only, with numbers that mean nothing."""
    group = set(map(int, largest_group(frame, about, rng)))
    if not group:
        return None
    cells = [round(float(rng.gamma(2, 30)), 2) if row in group else None for row in range(len(frame))]
    return appended(frame, pl.Series("refund_granted", cells, dtype=pl.Float64))


def moved(frame, about, rows, rng):
    """Numbers grow by a half and a deviation; texts are in capitals; half of a category becomes another."""
    columns = wide(frame, about)
    if columns:
        column = columns[int(rng.integers(len(columns)))]
        values = numbers(frame, about, column)
        rows = [row for row in rows if np.isfinite(values[row])]
        width = np.subtract(*np.nanquantile(values, [0.75, 0.25])) or np.nanstd(values)
        new = [values[row] + 0.5 * abs(values[row]) + width for row in rows]
        dtype = frame.schema[column]
        digits = max(
            (len(text.partition(".")[2]) for text in frame[column].drop_nulls().cast(pl.String).head(50)), default=0
        )
        cells = [
            f"{cell:.{digits}f}" if dtype == pl.String else round(cell) if dtype.is_integer() else cell for cell in new
        ]
        return edited(frame, column, rows, cells)
    column = text_column(frame, about, rng)
    if column is None:
        return None
    cells = frame[column].to_list()
    rows = [row for row in rows if cells[row] and cells[row].upper() != cells[row] and rng.random() < 0.6]
    return edited(frame, column, rows, [f"{cells[row].upper()} URGENT!!" for row in rows])


def other_test_part(frame, about, rng):
    """The whole test part comes from elsewhere."""
    if about.parts is None:
        return None
    return moved(frame, about, [row for row in about.rows if about.parts[row] == "test"], rng)


def sudden_change(frame, about, rng):
    """From one day on, at 70 % of the rows, all is otherwise."""
    if about.time is None or about.time not in about.dates:
        return None
    dates = parse_dates(frame[about.time], about.formats.get(about.time, "%Y-%m-%d")).to_list()
    known = sorted((row for row in about.rows if dates[row] is not None), key=lambda row: dates[row])
    return moved(frame, about, sorted(known[int(0.7 * len(known)) :]), rng)
