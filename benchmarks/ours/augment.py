"""Ours: one set of rows, fitted once with every augmentation, and tried once. One JSON object in, one JSON line out.

Keys of the configuration: `plan` (sections of the plan without `augment`), `arms` (name to what `augment` says).
"""

from __future__ import annotations

import json
import sys

from tunewright.learning.fit import fit
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import examine
from tunewright.stories.auditing.repair import mend
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge


def right(problem, fitted, part):
    """Which rows of a part the kept model gets, as a string of zeros and ones."""
    outcome = problem.task.outcome(problem.targets[part], fitted.outputs[part], fitted.model.decision)
    return "".join("01"[int(one)] for one in outcome.labels == outcome.truth)


def tried(prepared, plan):
    """What the audit's trial of each kind gave, by remedy; none where the rows are too many for one."""
    run = RunContext()
    done = mend(prepared, examine(prepared, plan, run), plan, run)
    return {trial.remedy: to_json(trial) for trial in done.trials if trial.remedy.startswith("augment_")}


def main(config):
    """Try, fit every arm, and tell."""
    plan = read_plan(None, **config["plan"])
    prepared, answer = prepare(load_rows(plan), plan), {}
    trials = tried(prepared, plan)
    for name, augment in config["arms"].items():
        judging, choices = judge(prepared, read_plan(None, **config["plan"], augment=augment))
        fitted = fit(judging, choices, RunContext())
        trained = fitted.trained
        answer[name] = {
            **{part: right(judging.problem, fitted, part) for part in ("validation", "test")},
            "kept": trained.kept,
            "epochs": len(trained.history) - 1,
            "train": len(judging.problem.targets["train"]),
            "seconds": trained.seconds["fine-tune"],
        }
    print(json.dumps({"arms": answer, "trials": trials}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
