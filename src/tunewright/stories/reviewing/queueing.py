"""Which rows of a run a person should look at, in which order, and what there is to see of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import polars as pl

from tunewright.data import conform, fingerprint
from tunewright.errors import DataError, PlanError, RunError, TunewrightError
from tunewright.plan import Plan, read_plan
from tunewright.records import Finding, Split, Table, TaskKind, from_json
from tunewright.report.words import cut
from tunewright.runfolder import RunFolder, read_entries, read_json
from tunewright.stories.auditing.corrections import Correction
from tunewright.stories.auditing.inspect import REVIEWED
from tunewright.stories.auditing.knowledge import labels_in
from tunewright.stories.judging.wrong_rows import PARTS
from tunewright.stories.prepare import Loaded, load_rows
from tunewright.stories.reviewing.sheet import cells_as_text, labels_as_text, suspects_of

MOST: Final = 2000  # rows of a kind in the queue
LONGEST: Final = 4000  # characters of a cell that are shown
MISTAKE: Final = "mistake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A row to look at.

    Args:
        row: zero-based data row in file order.
        part: train, validation or test; "" where it is in none.
        findings: why it is here: kinds of findings, or `mistake`.
        score: of the first finding, where it has one.
        given: the label it came with; None where it has none.
        suggested: the label that other rows suggest.
        predicted: what the finished model says, where it is wrong.
        confidence: probability of that.
        cells: its feature columns by name, cut.
        text: the same as a sheet shows it.
    """

    row: int
    part: str = ""
    findings: tuple[str, ...] = ()
    score: float | None = None
    given: str | None = None
    suggested: str | None = None
    predicted: str | None = None
    confidence: float | None = None
    cells: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Queue:
    """What there is to review in a run.

    Args:
        items: by row, in the order in which they are shown.
        labels: that the target has; empty for regression.
        task: what is predicted.
        target: its column.
        fingerprint: of the raw rows.
        rows: how many there are.
        earlier: decisions that the run was made with.
        typed: the rows, cast.
        table: columns and target.
        parts: by row, its part.
        left_out: suspects and mistakes beyond the first thousands.
    """

    items: Mapping[int, Item]
    labels: tuple[str, ...]
    task: TaskKind
    target: str
    fingerprint: str
    rows: int
    earlier: tuple[Correction, ...]
    typed: pl.DataFrame
    table: Table
    parts: Mapping[int, str]
    left_out: int = 0

    def with_rows(self, decided: Iterable[Correction]) -> Queue:
        """The same with rows that were decided and are not in it, at the end."""
        more = [Item(row=one.row, findings=_kinds(one)) for one in decided if one.row not in self.items]
        return replace(self, items={**self.items, **self._filled(more)}) if more else self

    def _filled(self, items: Iterable[Item]) -> dict[int, Item]:
        return _filled(items, self.typed, self.table, self.parts)


def queue_of(path: Path) -> Queue:
    """Suspects of the audit first, then rows the model has wrong: of the validation part, and of the test part.

    Raises:
        RunError: no run, or its audit has not ended.
        PlanError: the plan wants no raw text shown.
        DataError: the rows are not those of the run any more, or cannot be read.
    """
    folder = RunFolder(path)
    if not folder.audit_json.exists():
        raise RunError(f"A review needs the findings of a run. {path} has none yet. Wait until its audit has ended.")
    plan = read_plan(folder.plan_yaml)
    if not plan.report.examples:
        raise PlanError(
            "A review shows raw rows of the data. The plan says report.examples: false. "
            "Ask for a sheet explicitly: tunewright audit DATA --target COL --review FILE."
        )
    loaded = _rows_of(folder, plan)
    audit = read_json(folder.audit_json)
    table = from_json(Table, audit["table"])
    typed = conform(loaded.frame, table, require_target=True)
    split = from_json(Split, read_json(folder.split_json))
    parts = {row: part for part in ("train", "validation", "test") for row in getattr(split, part)}
    earlier = tuple(from_json(Correction, one) for one in (audit.get("corrections") or {}).get("entries", ()))
    found, left_out = _found(folder, audit)
    queue = Queue(
        items=_filled(found, typed, table, parts),
        labels=() if table.task == "regression" else labels_in(_seen(typed, split)[table.target]),
        task=table.task,
        target=table.target,
        fingerprint=fingerprint(loaded.frame),
        rows=typed.height,
        earlier=earlier,
        typed=typed,
        table=table,
        parts=parts,
        left_out=left_out,
    )
    return queue.with_rows(earlier)


def _rows_of(folder: RunFolder, plan: Plan) -> Loaded:
    from tunewright.stories.walk import run_digest

    try:
        loaded = load_rows(plan)
    except TunewrightError as error:
        raise DataError(
            f"The rows must be readable to be reviewed. {error} Start this where the run was started; "
            "rows that were in memory cannot be read again."
        ) from error
    entries = read_entries(folder.journal)
    if not entries or entries[0].data.get("digest") != run_digest(plan, loaded):
        raise DataError(
            f"The rows must be those the run learned from. {', '.join(loaded.files)} was changed since. "
            "Run again on what is there now, and review that."
        )
    return loaded


def _seen(typed: pl.DataFrame, split: Split) -> pl.DataFrame:
    return typed[[*split.train, *split.validation]]


def _found(folder: RunFolder, audit: Mapping[str, Any]) -> tuple[list[Item], int]:
    """Rows by why they are here, each once; and how many were left out."""
    findings = [from_json(Finding, one) for one in audit["findings"] if one["kind"] in REVIEWED]
    suspects = suspects_of(findings)
    suggested = {int(row): str(label) for row, label in audit.get("suggestions", {}).items()}
    items: dict[int, Item] = {
        row: Item(row=row, findings=tuple(kinds), score=score, suggested=suggested.get(row))
        for row, (kinds, score) in list(suspects.items())[:MOST]
    }
    mistakes = read_json(folder.mistakes_json) if folder.mistakes_json.exists() else {}
    for part in PARTS:
        for one in mistakes.get(part, ())[:MOST]:
            item = items.get(one["row"], Item(row=one["row"]))
            items[one["row"]] = replace(
                item,
                findings=(*item.findings, MISTAKE),
                predicted=str(one["predicted"]),
                confidence=one["confidence"],
            )
    return list(items.values()), max(len(suspects) - MOST, 0)


def _filled(items: Iterable[Item], typed: pl.DataFrame, table: Table, parts: Mapping[int, str]) -> dict[int, Item]:
    """The items with what there is to see of them; rows that the data does not have are left out."""
    known = [item for item in items if 0 <= item.row < typed.height]
    rows = typed[[item.row for item in known]]
    names = [c.name for c in table.columns if c.role == "feature" and not c.derived and c.name in rows.columns]
    given = labels_as_text(rows[table.target])
    texts = cells_as_text(rows, table)
    return {
        item.row: replace(
            item,
            part=parts.get(item.row, ""),
            given=given[place],
            cells={name: cut(_text(rows[name][place]), LONGEST) for name in names},
            text=texts[place],
        )
        for place, item in enumerate(known)
    }


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _kinds(correction: Correction) -> tuple[str, ...]:
    return tuple(kind for kind in correction.finding.split("; ") if kind)
