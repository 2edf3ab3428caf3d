"""Ours: one fit of top layers, with the states under them kept or not. One JSON object in, one JSON line out.

Keys of the configuration: `plan` (sections of the plan), `gb` (what the prefix cache may take; 0: none), `again`
(whether a second fit follows, which finds what the first has stored).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from itertools import pairwise

from tunewright.learning import prefix
from tunewright.learning.fit import fit
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training import judge


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
    """Fit and tell: the loop's own clock counts from its first update to the end of an epoch's validation."""
    from tunewright.learning import finetune

    heard = []
    finetune.enter_above = entering = Entering()
    judging, choices = judge(prepared, plan)
    fitted = fit(judging, choices, RunContext(observe=heard.append))
    finetune.enter_above = entering.real
    history = fitted.trained.history
    told = [event.data for event in heard if event.what == "note" and "bytes" in event.data]
    return {
        "epoch": statistics.median(later.seconds - one.seconds for one, later in pairwise(history)),
        "enter": entering.seconds,
        "mb": told[-1]["bytes"] / 1e6 if told else 0.0,
        "computed": told[-1]["computed"] if told else 0,
        "losses": [one.train_loss for one in history],
        "metrics": [one.metric for one in history],
        "rows": len(judging.problem.targets["train"]),
        "held": len(judging.problem.targets["validation"]),
        "tokens": float(judging.problem.inputs["train"].lengths.mean()),
        "precision": fitted.trained.precision,
    }


def main(config):
    """Fit once, or twice."""
    os.environ["TUNEWRIGHT_PREFIX_GB"] = str(config["gb"])
    plan = read_plan(None, **config["plan"])
    prepared = prepare(load_rows(plan), plan)
    answer = once(prepared, plan)
    if config["again"]:
        answer["later"] = once(prepared, plan)
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
