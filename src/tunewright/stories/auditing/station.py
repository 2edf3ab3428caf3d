"""The station `audit`: split, correct, examine and mend, written to the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tunewright.plan import Plan
from tunewright.runfolder import RunFolder, write_json
from tunewright.runfolder.context import RunContext
from tunewright.stories import telling
from tunewright.stories.auditing.examine import examine
from tunewright.stories.auditing.knowledge import check_knowledge, correct, corrections_json
from tunewright.stories.prepare import Loaded, prepare

if TYPE_CHECKING:
    from tunewright.records import Finding
    from tunewright.stories.auditing.corrections import Corrections
    from tunewright.stories.auditing.repair import Mended
    from tunewright.stories.judging.errors import Doubts


class Audited(NamedTuple):
    """What goes on from the audit: mended rows, findings, and what speaks against the labels."""

    mended: Mended
    findings: tuple[Finding, ...]
    doubts: Doubts

    def doubtful(self) -> list[int]:
        """Ids of the rows whose label the audit doubts."""
        return [row for finding in self.findings if finding.kind == "label_errors" for row in finding.rows]


def audited(plan: Plan, loaded: Loaded, folder: RunFolder, run: RunContext) -> Audited:
    """Split, correct, examine and mend; written to the run folder.

    Of what the audit learned (features, sums over folds, words) only findings, doubts and kept remedies go on; the
    memory is given back before anything trains.
    """
    from tunewright.models.exhausted import give_back

    found = _audited(plan, loaded, folder, run)
    give_back()
    return found


def _audited(plan: Plan, loaded: Loaded, folder: RunFolder, run: RunContext) -> Audited:
    from tunewright.stories.auditing.inspect import suggestions_of
    from tunewright.stories.auditing.repair import mend
    from tunewright.stories.judging.errors import doubts_of

    prepared = prepare(loaded, plan)
    write_json(folder.split_json, prepared.split)
    check_knowledge(prepared, plan)
    prepared, corrections = correct(prepared, plan)
    examined = examine(prepared, plan, run)
    run.observe(telling.found(examined.findings))
    mended = mend(prepared, examined, plan, run)
    suggestions = suggestions_of(examined.learned(), examined.findings)
    write_json(folder.audit_json, _audit_json(mended, examined.findings, corrections, suggestions))
    return Audited(mended, examined.findings, doubts_of(examined.learned(), seed=plan.seed))


def _audit_json(
    mended: Mended,
    findings: tuple[Finding, ...],
    corrections: Corrections | None,
    suggestions: Mapping[int, str],
) -> dict[str, Any]:
    return {
        "rows": mended.prepared.typed.height,
        "findings": findings,
        "table": mended.prepared.table,
        "repairs": mended.repairs,
        "remedies": mended.trials,
        "corrections": corrections_json(corrections),
        "suggestions": suggestions,
    }
