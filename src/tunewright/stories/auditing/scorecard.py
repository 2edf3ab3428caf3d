"""The scorecard of an audit: what it found of known faults, counted and as shares with their intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tunewright.planting import Fault, Planted
from tunewright.records import Finding, Score
from tunewright.stats import wilson

Found = tuple[Finding, ...]
IN_COLUMNS = ("cells", "text")  # faults in the cells of one column: findings on other columns speak of something else


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardLine:
    """How one fault was found over all plantings.

    Args:
        fault: its name.
        kind: the kind of finding that should report it.
        of: what was counted: rows or columns.
        plantings: copies of the data that it was planted in.
        planted: rows or columns with the fault that the audit of the clean data did not name already.
        found: of these, how many the audit named.
        named: rows or columns that the audit named beyond those it names in the clean data.
        disturbed: copies in which a finding of another kind was new that the fault does not explain.
        alarms: the kinds of those findings, and in how many copies.
        recall: found of planted.
        precision: found of named; None where nothing was named.
        false_alarms: disturbed of plantings.
        note: what else happened.
    """

    fault: str
    kind: str
    of: str
    plantings: int
    planted: int
    found: int
    named: int
    disturbed: int
    alarms: Mapping[str, int]
    recall: Score | None
    precision: Score | None
    false_alarms: Score
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What the audit finds of known faults in this data.

    Args:
        rows: of the data.
        rounds: how often every fault was planted, in other rows each time.
        seed: of the draws.
        lines: one per fault that could be planted.
        absent: names of the faults that the data has no place for.
    """

    schema: ClassVar[int] = 1
    rows: int
    rounds: int
    seed: int
    lines: tuple[ScorecardLine, ...]
    absent: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Count:
    """What a line is made of, while it is being counted."""

    plantings: int = 0
    planted: int = 0
    found: int = 0
    named: int = 0
    disturbed: int = 0
    alarms: Counter[str] = field(default_factory=Counter)
    notes: set[str] = field(default_factory=set)

    def add(self, other: Count) -> None:
        """Count another planting."""
        self.plantings += other.plantings
        self.planted += other.planted
        self.found += other.found
        self.named += other.named
        self.disturbed += other.disturbed
        self.alarms.update(other.alarms)
        self.notes |= other.notes


def score(fault: Fault, planted: Planted, *, target: str, clean: Found, found: Found) -> Count:
    """Hold what the audit names against what was planted; what it named before counts neither way.

    Args:
        fault: what was planted.
        planted: where.
        target: the column to predict, which a finding on other columns may name too.
        clean: findings in the data as it was.
        found: findings in the copy.
    """
    count = Count(plantings=1)
    if fault.of == "rows":
        before = set(planted.carry(_rows(fault, planted, clean)).tolist())
        wanted = set(planted.rows) - before
        named = set(_rows(fault, planted, found)) - before - set(planted.beside)
        count.planted, count.found, count.named = len(wanted), len(wanted & named), len(named)
        return count
    known, now = _columns(fault, clean) | {target}, _columns(fault, found)
    sought, told = set(planted.columns) - known, now - known
    # A finding without a column speaks of the whole table, and rightly so of one that shifts as a whole.
    whole = fault.touches == "shape" and "" in told
    count.planted, count.found = len(sought), len(sought) if whole else len(sought & told)
    count.named = max(count.found, len(told - {""}))
    return count


def size(fault: Fault, planted: Planted) -> int:
    """How many rows or columns have the fault."""
    return len(planted.rows if fault.of == "rows" else planted.columns)


def unexplained(faults: Sequence[Fault], clean: Found, found: Found) -> Found:
    """New findings that no planted fault explains, by kind and columns."""
    explained = {kind for fault in faults for kind in (fault.kind, *fault.also)}
    return tuple(
        finding
        for finding in found
        if finding.kind not in explained and not any(_same(finding, other) for other in clean)
    )


def line_of(fault: Fault, count: Count) -> ScorecardLine:
    """Shares with their intervals; rows of one planting are taken as independent."""
    return ScorecardLine(
        fault=fault.name,
        kind=fault.kind,
        of=fault.of,
        plantings=count.plantings,
        planted=count.planted,
        found=count.found,
        named=count.named,
        disturbed=count.disturbed,
        alarms=dict(sorted(count.alarms.items())),
        recall=wilson(count.found, count.planted) if count.planted else None,
        precision=wilson(count.found, count.named) if count.named else None,
        false_alarms=wilson(count.disturbed, count.plantings),
        note="; ".join(sorted(count.notes)),
    )


def scorecard_text(card: Scorecard) -> str:
    """The scorecard as a table of plain text, each share with its 95 % interval."""
    head = ("fault", "reported as", "planted", "recall", "precision", "copies with a false alarm")
    rows = [
        (
            line.fault,
            line.kind,
            f"{line.planted:,} {line.of}",
            _share(line.recall),
            _share(line.precision),
            f"{line.disturbed} of {line.plantings}{_kinds(line)}",
        )
        for line in card.lines
    ]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    ]
    times = "once" if card.rounds == 1 else f"{card.rounds} times"
    said = [f"Known faults were planted in copies of these {card.rows:,} rows, each {times}:", "", *table]
    said += [f"{line.fault}: {line.note}" for line in card.lines if line.note]
    if card.absent:
        said += ["", f"Not planted, because this data has no place for them: {', '.join(card.absent)}."]
    return "\n".join(said)


def _rows(fault: Fault, planted: Planted, findings: Found) -> list[int]:
    """Rows that findings of the fault's kind name; of a fault in the cells of a column, only those that speak of it."""
    where = set(planted.columns) if fault.touches in IN_COLUMNS else set()
    of_kind = [finding for finding in findings if finding.kind == fault.kind]
    fit = [one for one in of_kind if not where or not one.columns or where & set(one.columns)]
    return [row for finding in fit for row in finding.rows]


def _columns(fault: Fault, findings: Found) -> set[str]:
    """Columns that findings of the fault's kind name; "" where one names none."""
    of_kind = [finding for finding in findings if finding.kind == fault.kind]
    return {column for finding in of_kind for column in finding.columns or ("",)}


def _same(one: Finding, other: Finding) -> bool:
    return one.kind == other.kind and (one.columns == other.columns or bool(set(one.columns) & set(other.columns)))


def _kinds(line: ScorecardLine) -> str:
    return f" ({', '.join(line.alarms)})" if line.alarms else ""


def _share(one: Score | None) -> str:
    return "–" if one is None else f"{one.value:.2f} ({one.low:.2f}–{one.high:.2f})"
