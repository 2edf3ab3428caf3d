"""Ours: a model made from the first stretch of a stream; then block by block it answers, is watched, and is adapted.

The first model, frozen, answers beside whatever serves. Labels of a block arrive when it is over; then the rows since
the last attempt are watched, and where there is an alarm, or `every` blocks have gone by, `adapt` is tried on the
labelled rows that the champion has not learned from. What it proposes is promoted in a registry.

Keys of the configuration: `data` (parquet in the order of time, numbered by `row`), `target`, `metric`, `ignore`
(columns), `first` and `block` (rows), `every` (blocks), `memory` (labelled rows that an attempt is given at most),
`trusted` (somebody vouches for the labels), `seed`. One JSON line out.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

import tunewright as tw
from tunewright.errors import TunewrightError
from tunewright.living.adding import add_version
from tunewright.living.address import locate
from tunewright.living.promoting import promote
from tunewright.living.registry import Registry
from tunewright.living.watching import WatchOptions
from tunewright.stories.living.adapting import AdaptRequest, adapt_story
from tunewright.stories.living.drifting import watch_story
from tunewright.stories.living.succeeding import run_of, succeed

NAME, WHO, ORDER = "stream", "benchmark", "row"


class Stream:
    """A stream, its registry, and what has been tried so far.

    Args:
        config: of the benchmark.
        folder: for runs, challengers and the registry.
    """

    def __init__(self, config, folder):
        self.config, self.folder = config, folder
        self.frame = pl.read_parquet(config["data"])
        self.registry = folder / "registry"
        self.promoted = self.looked = config["first"]  # rows before which labels are used up, and looks are over
        self.waited = 0  # blocks since the last attempt
        self.champion = self.predictor = None

    def begin(self):
        """Make the first model and let it serve; returns it, and what it is worth on its own test rows."""
        path = self.folder / "first.parquet"
        self.frame[: self.config["first"]].write_parquet(path)
        run = tw.run(
            path,
            target=self.config["target"],
            columns=dict.fromkeys(self.config["ignore"], "ignore"),
            out=self.folder / "run",
            objective={"metric": self.config["metric"]},
            splits={"time": ORDER},
            seed=self.config["seed"],
        )
        registry = Registry(self.registry)
        add_version(registry, NAME, run.folder / "bundle", who=WHO)
        promote(registry, NAME, who=WHO)
        self.serve()
        return tw.load(run.folder / "bundle"), run.summary

    def serve(self):
        """Whatever is the champion now."""
        self.champion = locate(NAME, registry=self.registry)
        self.predictor = tw.load(self.champion.bundle)

    def credits(self, predictor, start, stop):
        """(rows,) of one block: whether each answer is right, or how far off it is."""
        target, rows = self.config["target"], self.frame[start:stop]
        said, truth = predictor.predict(rows.drop(target))["prediction"], rows[target]
        if said.dtype.is_numeric():
            return np.abs(said.to_numpy() - truth.cast(pl.Float64).to_numpy())
        return (said == truth.cast(pl.String)).to_numpy().astype(float)

    def watched(self, stop):
        """A look at the rows since the last attempt, labels and all; as JSON."""
        started = time.monotonic()
        options = WatchOptions(every=self.config["block"], seed=self.config["seed"])
        found = watch_story(self.champion.bundle, self.frame[self.looked : stop], options)
        metric = self.config["metric"]
        return {
            "alarm": found.alarm,
            "columns": list(dict.fromkeys(one.column for one in found.drift if one.drifted)),
            "estimated": value_of(found.estimated, metric),
            "actual": value_of(found.actual, metric),
            "seconds": time.monotonic() - started,
        }

    def due(self, alarm):
        """The first alarm is answered at once; after an attempt that failed, the next one waits its turn."""
        return self.waited >= self.config["every"] or (alarm and self.promoted == self.looked)

    def adapted(self, number, stop):
        """One attempt; the champion serves on unless it is shown to be better and no gate stays closed."""
        started = time.monotonic()
        out = self.folder / f"attempt {number}"
        new = self.frame[max(self.promoted, stop - self.config["memory"]) : stop]
        try:
            found = adapt_story(
                AdaptRequest(
                    champion=self.champion.bundle,
                    run=run_of(self.champion, registry=self.registry),
                    new=new,
                    out=out,
                    trusted=self.config["trusted"],
                    seed=self.config["seed"],
                )
            )
            found = succeed(found, self.champion, registry=self.registry, who=WHO)
            told = {"decision": found.decision, "closed": [one.name for one in found.gates if not one.passed]}
        except TunewrightError as problem:
            told = {"decision": "failed", "closed": [], "why": str(problem)}
        if told["decision"] == "promoted":
            self.serve()
            self.promoted = stop
        else:
            shutil.rmtree(out, ignore_errors=True)  # nobody will ask for it again; disks are finite
        self.looked, self.waited = stop, 0
        return {**told, "rows": new.height, "seconds": time.monotonic() - started}

    def go(self):
        """From the first block to the last whole one."""
        frozen, summary = self.begin()
        blocks, scores = [], {"frozen": [], "adapted": []}
        size = self.config["block"]
        for number, start in enumerate(range(self.config["first"], self.frame.height - size + 1, size)):
            stop = start + size
            version = self.champion.version
            scores["frozen"] += self.credits(frozen, start, stop).tolist()
            scores["adapted"] += self.credits(self.predictor, start, stop).tolist()
            self.waited += 1
            look = self.watched(stop)
            attempt = self.adapted(number, stop) if self.due(look["alarm"]) else None
            blocks.append({"start": start, "stop": stop, "version": version, "look": look, "attempt": attempt})
        test = summary["metrics"]["test"][self.config["metric"]]["value"]
        return {"blocks": blocks, "scores": scores, "test": test, "training": summary["seconds"]["total"]}


def value_of(scores, metric):
    """A score's value where there is one."""
    return scores[metric].value if metric in scores else None


def main(config):
    """Walk one stream."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(Stream(config, Path(folder)).go()))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
