"""Reviewing the rows of a run one at a time: what to look at, what was decided, and the sheet that keeps it.

The sheet is `corrections.csv` in the run folder, in the form that `audit --review` writes and `audit.corrections`
reads. It is a person's work: starting a run over leaves it alone, and a decision is answered once it is on the disk.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tunewright.data.spreadsheet import neutral
from tunewright.errors import DataError, RunError
from tunewright.runfolder import write_bytes
from tunewright.stories.auditing.corrections import DECISIONS, Correction
from tunewright.stories.reviewing.queueing import Item, Queue, queue_of
from tunewright.stories.reviewing.reviewed import LONGEST_COMMENT, read_label, read_review
from tunewright.stories.reviewing.sheet import tag

SHEET: Final = "corrections.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One decision that can be taken back: the row, and what was decided before, if anything."""

    row: int
    before: Correction | None


class Review:
    """The review of a run's rows; of any number of threads, one at a time.

    Args:
        folder: the run folder.

    Raises:
        DataError: the rows cannot be read any more, or the sheet that is there is of other data or damaged.
        RunError: no run, or one whose audit has not ended.
        PlanError: the plan wants no raw text shown.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / SHEET
        self.queue: Queue = queue_of(folder)
        self.decided: dict[int, Correction] = {one.row: one for one in self.queue.earlier}
        self._lock = threading.Lock()
        self._steps: list[Step] = []
        self._written = self._read()

    @property
    def who(self) -> str:
        """Who decided last, as far as the sheet tells."""
        named = [one.who for one in self.decided.values() if one.who]
        return named[-1] if named else ""

    @property
    def steps(self) -> int:
        """How many decisions can be taken back."""
        return len(self._steps)

    def decide(self, row: int, decision: str, *, label: str = "", who: str = "", comment: str = "") -> Correction:
        """Decide a row, in place of what was decided before, and keep it on the disk.

        Args:
            row: one of the queue's.
            decision: keep, relabel or drop.
            label: the new one, where the decision is relabel.
            who: whose decision it is.
            comment: why.

        Raises:
            DataError: another row or decision, no name, or a label that the target does not have.
            RunError: the disk refused, or another program changed the sheet.
        """
        with self._lock:
            correction = self._checked(row, decision, label=label, who=who, comment=comment)
            self._keep(row, correction)
        return correction

    def clear(self, row: int) -> None:
        """Leave a row undecided again.

        Raises:
            DataError: a row that is not in the queue.
            RunError: as for `decide`.
        """
        with self._lock:
            self._item(row)
            if row in self.decided:
                self._keep(row, None)

    def undo(self) -> int | None:
        """Take the last decision of this sitting back and return its row; None where there is none.

        Raises:
            RunError: as for `decide`.
        """
        with self._lock:
            if not self._steps:
                return None
            step = self._steps[-1]
            self._put(step.row, step.before)
            self._steps.pop()
            return step.row

    def _checked(self, row: int, decision: str, *, label: str, who: str, comment: str) -> Correction:
        item, who = self._item(row), who.strip()
        if decision not in DECISIONS:
            raise DataError(f"A decision must be {', '.join(DECISIONS)}. Got {decision[:40]!r}. Choose one of them.")
        if not who:
            raise DataError("A decision must have a name beside it. Got none. Write who decides.")
        new = None
        if decision == "relabel":
            new, wrong = read_label(label, labels=self.queue.labels, task=self.queue.task)
            if new is None:
                raise DataError(f"Row {row} {wrong}")
            if new == item.given:
                raise DataError(f"Relabel must change the label. Row {row} has {new!r}. Choose keep.")
        return Correction(
            row=row,
            decision=decision,
            given=item.given,
            label=new,
            finding="; ".join(item.findings),
            who=who[:LONGEST_COMMENT],
            comment=comment.strip()[:LONGEST_COMMENT] or None,
        )

    def _item(self, row: int) -> Item:
        if row not in self.queue.items:
            raise DataError(f"A decision must be about a row of the review. Got {row}. Reload the page.")
        return self.queue.items[row]

    def _keep(self, row: int, correction: Correction | None) -> None:
        step = Step(row=row, before=self.decided.get(row))
        self._put(row, correction)
        self._steps.append(step)

    def _put(self, row: int, correction: Correction | None) -> None:
        """Change the sheet on the disk, then what is known of it: a refused write has changed nothing."""
        decided = {number: one for number, one in self.decided.items() if number != row}
        if correction is not None:
            decided[row] = correction
        self._refuse_changed()
        data = sheet_bytes(self.queue, decided)
        write_bytes(self.path, data)
        self._written, self.decided = hashlib.sha256(data).digest(), decided

    def _refuse_changed(self) -> None:
        now = hashlib.sha256(self.path.read_bytes()).digest() if self.path.exists() else b""
        if now != self._written:
            raise RunError(
                f"A sheet must not be changed from two sides at once. {self.path.name} is no longer as it was written "
                "here. Reload the page to go on from what it holds now."
            )

    def _read(self) -> bytes:
        """Go on from the sheet that is there; its digest."""
        if not self.path.exists():
            return b""
        queue, data = self.queue, self.path.read_bytes()
        found = read_review(
            self.path, labels=queue.labels, task=queue.task, fingerprint=queue.fingerprint, rows=queue.rows
        )
        self.decided = {one.row: one for one in found.entries}
        self.queue = queue.with_rows(self.decided.values())
        return hashlib.sha256(data).digest()


def sheet_bytes(queue: Queue, decided: Mapping[int, Correction]) -> bytes:
    """The sheet: a line per row of the queue, those decided with what, by whom and why."""
    items = list(queue.items.values())
    entries: Sequence[Correction | None] = [decided.get(item.row) for item in items]
    columns: dict[str, list[Any]] = {
        "row": [item.row for item in items],
        "finding": ["; ".join(item.findings) for item in items],
        "score": [None if item.score is None else f"{item.score:.4g}" for item in items],
        "given_label": [_neutral(item.given) for item in items],
        "suggested_label": [_neutral(item.suggested) for item in items],
        "text": [neutral(item.text) for item in items],
        "decision": [one.decision if one else "" for one in entries],
        "new_label": [_neutral(one.label if one else "") or "" for one in entries],
        "comment": [_neutral(one.comment if one else "") or "" for one in entries],
        "who": [_neutral(one.who if one else "") or "" for one in entries],
        "data": [tag(queue.fingerprint)] * len(items),
    }
    sheet = pl.DataFrame(columns, schema={name: pl.Int64 if name == "row" else pl.String for name in columns})
    return sheet.write_csv(include_bom=True).encode()


def _neutral(cell: str | None) -> str | None:
    return None if cell is None else neutral(cell)
