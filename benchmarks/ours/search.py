"""Ours: `tunewright tune`, then a run with what won. One JSON line out.

Keys of the configuration: `plan` (sections of the plan with `search`), `rows` (rows a batch to choose from, which
become tokens a batch by the mean length of the train texts).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from watch import walk

from tunewright.models.backbone import locate
from tunewright.models.tokens import TextTokenizer
from tunewright.plan import read_plan
from tunewright.runfolder import read_json
from tunewright.stories.training.studying import study_story
from tunewright.stories.walk import Request


def tokens_for(path, rows):
    """Tokens of batches of so many rows."""
    texts = pl.read_parquet(path).filter(pl.col("part") == "train")["text"].to_list()
    backbone = locate("minilm")
    mean = float(TextTokenizer(backbone.folder)(texts, backbone.max_length).lengths.mean())
    return [round(mean * count) for count in rows]


def main(config):
    """Search, then train and test once with the winner."""
    plan, stamps = config["plan"], []
    started = float(os.environ["BENCH_STARTED"])
    if config.get("rows"):
        plan["search"]["space"]["training.batch_tokens"] = tokens_for(plan["data"]["train"], config["rows"])

    def hear(event):
        if event.station == "search" and "trial" in event.data:
            stamps.append(time.time() - started)

    with tempfile.TemporaryDirectory() as folder:
        request = Request(plan=read_plan(None, **plan), out=Path(folder) / "study", observe=hear)
        study_folder, told = study_story(request)
        searched = time.time() - started
        best = read_plan(study_folder.best_yaml)
        sections = {name: getattr(best, name) for name in ("model", "training", "preprocess", "balance", "augment")}
        summary = walk({**plan, "search": {}, **sections}, folder)
        trials = read_json(study_folder.study_json)["trials"]
    answer = {
        "searched": searched,
        "stamps": stamps[: len(trials)],
        "scores": [trial["score"] for trial in trials],
        "states": [trial["state"] for trial in trials],
        "best": told["best"],
        "test": summary["metrics"]["test"][plan["objective"]["metric"]],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
