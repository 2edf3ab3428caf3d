"""Ours: one station of the living model by its public function. One JSON object in, one JSON line out.

Key `do` of the configuration, and what it needs:

* `train`: `plan` (sections of the plan), `out` (the run folder)
* `watch`: `bundle`, `log`
* `adapt`: `bundle`, `new`, `out`, `trusted` (somebody vouches for the labels)
* `score`: `bundles` by name, `data` (labelled rows), `metric`; with `pair` (two names) the paired difference as well
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl

import tunewright as tw
from tunewright.living.watching import WatchOptions
from tunewright.records import to_json
from tunewright.stories.living.adapting import AdaptRequest, adapt_story
from tunewright.stories.living.drifting import watch_story


def train(config):
    """A whole run; says where the bundle is."""
    sections = dict(config["plan"])
    data = sections.pop("data")
    target, columns = data["target"], data.get("columns")
    run = tw.run(data["train"], target=target, columns=columns, out=config["out"], **sections)
    seconds = run.summary["seconds"]["total"]
    return {"bundle": str(run.folder / "bundle"), "test": run.summary["metrics"]["test"], "seconds": seconds}


def watch(config):
    """A look at all rows of a log at once."""
    return to_json(watch_story(Path(config["bundle"]), config["log"], WatchOptions()))


def adapt(config):
    """A challenger and what became of it."""
    request = AdaptRequest(
        champion=Path(config["bundle"]), new=config["new"], out=Path(config["out"]), trusted=config["trusted"]
    )
    return to_json(adapt_story(request))


def score(config):
    """What bundles are worth on labelled rows, which of these each gets right, and the first beside the second."""
    frame = pl.read_parquet(config["data"])
    found = {"scores": {}, "right": {}}
    for name, bundle in config["bundles"].items():
        predictor = tw.load(bundle)
        right = predictor.predict(frame)["prediction"] == frame[predictor.model.preprocessor.table.target]
        found["scores"][name] = to_json(predictor.evaluate(frame)[config["metric"]])
        found["right"][name] = "".join("01"[int(one)] for one in right)
    if "pair" in config:
        a, b = (config["bundles"][name] for name in config["pair"])
        found["compared"] = to_json(tw.compare(a, b, frame, metric=config["metric"]))
    return found


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    print(json.dumps({"train": train, "watch": watch, "adapt": adapt, "score": score}[asked["do"]](asked)))
