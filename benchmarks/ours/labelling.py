"""Labelling in rounds on one set: which rows are labelled decides how soon a head on frozen features is good.

Each round the head is fitted on what has a label so far, and as many rows again are chosen: by the product's picker, by
the least margin, or at random. Keys of the configuration: `plan` (sections of the plan), `metric`, `seeds`, `sizes`
(rows with a label, the first ones drawn at random), `ways`. One JSON line out.
"""

from __future__ import annotations

import json
import sys

import numpy as np

from tunewright.learning.decisions import fit_decision
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.learning.probe import ProbeData, fit_logistic_probe
from tunewright.living.alike import SameCells, SameTexts
from tunewright.living.doubts import Answered, doubts_of, unit
from tunewright.living.picking import Picker
from tunewright.metrics import metric as metric_of
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge

STRENGTH = 10.0  # of the head's penalty, the same for every way: with few labels there are none to choose it on


class World:
    """Rows with labels that are told only when asked for, and test rows."""

    def __init__(self, plan, metric):
        plan = read_plan(**plan)
        prepared = prepare(load_rows(plan), plan)
        judging, choices = judge(prepared, plan)
        self.problem, self.metric = judging.problem, metric_of(metric)
        run = RunContext()
        self.x = frozen_features(self.problem, choices.pooling, decide_precision(self.problem, run), run)
        self.unit = unit(self.x["train"])
        composed = self.problem.preprocessor.compose(self.problem.typed["train"])
        self.texts = ["\n".join(one) for one in zip(*composed, strict=True)]

    def fitted(self, rows):
        """The head that knows the labels of these train rows: a function of features."""
        data = ProbeData(
            x_nF=self.x["train"][rows],
            targets=self.problem.targets["train"][rows],
            weights=None,
            validation_x=self.x["train"][:1],
            judge=lambda outputs: 0.0,
        )
        task = self.problem.task
        return fit_logistic_probe(data, loss=task.loss, outputs=task.outputs, strengths=(STRENGTH,)).outputs

    def decision(self, head):
        """Temperature and thresholds by the validation rows, alike for every way."""
        return fit_decision(
            self.problem.task, head(self.x["validation"]), self.problem.targets["validation"], self.metric.name
        )

    def score(self, head, decision):
        """The metric on the test rows."""
        outcome = self.problem.task.outcome(self.problem.targets["test"], head(self.x["test"]), decision)
        return float(self.metric.value(outcome))

    def alike(self, rows):
        """What tells repeats among train rows."""
        if not self.texts:
            return SameCells(self.x["train"][rows])
        return SameTexts.of([self.texts[row] for row in rows])


def chosen(way, world, head, decision, labelled, budget, seed):
    """Train rows to label next."""
    pool = np.setdiff1d(np.arange(len(world.unit)), labelled)
    rng = np.random.default_rng([seed, len(labelled)])
    if way == "random":
        return rng.choice(pool, budget, replace=False)
    residuals, doubts = doubts_of(world.problem.task, head(world.x["train"][pool]), decision)
    if way == "margin":
        return pool[np.argsort(-doubts, kind="stable")[:budget]]
    alike = world.alike(np.concatenate([pool, labelled]))
    answered = Answered(x=world.unit[pool], residuals=residuals, doubts=doubts)
    picked = Picker(answered, alike, labelled=len(labelled), seed=seed).pick(budget)
    found = pool[[one.row for one in picked]]
    # Where no row is left that repeats none, the rest is drawn: every way spends the same.
    rest = np.setdiff1d(pool, found)
    return np.concatenate([found, rng.choice(rest, budget - len(found), replace=False)])


def curve(way, world, sizes, seed):
    """Scores by rows with a label."""
    rng = np.random.default_rng(seed)
    labelled = rng.choice(len(world.unit), sizes[0], replace=False)
    scores = []
    for size, following in zip(sizes, [*sizes[1:], None], strict=True):
        assert len(labelled) == size
        head = world.fitted(labelled)
        decision = world.decision(head)
        scores.append(world.score(head, decision))
        if following is not None:
            new = chosen(way, world, head, decision, labelled, following - size, seed)
            labelled = np.concatenate([labelled, new])
    return scores


def main():
    """Answer one config."""
    config = json.loads(sys.argv[1])
    world = World(config["plan"], config["metric"])
    found = {way: [curve(way, world, config["sizes"], seed) for seed in config["seeds"]] for way in config["ways"]}
    print(json.dumps({"curves": found, "pool": len(world.unit), "test": len(world.x["test"])}))


if __name__ == "__main__":
    main()
