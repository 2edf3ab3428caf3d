"""Runs of one set and seed, healthy and with every planted pathology: their verdicts, and what looking at them cost."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import polars as pl
from pathologies import PATHOLOGIES, applies, planted, recipe_of, sorted_batches

from tunewright.learning.fit import fit
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import examine
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge
from tunewright.training import loop

SPENT = {"looking": 0.0}


def timed(look):
    """The loop's look at train rows, with its seconds added up."""

    def looked_at(self):
        start = time.perf_counter()
        found = look(self)
        SPENT["looking"] += time.perf_counter() - start
        return found

    return looked_at


def run(frame, one, config):
    """Prepare, audit and fit with one pathology."""
    plan = read_plan(**config["plan"], **recipe_of(config["name"], one))
    prepared = prepare(load_rows(plan, planted(frame, one.name, plan.seed)), plan)
    findings = examine(prepared, plan, RunContext()).findings
    doubtful = [row for finding in findings if finding.kind == "label_errors" for row in finding.rows]
    judging, choices = judge(prepared, plan)
    recipe = replace(choices.recipe, learning_rate=choices.recipe.learning_rate * one.rate)
    if one.batches:
        loop.training_batches = sorted_batches(judging.problem.targets["train"])
    heard, SPENT["looking"] = [], 0.0
    trained = fit(
        judging,
        replace(choices, recipe=recipe),
        RunContext(observe=heard.append),
        suspects=np.isin(prepared.split.train, doubtful),
    ).trained
    return {
        "diagnosis": to_json(trained.diagnosis),
        "curve": to_json(trained.history),
        "told": [event.data["verdict"] for event in heard if event.what == "note" and "verdict" in event.data],
        "looking": SPENT["looking"],
        "training": trained.seconds["fine-tune"],
    }


def main():
    """Answer one config."""
    config = json.loads(sys.argv[1])
    frame = pl.read_parquet(config["data"])
    real = loop.training_batches
    loop._Session.looked_at = timed(loop._Session.looked_at)
    found = {}
    for one in PATHOLOGIES:
        if (config["only"] and one.name not in config["only"]) or not applies(config["name"], one):
            continue
        loop.training_batches = real
        found[one.name] = run(frame, one, config)
        diagnosis = found[one.name]["diagnosis"]
        print(one.name, "->", diagnosis["verdict"], diagnosis["evidence"], file=sys.stderr, flush=True)
    print(json.dumps({"runs": found}))


if __name__ == "__main__":
    main()
