"""Ours: rows to a fitted probe, nothing else: read, split, encode (or look the vectors up), fit, score. One JSON line.

Keys of the configuration: `plan` (sections of the plan; with `training.probe_C` one strength is fitted).
"""

from __future__ import annotations

import json
import os
import sys
import time

from tunewright.learning.fit import fit_probe_of
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge


def main(config):
    """Fit and tell."""
    plan = read_plan(None, **config["plan"])
    judging, choices = judge(prepare(load_rows(plan), plan), plan)
    run = RunContext()
    precision = decide_precision(judging.problem, run)
    frozen = frozen_features(judging.problem, choices.pooling, precision, run)
    probe = fit_probe_of(judging, frozen, strength=choices.probe_strength)
    right = probe.outputs(frozen["test"]).argmax(1) == judging.problem.targets["test"]
    seconds = time.time() - float(os.environ["BENCH_STARTED"])
    found = {"accuracy": float(right.mean()), "C": probe.strength, "precision": precision, "seconds": seconds}
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
