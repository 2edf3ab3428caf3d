"""Ours: one set of rows, fitted with one `model.train`. One JSON object in, one JSON line out.

Keys of the configuration: `plan` (sections of the plan without `model`), `train` (the value of `model.train`).
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import asdict

import numpy as np

from tunewright.learning.fit import fit
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.home import home
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge

PARTS = ("validation", "test")


def plain(outcome):
    """An outcome as JSON values."""
    return {name: one.tolist() if isinstance(one, np.ndarray) else one for name, one in asdict(outcome).items()}


def main(config):
    """Encode, then fit without stored states, and tell what is handed over and what it took."""
    shutil.rmtree(home() / "prefix", ignore_errors=True)
    plan = read_plan(None, **config["plan"], model={"train": config["train"]})
    prepared, run = prepare(load_rows(plan), plan), RunContext()
    judging, choices = judge(prepared, plan)
    problem = judging.problem
    frozen_features(problem, choices.pooling, decide_precision(problem, run), run)  # from the cache, for every arm
    cpu = time.process_time()
    fitted = fit(judging, choices, run)
    cpu = time.process_time() - cpu
    trained = fitted.trained
    outcomes = {
        part: plain(problem.task.outcome(problem.targets[part], fitted.outputs[part], fitted.model.decision))
        for part in PARTS
    }
    answer = {
        "cpu": cpu,
        "metric": judging.metric,
        "outcomes": outcomes,
        "kept": trained.kept,
        "method": trained.method,
        "curve": [epoch.metric for epoch in trained.history],
        "rungs": to_json(trained.rungs),
        "rows": {part: len(problem.targets[part]) for part in problem.targets},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
