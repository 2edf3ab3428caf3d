"""Read a review sheet that a person filled in, and check all of it before anything is believed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tunewright.data import parse_number, read
from tunewright.data.names import listed, suggest
from tunewright.data.spreadsheet import original
from tunewright.errors import DataError
from tunewright.planfile import show
from tunewright.records import TaskKind
from tunewright.stories.auditing.corrections import DECISIONS, SEPARATOR, Correction, Corrections
from tunewright.stories.reviewing.sheet import NEEDED, tag

LONGEST_COMMENT = 1000
MOST_LISTED = 100
_ROW = re.compile(r"([0-9]{1,15})(?:\.0+)?")
_Line = Mapping[str, str | None]


def read_review(
    path: str | os.PathLike[str], *, labels: Sequence[str], task: TaskKind, fingerprint: str, rows: int
) -> Corrections:
    """Read a sheet that `write_review` wrote and somebody filled in, wholly or in part.

    Relabel without a new label takes the suggested one. Lines may be sorted or removed.

    Args:
        path: the sheet, saved as csv (with comma, semicolon or tab) or tsv.
        labels: that the target has; empty for regression.
        task: what is predicted; several labels of a row are joined by "|".
        fingerprint: of the raw rows of the data at hand.
        rows: how many it has.

    Raises:
        DataError: it cannot be read, is no such sheet, was written for other data; or every line that is wrong: an
            unknown row, decision or label, a new label without relabel, two lines that disagree on a row.
    """
    name = Path(path).name
    reading = read(path)
    sheet = reading.frame.select(pl.all().cast(pl.String))
    _check_sheet(sheet, name, fingerprint)
    damaged = {row for finding in reading.findings for row in finding.rows if _empty(sheet.row(row))}
    problems = [(place, "must have as many cells as the header. Got others. Mend its quotes.") for place in damaged]
    reader = _Reader(labels=tuple(labels), task=task, rows=rows)
    entries: dict[int, tuple[int, Correction]] = {}
    undecided = 0
    for place, line in enumerate(sheet.iter_rows(named=True)):
        if _empty(line.values()):
            continue
        entry, wrong = reader.read(line)
        problems += [(place, text) for text in wrong]
        if entry is None:
            undecided += not wrong
            continue
        first, other = entries.setdefault(entry.row, (place, entry))
        if (other.decision, other.label) != (entry.decision, entry.label):
            problems.append(
                (place, f"must agree with line {first + 2} on row {entry.row}. Got two decisions. Keep one.")
            )
    if problems:
        raise _refusal(name, sorted(problems))
    ordered = tuple(entries[row][1] for row in sorted(entries))
    return Corrections(file=name, fingerprint=fingerprint, entries=ordered, undecided=undecided)


def read_label(text: str, *, labels: Sequence[str], task: TaskKind) -> tuple[str | None, str]:
    """A label of the target as it is spelled there, or None and what is wrong with it.

    >>> read_label("spam", labels=("ham", "spam"), task="binary")
    ('spam', '')
    """
    return _Reader(labels=tuple(labels), task=task, rows=0).label(text.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads lines of a sheet for data with so many rows and these labels."""

    labels: tuple[str, ...]
    task: TaskKind
    rows: int

    def read(self, line: _Line) -> tuple[Correction | None, list[str]]:
        """What a line decides, None where it does not; and what is wrong with it."""
        decision, new = _cell(line, "decision").lower(), _cell(line, "new_label")
        if not decision:
            wrong = f"must have a decision beside its new label. Got {show(new)} alone. Write relabel, or empty it."
            return None, [wrong] if new else []
        wrongs = [text for text in (self._wrong_row(line), _wrong_decision(decision, new)) if text]
        label, given = None, _cell(line, "given_label")
        if decision == "relabel":
            label, unfit = self.label(new or _cell(line, "suggested_label"))
            wrongs += [unfit] if unfit else []
            if label is not None and label == (self.label(given)[0] if given else None):
                wrongs.append(f"must change the label. Got {show(label)}, which the row has. Write keep.")
        if wrongs:
            return None, wrongs
        entry = Correction(
            row=int(_cell(line, "row").split(".")[0]),
            decision=decision,  # type: ignore[arg-type]  # one of them, or it were wrong
            given=original(given) or None,
            label=label,
            finding=_cell(line, "finding"),
            who=original(_cell(line, "who"))[:LONGEST_COMMENT] or None,
            comment=original(_cell(line, "comment"))[:LONGEST_COMMENT] or None,
        )
        return entry, []

    def _wrong_row(self, line: _Line) -> str:
        written = _cell(line, "row")
        found = _ROW.fullmatch(written)
        if found is None:
            return (
                f"must have a row number. Got {show(written) if written else 'none'}. Restore it from the first sheet."
            )
        if int(found[1]) >= self.rows:
            return (
                f"must have a row of the data, 0 to {self.rows - 1}. Got {found[1]}. Restore it from the first sheet."
            )
        return ""

    def label(self, text: str) -> tuple[str | None, str]:
        """A label of the target as it is spelled there, or what is wrong with it."""
        if not text:
            return None, "must have a new label. Got none, and none is suggested. Write it in new_label."
        if self.task == "regression":
            number = parse_number(text)
            number = parse_number(text, decimal=",") if number is None else number
            wrong = f"must have a number as its new label. Got {show(text)}. Write one such as 3.5."
            return (None, wrong) if number is None else (f"{number:.15g}", "")
        parts = text.split(SEPARATOR) if self.task == "multilabel" else [text]
        known = [self._known(part) for part in parts]
        unknown = [part for part, label in zip(parts, known, strict=True) if label is None]
        if unknown:
            hint = suggest(unknown[0], self.labels).strip() or f"The labels are {listed(self.labels)}."
            return None, f"must have a label of the target. Got {show(unknown[0])}. {hint}"
        return SEPARATOR.join(sorted({label for label in known if label is not None})), ""

    def _known(self, text: str) -> str | None:
        """The label that a cell means after a spreadsheet had it: TRUE is true, 1.0 is 1."""
        plain = text.strip()
        meant = (
            plain,
            original(plain),
            re.sub(r"\.0+$", "", plain),
            plain.lower() if plain in ("TRUE", "FALSE") else plain,
        )
        return next((candidate for candidate in meant if candidate in self.labels), None)


def _wrong_decision(decision: str, new: str) -> str:
    if decision not in DECISIONS:
        hint = suggest(decision, DECISIONS).strip() or "Write one of them, or nothing."
        return f"must decide keep, relabel or drop. Got {show(decision)}. {hint}"
    if new and decision != "relabel":
        return f"must have a new label only with relabel. Got {show(new)} with {decision}. Empty it, or write relabel."
    return ""


def _cell(line: _Line, name: str) -> str:
    return (line.get(name) or "").strip()


def _empty(cells: Iterable[Any]) -> bool:
    return all(cell is None or not str(cell).strip() for cell in cells)


def _check_sheet(sheet: pl.DataFrame, name: str, fingerprint: str) -> None:
    """Make sure that it is a sheet, and one for this data.

    Raises:
        DataError: it is not.
    """
    absent = [column for column in NEEDED if column not in sheet.columns]
    if absent:
        raise DataError(
            f"A review sheet must have the columns {', '.join(NEEDED)}. {name} lacks {', '.join(absent)}. "
            "Fill in the sheet that was written for review, and leave its header as it is."
        )
    tags = {
        (text or "").strip() for line, text in zip(sheet.iter_rows(), sheet["data"], strict=True) if not _empty(line)
    }
    if tags - {tag(fingerprint)}:
        other = sorted(tags - {tag(fingerprint)})[0]
        raise DataError(
            f"A review sheet must have been written for the data at hand, {tag(fingerprint)}. In {name} column data "
            f"says {show(other) if other else 'nothing'}. Write a new sheet for this data, or use the data of that one."
        )


def _refusal(name: str, problems: Sequence[tuple[int, str]]) -> DataError:
    lines = [f"\n  line {place + 2}: {text}" for place, text in problems[:MOST_LISTED]]
    more = f"\n  and {len(problems) - MOST_LISTED} more" if len(problems) > MOST_LISTED else ""
    return DataError(f"The review sheet {name} must have no mistakes. Got {len(problems)}:{''.join(lines)}{more}")
