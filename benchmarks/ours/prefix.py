"""Ours: one fine-tuning of top layers, with the states under them kept or not. One JSON object in, one JSON line out.

Keys of the configuration: `plan` (sections of the plan), `gb` (what the prefix cache may take; 0: none), `again`
(whether a second one follows, which finds what the first has stored).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import time
from itertools import pairwise

from tunewright.learning import finetune, prefix
from tunewright.learning.fit import fit_probe_of
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.home import home
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge


class Entering:
    """Seconds that finding, computing and mapping states take."""

    def __init__(self):
        self.seconds, self.real = 0.0, prefix.enter_above

    def __call__(self, *args, **kwargs):
        started = time.perf_counter()
        found = self.real(*args, **kwargs)
        self.seconds = time.perf_counter() - started
        return found


def once(prepared, plan):
    """Fine-tune and tell: the loop's own clock counts from its first update to the end of an epoch's validation."""
    heard = []
    run = RunContext(observe=heard.append)
    finetune.enter_above = entering = Entering()
    judging, choices = judge(prepared, plan)
    problem = judging.problem
    precision = decide_precision(problem, run)
    frozen = frozen_features(problem, choices.pooling, precision, run)
    start = finetune.Start(frozen, fit_probe_of(judging, frozen, strength=None), precision)
    history = finetune.fine_tune(judging, choices, start, run).state.history
    finetune.enter_above = entering.real
    told = [event.data for event in heard if event.what == "note" and "bytes" in event.data]
    return {
        "epoch": statistics.median(later.seconds - one.seconds for one, later in pairwise(history)),
        "enter": entering.seconds,
        "mb": told[-1]["bytes"] / 1e6,
        "computed": told[-1]["computed"],
        "losses": [one.train_loss for one in history],
        "metrics": [one.metric for one in history],
        "rows": len(problem.targets["train"]),
        "held": len(problem.targets["validation"]),
        "tokens": float(problem.inputs["train"].lengths.mean()),
        "precision": precision,
    }


def main(config):
    """Train once, or twice, in a home without states."""
    os.environ["TUNEWRIGHT_PREFIX_GB"] = str(config["gb"])
    shutil.rmtree(home() / "prefix", ignore_errors=True)
    plan = read_plan(None, **config["plan"])
    prepared = prepare(load_rows(plan), plan)
    answer = once(prepared, plan)
    if config["again"]:
        answer["later"] = once(prepared, plan)
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
