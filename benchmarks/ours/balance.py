"""Ours: ways to balance classes, by the audit's trial and by what training gives. One JSON object in, one line out.

Keys of the configuration: `plan` (sections of the plan without `balance`), `ways` (values of `balance`).
"""

from __future__ import annotations

import json
import sys

from tunewright.learning.fit import fit
from tunewright.metrics import difference
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import examine
from tunewright.stories.auditing.repair import mend
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge


def outcome(prepared, plan, run):
    """A model's answers on the sealed test."""
    judging, choices = judge(prepared, plan)
    fitted, problem = fit(judging, choices, run), judging.problem
    return problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision)


def main(config):
    """Try, train every way, and compare with `auto`."""
    run, plan = RunContext(), read_plan(None, **config["plan"])
    prepared = prepare(load_rows(plan), plan)
    done = mend(prepared, examine(prepared, plan, run), plan, run)
    trials = {trial.remedy.removeprefix("balance_"): to_json(trial) for trial in done.trials}
    base = outcome(prepared, plan, run)
    tested = {
        way: to_json(
            difference(
                prepared.objective.metric,
                outcome(prepared, read_plan(None, **config["plan"], balance=way), run),
                base,
                names=(way, "auto"),
            ).difference
        )
        for way in config["ways"]
    }
    rows = {part: len(getattr(prepared.split, part)) for part in ("train", "validation", "test")}
    print(json.dumps({"trials": trials, "test": tested, "rows": rows, "metric": prepared.objective.metric}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
