"""Rows that could not be read, or only with a guess: counted, located, and refused when there are too many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunewright.errors import DataError
from tunewright.records import Finding

LIMIT = 0.05  # above this share of unreadable rows the file is not what its header says
AT_LEAST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One damaged row: its zero-based number, the finding kind, what is wrong and where; a `lost` row is all null."""

    row: int
    kind: str
    what: str
    detail: str = ""
    columns: tuple[str, ...] = ()
    lost: bool = True


def report(faults: Iterable[Fault], *, rows: int, file: str | None) -> tuple[Finding, ...]:
    """Turn damaged rows into findings, one per sort of damage.

    Args:
        faults: the damaged rows, in any order.
        rows: all data rows of the file.
        file: the file's name, for the messages.

    Raises:
        DataError: more than 5 % of the rows (and at least 3) cannot be read.

    >>> [f.evidence for f in report([Fault(row=4, kind="encoding", what="hold a NUL byte")], rows=9, file=None)]
    ['1 of 9 rows hold a NUL byte (first: row 4); every cell of them is taken as missing.']
    """
    ordered = sorted(faults, key=lambda fault: fault.row)
    tally = Tally()
    tally.add({fault.row: fault for fault in reversed(ordered) if fault.lost}.values())
    tally.refuse(rows=rows, file=file)
    groups: dict[tuple[str, str, bool], list[Fault]] = {}
    for fault in ordered:
        groups.setdefault((fault.kind, fault.what, fault.lost), []).append(fault)
    return tuple(_finding(group, rows, file) for group in groups.values())


@dataclass(slots=True)
class Tally:
    """Rows that cannot be read, counted as they come; of them only the first is kept.

    >>> tally = Tally()
    >>> tally.add([Fault(row=row, kind="encoding", what="hold a NUL byte") for row in (7, 3)])
    >>> tally.lost, tally.first.row
    (2, 3)
    """

    lost: int = 0
    first: Fault | None = None

    def add(self, faults: Iterable[Fault]) -> None:
        """Count the rows among these that are lost; each row is given once."""
        for fault in faults:
            if fault.lost:
                self.lost += 1
                self.first = fault if self.first is None or fault.row < self.first.row else self.first

    def refuse(self, *, rows: int, file: str | None) -> None:
        """Hold them against all rows.

        Raises:
            DataError: more than 5 % of the rows (and at least 3) cannot be read.
        """
        if self.first is None or self.lost < AT_LEAST or self.lost <= LIMIT * rows:
            return
        first = self.first
        raise DataError(
            f"At most {LIMIT:.0%} of the rows may be unreadable. {file or 'The data'}: {self.lost} of {rows} rows are; "
            f"the first is row {first.row}{_where(first)}: such rows {first.what}"
            f"{f' ({first.detail})' if first.detail else ''}. Check the file's delimiter, quoting and encoding."
        )


def _where(fault: Fault) -> str:
    return f", column {fault.columns[0]!r}" if fault.columns else ""


def _finding(group: list[Fault], rows: int, file: str | None) -> Finding:
    first = group[0]
    detail = f", {first.detail}" if first.detail else ""
    kept = "every cell of them is taken as missing" if first.lost else "they are kept"
    return Finding(
        kind=first.kind,
        severity="warning",
        evidence=f"{len(group)} of {rows} rows {first.what} (first: row {first.row}{_where(first)}{detail}); {kept}.",
        columns=tuple(dict.fromkeys(name for fault in group for name in fault.columns)),
        rows=tuple(fault.row for fault in group),
        rows_total=len(group),
        file=file,
    )
