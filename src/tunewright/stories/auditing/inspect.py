"""`audit` by itself: read, split, examine, write `audit.json`; nothing is trained and nothing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.data import fingerprint
from tunewright.events import Event, Observer, silent
from tunewright.plan import Plan
from tunewright.records import Audit, Finding, to_json
from tunewright.runfolder import write_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import Examined, examine
from tunewright.stories.auditing.knowledge import check_knowledge
from tunewright.stories.prepare import Loaded, Prepared, load_rows, prepare

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned
    from tunewright.stories.auditing.scorecard import Scorecard

REVIEWED = ("label_errors", "conflicting_labels")
SHOWN = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspection:
    """Data that was examined.

    Args:
        loaded: as read.
        prepared: split and cast.
        examined: findings, and what was learned.
    """

    loaded: Loaded
    prepared: Prepared
    examined: Examined

    @property
    def audit(self) -> Audit:
        """The findings as a record."""
        examined = self.examined
        return Audit(rows=self.prepared.typed.height, findings=examined.findings, repairs=examined.repairs())


def inspect(plan: Plan, source: Any = None, *, observe: Observer = silent, deep: bool = True) -> Inspection:
    """Examine a plan's data; nothing is written but the cache of vectors.

    Args:
        plan: the resolved plan.
        source: data in memory in place of `data.train`, or None.
        observe: hears progress.
        deep: whether to encode texts and learn from them.

    Raises:
        PlanError, DataError: as for a run.
    """
    loaded = load_rows(plan, source)
    prepared = prepare(loaded, plan)
    check_knowledge(prepared, plan)
    examined = examine(prepared, plan, RunContext(observe=observe), deep=deep)
    return Inspection(loaded=loaded, prepared=prepared, examined=examined)


def write_audit(inspection: Inspection, plan: Plan, out: Path | None, more: Mapping[str, Any]) -> Path:
    """Write `audit.json` with all rows of all findings; the folder is `audits/<name>-<digest>` unless given."""
    from tunewright.stories.walk import run_digest, run_name

    name = f"{run_name(inspection.loaded)}-{run_digest(plan, inspection.loaded)[:8]}"
    folder = out or Path("audits") / name
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "audit.json", {**to_json(inspection.audit), **more})
    return folder / "audit.json"


def write_sheet(inspection: Inspection, path: Path) -> int:
    """Write the rows with doubtful labels as a sheet for a person to review; returns how many there are."""
    from tunewright.stories.reviewing.sheet import write_review

    prepared = inspection.prepared
    doubtful = [finding for finding in inspection.examined.findings if finding.kind in REVIEWED]
    suggestions = suggestions_of(inspection.examined.learned(), doubtful)
    return write_review(
        path,
        doubtful,
        prepared.typed,
        table=prepared.table,
        suggestions=suggestions,
        fingerprint=fingerprint(prepared.raw),
    )


def suggestions_of(learned: Learned | None, findings: Sequence[Finding]) -> dict[int, str]:
    """By row that a person may be asked about, the label that the other rows suggest, as far as they suggest one."""
    from tunewright.learning.suspects import suggested

    if learned is None:
        return {}
    asked = {row for finding in findings if finding.kind in REVIEWED for row in finding.rows}
    best = zip(learned.rows, suggested(learned), strict=True)
    return {int(row): learned.labels[k] for row, k in best if k >= 0 and int(row) in asked}


def calibrated(inspection: Inspection, plan: Plan, *, observe: Observer, rounds: int, deep: bool = True) -> Scorecard:
    """Plant known faults in copies of this very data and count what the detectors make of them.

    Args:
        inspection: of the data as it is.
        plan: the resolved plan.
        observe: hears how many copies were audited.
        rounds: how often every fault is planted.
        deep: as for `inspect`.
    """
    from tunewright.planting import FAULTS
    from tunewright.stories.auditing.calibrate import calibrate

    audited = 0

    def findings(loaded: Loaded) -> tuple[Finding, ...]:
        nonlocal audited
        audited += 1
        observe(Event(station="calibrate", what="note", text=f"Auditing copy {audited} with planted faults."))
        return examine(prepare(loaded, plan), plan, RunContext(), deep=deep).findings

    learned = inspection.examined.learned()
    # Without learning no label is doubted: a score of nought would only say that nobody looked.
    judged = tuple(fault for fault in FAULTS if deep or fault.kind != "label_errors")
    return calibrate(inspection.loaded, plan, findings, rounds=rounds, seed=plan.seed, faults=judged, learned=learned)


def shortened(finding: dict[str, Any]) -> dict[str, Any]:
    """A finding with at most 1,000 rows; `rows_total` says how many there are."""
    return finding | {name: finding[name][:SHOWN] for name in ("rows", "scores", "groups")}
