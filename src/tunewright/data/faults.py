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
    _refuse(ordered, rows, file)
    groups: dict[tuple[str, str, bool], list[Fault]] = {}
    for fault in ordered:
        groups.setdefault((fault.kind, fault.what, fault.lost), []).append(fault)
    return tuple(_finding(group, rows, file) for group in groups.values())


def _refuse(faults: list[Fault], rows: int, file: str | None) -> None:
    lost = [fault for fault in faults if fault.lost]
    count = len({fault.row for fault in lost})
    if count >= AT_LEAST and count > LIMIT * rows:
        first = lost[0]
        raise DataError(
            f"At most {LIMIT:.0%} of the rows may be unreadable. {file or 'The data'}: {count} of {rows} rows are; "
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
