"""Ours on a few labelled rows: seconds to a trained model, and which test rows it gets. One JSON object in, one out.

Keys of the configuration: `plan` (sections of the plan), `whole` (the whole road of `tunewright run`; otherwise only
reading, splitting and fitting, without a look at the test rows until the model stands).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import replace

from watch import Watch, walk

from tunewright.learning.fit import fit, outputs_of
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, pose, prepare
from tunewright.stories.training.station import judge


def bits(problem, model, outputs):
    """Which test rows the model gets, as a string of zeros and ones."""
    outcome = problem.task.outcome(problem.targets["test"], outputs, model.decision)
    return "".join("01"[int(one)] for one in outcome.labels == outcome.truth)


def whole(plan):
    """All of a run; its own evaluation looks at the test rows, and counts."""
    with tempfile.TemporaryDirectory() as folder, Watch(look=False) as watch:
        walk(plan, folder)
        seconds = time.time() - float(os.environ["BENCH_STARTED"])
    fitted = watch.fitted
    return seconds, bits(watch.judging.problem, fitted.model, fitted.outputs["test"]), fitted.trained.kept


def alone(sections):
    """Only what trains; the test rows are answered when the clock has stopped."""
    plan = read_plan(None, **sections)
    prepared = prepare(load_rows(plan), plan)
    judging, choices = judge(prepared, plan, split=replace(prepared.split, test=()))
    fitted = fit(judging, choices, RunContext())
    seconds = time.time() - float(os.environ["BENCH_STARTED"])
    problem = pose(prepared, plan)
    answers = outputs_of(fitted.model, problem, choices.pooling)["test"]
    return seconds, bits(problem, fitted.model, answers), fitted.trained.kept


def main(config):
    """Fit, and tell."""
    seconds, right, kept = (whole if config["whole"] else alone)(config["plan"])
    paused = time.time() - float(os.environ["BENCH_STARTED"]) - seconds
    accuracy = right.count("1") / len(right)
    print(json.dumps({"seconds": seconds, "right": right, "accuracy": accuracy, "kept": kept, "paused": paused}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
