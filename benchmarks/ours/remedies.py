"""Ours: what derived columns and selection give, on the bench and on the sealed test. One JSON object in, one line out.

Keys of the configuration: `plan`, `derive` (expressions by name). Three models are fitted on the same split: without
derived columns, with them, and without the columns that selection chooses besides.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

from tunewright.learning.fit import fit
from tunewright.metrics import difference
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.remedies import REMEDIES
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import examine, material_of
from tunewright.stories.auditing.repair import TOGETHER, mend
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge

SELECT = "select_columns"


def main() -> None:
    config = json.loads(sys.argv[1])
    with_derived = read_plan(None, **config["plan"], knowledge={"derive": config["derive"]})
    plain = read_plan(None, **config["plan"])
    run = RunContext()
    start = time.perf_counter()
    prepared, mended, evidence = tried(with_derived, run)
    seconds = time.perf_counter() - start
    spare = next((trial.columns for trial in mended.trials if trial.remedy == SELECT), ())
    derived = outcome(*applied(prepared, mended, evidence, with_derived, ()), run)
    selected = outcome(*applied(prepared, mended, evidence, with_derived, spare), run) if spare else None
    before, done, found = tried(plain, run)
    assert before.split == prepared.split
    without = outcome(*applied(before, done, found, plain, ()), run)
    metric = prepared.objective.metric
    print(
        json.dumps(
            {
                "metric": metric,
                "rows": prepared.typed.height,
                "test": len(prepared.split.test),
                "seconds": seconds,
                "trials": to_json(mended.trials),
                "derived": to_json(difference(metric, derived, without)),
                "selected": to_json(difference(metric, selected, derived)) if selected is not None else None,
            }
        )
    )


def tried(plan, run):
    prepared = prepare(load_rows(plan), plan)
    examined = examine(prepared, plan, run)
    return prepared, mend(prepared, examined, plan, run), examined.evidence()


def applied(prepared, mended, evidence, plan, spare):
    """Rows and plan with all that was kept, selection taken from `spare` whether it was kept or not."""
    material, evidence = material_of(prepared, plan), replace(evidence, spare=tuple(spare))
    kept = {
        trial.remedy: trial.order for trial in mended.trials if trial.order is not None and trial.remedy != TOGETHER
    }
    kept[SELECT] = kept.get(SELECT, len(kept) + 1)
    for remedy in sorted((one for one in REMEDIES if one.kind in kept), key=lambda one: kept[one.kind]):
        material = remedy.apply(material, evidence) or material
    changed = replace(prepared, typed=material.typed, table=material.table, split=material.split)
    return changed, replace(plan, preprocess=material.preprocess, balance=material.balance)


def outcome(prepared, plan, run):
    """The final model's answers on the sealed test."""
    judging, choices = judge(prepared, plan)
    fitted = fit(judging, choices, run)
    problem = judging.problem
    return problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision)


if __name__ == "__main__":
    main()
