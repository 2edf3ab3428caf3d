"""Ours: one set of rows, fitted once with every `model.train`. One JSON object in, one JSON line out.

Keys of the configuration: `plan` (sections of the plan without `model`), `arms` (values of `model.train`).
"""

from __future__ import annotations

import json
import shutil
import sys
import time

from tunewright.learning.fit import fit
from tunewright.metrics import difference, metric
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.home import home
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training import judge

PARTS = ("validation", "test")


def fitted_with(prepared, sections, train):
    """Fit one arm without stored states; returns the outcome of each part and what it took."""
    shutil.rmtree(home() / "prefix", ignore_errors=True)
    judging, choices = judge(prepared, read_plan(None, **sections, model={"train": train}))
    cpu = time.process_time()
    fitted = fit(judging, choices, RunContext())
    problem = judging.problem
    outcomes = {
        part: problem.task.outcome(problem.targets[part], fitted.outputs[part], fitted.model.decision) for part in PARTS
    }
    about = {
        "cpu": time.process_time() - cpu,
        "fit": sum(fitted.trained.seconds.values()),
        "tune": fitted.trained.seconds["fine-tune"],
        "kept": fitted.trained.kept,
        "method": fitted.trained.method,
        "epochs": fitted.trained.history[-1].epoch,
        "candidates": fitted.trained.candidates,
        "rungs": to_json(fitted.trained.rungs),
    }
    values = {part: metric(judging.metric).value(outcome) for part, outcome in outcomes.items()}
    return outcomes, about | {"values": values, "rows": {part: len(problem.targets[part]) for part in problem.targets}}


def main(config):
    """Fit every arm and tell; the first is what the others are compared with."""
    plan = read_plan(None, **config["plan"])
    prepared = prepare(load_rows(plan), plan)
    # What every arm finds: vectors of the probe, and a process that is warm.
    first, arms, base = {}, {}, config["arms"][0]
    fit_probe_only(prepared, config["plan"])
    for train in config["arms"]:
        outcomes, arms[train] = fitted_with(prepared, config["plan"], train)
        first = first or outcomes
        arms[train]["gain"] = {
            part: to_json(difference(prepared.objective.metric, outcomes[part], first[part]).difference)
            for part in PARTS
            if train != base
        }
    print(json.dumps({"arms": arms, "metric": prepared.objective.metric}))


def fit_probe_only(prepared, sections):
    """Encode what there is."""
    fit(*judge(prepared, read_plan(None, **sections, model={"train": "head", "head": "linear"})), RunContext())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
