"""The sheet on which rows are labelled: a csv file for any spreadsheet, and what comes back from it.

One line a row: its number, what the model reads of it, an empty `label`, why it was chosen, and what ties the sheet to
its file. What the model would answer is not on it: whoever labels should not be led.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tunewright.data import fingerprint, parse_number, read
from tunewright.data.names import listed, suggest
from tunewright.data.spreadsheet import neutral, original
from tunewright.errors import DataError, PlanError
from tunewright.planfile import show
from tunewright.records import Choice, Table
from tunewright.runfolder import write_bytes
from tunewright.tasks import Regression, Task

NEEDED = ("row", "label", "data")
OWN = ("row", "label", "why", "data")
SEPARATOR = "|"  # between the labels of one row
MOST_LISTED = 100
_ROW = re.compile(r"([0-9]{1,15})(?:\.0+)?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Rows that came back with a label.

    Args:
        rows: as the file has them, in its order, with the target column filled in.
        empty: lines of the sheet without a label.
        new: labels that the model does not know, with how many rows have each.
        hints: for such a label a known one that looks like it, where there is one.
    """

    rows: pl.DataFrame
    empty: int
    new: Mapping[str, int]
    hints: Mapping[str, str]


def write_sheet(path: str | os.PathLike[str], choice: Choice, raw: pl.DataFrame, table: Table) -> None:
    """Write chosen rows as a sheet to fill in, in the order in which they were chosen.

    UTF-8 with a byte order mark, without which spreadsheets spoil what is not ASCII; text that a spreadsheet would run
    is neutralised. A column of the data that is named like one of the sheet's gets ` (data)` behind its name.

    Args:
        path: where to; must end in .csv.
        choice: what was chosen.
        raw: all rows of the file as they were read.
        table: what the model reads and predicts.

    Raises:
        PlanError: another ending, or a file is there that is no such sheet or holds labels.
        RunError: the disk refused.
    """
    check_place(path)
    numbers = [one.row for one in choice.rows]
    cells = raw[numbers].select(shown_columns(raw, table))
    sheet = pl.DataFrame(
        {
            "row": pl.Series(numbers, dtype=pl.Int64),
            **{_beside(name): [neutral(_text(cell)) for cell in cells[name].to_list()] for name in cells.columns},
            "label": pl.Series([""] * len(numbers), dtype=pl.String),
            "why": pl.Series([neutral(one.why) for one in choice.rows], dtype=pl.String),
            "data": pl.Series([tag(choice.data)] * len(numbers), dtype=pl.String),
        }
    )
    write_bytes(path, sheet.write_csv(include_bom=True).encode())


def read_labels(path: str | os.PathLike[str], raw: pl.DataFrame, *, table: Table, task: Task) -> Labelled:
    """Read a sheet that `write_sheet` wrote and somebody filled in, and join the labels to their rows.

    Lines may be sorted, removed or left without a label. Labels that the model does not know are new classes, and are
    told; several labels of a row are joined by "|".

    Args:
        path: the sheet, saved as csv (with comma, semicolon or tab) or tsv.
        raw: all rows of the file that it was written for, as they were read.
        table: what the model reads and predicts.
        task: of the model.

    Raises:
        DataError: it cannot be read, is no such sheet, was written for other rows, holds no label; or every line that
            is wrong: an unknown row, a label that is no number where one is needed, two lines that disagree on a row.
    """
    name = Path(path).name
    sheet = read(path).frame.select(pl.all().cast(pl.String))
    _check_sheet(sheet, name, fingerprint(raw))
    problems: list[tuple[int, str]] = []
    labels: dict[int, tuple[int, str]] = {}
    empty = 0
    for place, line in enumerate(sheet.iter_rows(named=True)):
        if _is_empty(line.values()):
            continue
        label, wrong = _label(line, task, rows=raw.height)
        if wrong or not label:
            problems += [(place, wrong)] if wrong else []
            empty += not wrong
            continue
        row = int(_cell(line, "row").split(".")[0])
        first, other = labels.setdefault(row, (place, label))
        if other != label:
            text = f"must agree with line {first + 2} on row {row}. Got two labels. Keep one."
            problems.append((place, text))
    if problems:
        raise _refusal(name, problems)
    if not labels:
        raise DataError(f"A sheet for labelling must hold labels. {name} has none in column label. Fill some in.")
    rows = sorted(labels)
    given = [labels[row][1] for row in rows]
    new = _new_labels(task, given)
    return Labelled(
        rows=raw[rows].with_columns(_target(given, task, table)),
        empty=empty,
        new=new,
        hints={label: near for label in new if (near := _near(label, task.labels))},
    )


def shown_columns(raw: pl.DataFrame, table: Table) -> list[str]:
    """Columns of the file that a row has to be judged by: those that the model reads, in the order of the file."""
    from tunewright.data.derived import sources_of

    names = {column.name for column in table.columns if column.role == "feature" and not column.derived}
    names |= sources_of(table.columns)
    return [name for name in raw.columns if name in names]


def tag(digest: str) -> str:
    """What ties a sheet to its file; a form that no spreadsheet takes for a number.

    >>> tag("0123456789abcdef0123")
    'sha256:0123456789abcdef'
    """
    return f"sha256:{digest[:16]}"


def _beside(name: str) -> str:
    return f"{name} (data)" if name in OWN else name


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return SEPARATOR.join(map(str, cell)) if isinstance(cell, list) else str(cell)


def check_place(path: str | os.PathLike[str]) -> None:
    """Make sure that a sheet may be written there: one that somebody filled in is never replaced, nor another file.

    Raises:
        PlanError: another ending than .csv, or there is such a file.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise PlanError(f"A sheet for labelling must end in .csv. Got {path.name}. Rename it.")
    if not path.exists():
        return
    try:
        frame = read(path).frame
    except DataError:
        frame = pl.DataFrame()
    if not set(NEEDED) <= set(frame.columns):
        raise PlanError(
            f"A sheet for labelling must not replace another file. {path} is there already. Choose another name."
        )
    done = int(frame["label"].is_not_null().sum())
    if done:
        raise PlanError(
            f"A sheet for labelling must not replace one that was filled in. {path} has {done} labels. "
            "Choose another name, or move it away."
        )


def _label(line: Mapping[str, str | None], task: Task, *, rows: int) -> tuple[str, str]:
    """The label of a line, empty where there is none; and what is wrong with the line, empty where nothing is."""
    written, label = _cell(line, "row"), original(_cell(line, "label"))
    if not label:
        return "", ""
    found = _ROW.fullmatch(written)
    if found is None or int(found[1]) >= rows:
        got = show(written) if written else "none"
        return "", f"must have a row of the data, 0 to {rows - 1}. Got {got}. Restore it from the first sheet."
    if isinstance(task, Regression):
        number = parse_number(label)
        number = parse_number(label, decimal=",") if number is None else number
        if number is None:
            return "", f"must have a number as its label. Got {show(label)}. Write one such as 3.5."
        return f"{number:.15g}", ""
    return _as_spelled(label, task.labels), ""


def _as_spelled(label: str, known: Sequence[str]) -> str:
    """Labels as the model spells them after a spreadsheet had them: TRUE is true, 1.0 is 1; others as they are."""
    spelled = []
    for part in label.split(SEPARATOR) if label not in known else [label]:
        plain = part.strip()
        meant = (plain, re.sub(r"\.0+$", "", plain), plain.lower() if plain in ("TRUE", "FALSE") else plain)
        spelled.append(next((one for one in meant if one in known), plain))
    return SEPARATOR.join(spelled)


def _target(given: Sequence[str], task: Task, table: Table) -> pl.Series:
    """Labels as a column of the form that the model's own target has."""
    if isinstance(task, Regression):
        return pl.Series(table.target, [float(label) for label in given], dtype=pl.Float64)
    if task.kind != "multilabel":
        return pl.Series(table.target, given, dtype=pl.String)
    delimiter = next(column.format for column in table.columns if column.role == "target")
    lists = [label.split(SEPARATOR) for label in given]
    return pl.Series(table.target, lists if delimiter is None else [delimiter.join(one) for one in lists])


def _new_labels(task: Task, labels: Iterable[str]) -> dict[str, int]:
    if isinstance(task, Regression):
        return {}
    counts: dict[str, int] = {}
    for label in labels:
        for part in label.split(SEPARATOR) if task.kind == "multilabel" else [label]:
            if part not in task.labels:
                counts[part] = counts.get(part, 0) + 1
    return counts


def _near(label: str, known: Sequence[str]) -> str:
    return suggest(label, known).strip()


def _cell(line: Mapping[str, str | None], name: str) -> str:
    return (line.get(name) or "").strip()


def _is_empty(cells: Iterable[Any]) -> bool:
    return all(cell is None or not str(cell).strip() for cell in cells)


def _check_sheet(sheet: pl.DataFrame, name: str, digest: str) -> None:
    """Make sure that it is a sheet, and one for this file.

    Raises:
        DataError: it is not.
    """
    absent = [column for column in NEEDED if column not in sheet.columns]
    if absent:
        raise DataError(
            f"A sheet for labelling must have the columns {', '.join(NEEDED)}. {name} has {listed(sheet.columns)}, and "
            f"lacks {', '.join(absent)}. Fill in the sheet that was written, and leave its header as it is."
        )
    lines = [line for line in sheet.select("data", "row").iter_rows() if not _is_empty(line)]
    others = sorted({(text or "").strip() for text, _ in lines} - {tag(digest)})
    if others:
        raise DataError(
            f"A sheet for labelling must have been written for the rows at hand, {tag(digest)}. In {name} column data "
            f"says {show(others[0]) if others[0] else 'nothing'}: the file has changed since, or it is another. "
            "Give the file that the rows were chosen from."
        )


def _refusal(name: str, problems: Sequence[tuple[int, str]]) -> DataError:
    lines = [f"\n  line {place + 2}: {text}" for place, text in problems[:MOST_LISTED]]
    more = f"\n  and {len(problems) - MOST_LISTED} more" if len(problems) > MOST_LISTED else ""
    return DataError(f"The sheet {name} must have no mistakes. Got {len(problems)}:{''.join(lines)}{more}")
