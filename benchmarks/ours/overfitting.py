"""One run with a planted pathology: prints its verdict, its curve and what looking at train rows cost."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

import pathologies
import torch

import tunewright.training.loop as loop
from tunewright.learning.fit import fit
from tunewright.plan import read_plan
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.audit import examine
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training import judge

torch.set_num_threads(1)
KIND = "label_errors"


def fitted(frame, one, plan, events):
    """Prepare, audit, choose and fit, with the pathology's recipe."""
    prepared = prepare(load_rows(plan, frame), plan)
    examined = examine(prepared, plan, RunContext())
    doubted = [row for finding in examined.findings if finding.kind == KIND for row in finding.rows]
    suspects = np.isin(np.array(prepared.split.train), doubted)
    judging, choices = judge(prepared, plan)
    recipe = replace(choices.recipe, learning_rate=choices.recipe.learning_rate * one.rate)
    if one.batches:
        targets = judging.problem.targets["train"]
        loop.training_batches = pathologies.sorted_batches(loop.training_batches, lambda: targets)
    return fit(judging, replace(choices, recipe=recipe), RunContext(observe=events.append), suspects=suspects)


def main():
    """Answer one config."""
    config = json.loads(sys.argv[1])
    frame = pl.read_parquet(config["data"])
    plan = read_plan(**config["plan"])
    if config.get("pathology") is None:
        raise SystemExit("pathology?")
    cost = {"look": 0.0}
    real = loop._Session.looked_at

    def timed(self):
        start = time.monotonic()
        found = real(self)
        cost["look"] += time.monotonic() - start
        return found

    loop._Session.looked_at = timed
    results = {}
    original = loop.training_batches
    for one in pathologies.PATHOLOGIES:
        if config["pathology"] and one.name not in config["pathology"]:
            continue
        events, cost["look"], loop.training_batches = [], 0.0, original
        section = {**config["plan"], "training": {**config["plan"].get("training", {}), **one.training}}
        plan = read_plan(**section)
        trained = fitted(pathologies.planted(frame, one.name, plan.seed), one, plan, events).trained
        results[one.name] = {
            "diagnosis": to_json(trained.diagnosis),
            "curve": to_json(trained.history),
            "look": cost["look"],
            "train": trained.history[-1].seconds,
            "told": [e.text for e in events if e.station == "train" and "verdict" in e.data],
        }
        if config.get("verbose"):
            d = trained.diagnosis
            print(one.name, "->", d.verdict, "|", d.text, d.evidence, d.action, file=sys.stderr)
            for e in trained.history:
                print("   ", [round(x, 3) if isinstance(x, float) else x for x in to_json(e).values()], file=sys.stderr)
            print(
                "    look",
                round(cost["look"], 3),
                "train",
                trained.history[-1].seconds,
                results[one.name]["told"],
                file=sys.stderr,
            )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
