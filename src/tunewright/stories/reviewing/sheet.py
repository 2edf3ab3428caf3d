"""The sheet on which a person reviews doubtful rows: a csv file for any spreadsheet; `reviewed` reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tunewright.data import read
from tunewright.data.spreadsheet import neutral
from tunewright.errors import DataError, PlanError
from tunewright.records import Finding, Table
from tunewright.report.words import cut
from tunewright.runfolder import write_bytes
from tunewright.stories.auditing.corrections import SEPARATOR

LONGEST_CELL = 500  # characters of a row's cells that are shown
FILLED_IN = ("decision", "new_label", "comment", "who")
NEEDED = ("row", "decision", "new_label", "data")


def write_review(
    path: str | os.PathLike[str],
    findings: Sequence[Finding],
    typed: pl.DataFrame,
    *,
    table: Table,
    suggestions: Mapping[int, str],
    fingerprint: str,
) -> int:
    """Write the rows of findings as a sheet to fill in: one line a row, in the order of the findings, worst first.

    Decision (keep, relabel or drop), new_label, comment and who are left empty. The column `data` ties the sheet to its
    data. UTF-8 with a byte order mark, without which spreadsheets spoil what is not ASCII.

    Args:
        path: where to; must end in .csv.
        findings: what is suspect; those without rows are left out.
        typed: all rows of the data, cast.
        table: columns and target.
        suggestions: the label that a row should have, by row, as far as one is known.
        fingerprint: of the data's raw rows (`data.fingerprint`).

    Returns:
        How many rows are on the sheet.

    Raises:
        PlanError: another ending, or a file is there that is no such sheet or holds decisions.
        RunError: the disk refused.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise PlanError(f"A review sheet must end in .csv. Got {path.name}. Rename it.")
    _refuse_to_overwrite(path)
    suspects = suspects_of(findings)
    rows = list(suspects)
    chosen = typed[rows]
    given = labels_as_text(chosen[table.target])
    sheet = pl.DataFrame(
        {
            "row": rows,
            "finding": ["; ".join(kinds) for kinds, _ in suspects.values()],
            "score": [None if score is None else f"{score:.4g}" for _, score in suspects.values()],
            "given_label": [None if label is None else neutral(label) for label in given],
            "suggested_label": [neutral(suggestions[row]) if row in suggestions else None for row in rows],
            "text": [neutral(text) for text in cells_as_text(chosen, table)],
            **dict.fromkeys(FILLED_IN, ""),
            "data": tag(fingerprint),
        },
        schema_overrides={"row": pl.Int64, "score": pl.String, "given_label": pl.String, "suggested_label": pl.String},
    )
    write_bytes(path, sheet.write_csv(include_bom=True).encode())
    return len(rows)


def tag(fingerprint: str) -> str:
    """What ties a sheet to its data; a form that no spreadsheet takes for a number.

    >>> tag("0123456789abcdef0123")
    'sha256:0123456789abcdef'
    """
    return f"sha256:{fingerprint[:16]}"


def _refuse_to_overwrite(path: Path) -> None:
    """A sheet that somebody worked on is never replaced, nor is a file that is no sheet.

    Raises:
        PlanError: there is such a file.
    """
    if not path.exists():
        return
    try:
        frame = read(path).frame
    except DataError:
        frame = pl.DataFrame()
    if not set(NEEDED) <= set(frame.columns):
        raise PlanError(f"A review sheet must not replace another file. {path} is there already. Choose another name.")
    done = frame.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in FILLED_IN if name in frame.columns))
    if done.height:
        raise PlanError(
            f"A review sheet must not replace one that was filled in. {path} has {done.height} such rows. "
            "Choose another name, or move it away."
        )


def suspects_of(findings: Sequence[Finding]) -> dict[int, tuple[list[str], float | None]]:
    """Each row once, with every kind of finding that names it, and its score in the first."""
    suspects: dict[int, tuple[list[str], float | None]] = {}
    for finding in findings:
        for place, row in enumerate(finding.rows):
            score = finding.scores[place] if finding.scores else None
            kinds, _ = suspects.setdefault(row, ([], score))
            if finding.kind not in kinds:
                kinds.append(finding.kind)
    return suspects


def labels_as_text(target: pl.Series) -> list[str | None]:
    """The labels of rows as a sheet writes them; None where a row has none."""
    if isinstance(target.dtype, pl.List):
        return [None if labels is None else SEPARATOR.join(labels) for labels in target.to_list()]
    if target.dtype.is_float():
        return [None if value is None else f"{value:.15g}" for value in target.to_list()]
    return target.cast(pl.String).to_list()


def cells_as_text(rows: pl.DataFrame, table: Table) -> list[str]:
    """What a row's label has to be judged by: its only text, or its features by name."""
    names = [c.name for c in table.columns if c.role == "feature" and not c.derived and c.name in rows.columns]
    cells = rows.select(names).rows()
    if len(names) == 1:
        return [cut(str(row[0] if row[0] is not None else ""), LONGEST_CELL) for row in cells]
    said = ("; ".join(f"{n}: {cell}" for n, cell in zip(names, row, strict=True) if cell is not None) for row in cells)
    return [cut(text, LONGEST_CELL) for text in said]
