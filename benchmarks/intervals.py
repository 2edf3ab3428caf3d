"""Coverage of every interval, by simulation: draw test sets from known populations, count how often the truth is in."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from common import options, report

from tunewright.metrics import Outcome, difference, scores
from tunewright.stats import wilson

POPULATION = 400_000
ROUNDS = 1000
LOW, HIGH = 0.93, 0.97
TASKS = ("binary", "multiclass", "multilabel", "regression", "regression, heavy tails")


@dataclass(frozen=True, slots=True)
class World:
    """A population of rows with two models' answers for it."""

    task: str
    truth: np.ndarray
    outputs: tuple[np.ndarray, np.ndarray]

    def outcome(self, model, rows=slice(None)):
        """One model's answers for some rows."""
        truth, out = self.truth[rows], self.outputs[model][rows]
        if self.task == "regression":
            return Outcome(task="regression", truth=truth, labels=out)
        if self.task == "multilabel":
            p = 1 / (1 + np.exp(-out))
            labels = (p >= 0.5).astype(np.int64)
            return Outcome(task="multilabel", truth=truth, labels=labels, probabilities=p, classes=out.shape[1])
        p = np.exp(out - out.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return Outcome(task=self.task, truth=truth, labels=out.argmax(1), probabilities=p, classes=out.shape[1])


def world(task, seed):
    """Classes of unequal size (a rare one of 8 %), two related models of unequal strength, errors of unequal size."""
    rng = np.random.default_rng(seed)
    n = POPULATION
    if task.startswith("regression"):
        truth = rng.normal(size=n)
        often = rng.normal(size=n) * np.where(rng.random(n) < 0.1, 0.8, 0.4)  # one row in ten is twice as noisy
        shared = rng.standard_t(4, n) * 0.4 if "heavy" in task else often
        return World("regression", truth, (truth + shared, 0.9 * truth + shared + rng.normal(size=n) * 0.3))
    if task == "multilabel":
        truth = (rng.random((n, 4)) < np.array([0.5, 0.3, 0.2, 0.1])).astype(np.int64)
        shared = rng.normal(size=(n, 4))
        base = 2.5 * truth - 1.5 + shared
        return World(task, truth, (base, base * 0.7 + rng.normal(size=(n, 4)) * 0.6))
    shares = np.array([0.7, 0.3]) if task == "binary" else np.array([0.4, 0.25, 0.15, 0.12, 0.08])
    truth = rng.choice(len(shares), n, p=shares)
    base = rng.normal(size=(n, len(shares)))
    base[np.arange(n), truth] += 2.0
    return World(task, truth, (base * 1.5, base + rng.normal(size=base.shape) * 0.8))


def covered(score, value):
    """Whether a score's interval holds the value; rounding of float32 sums is not held against it."""
    return score.low - 1e-9 <= value <= score.high + 1e-9


def simulate(task, n, given):
    """{(what, metric): hits and tries} of one task at n test rows."""
    population = world(task, 1)
    whole = [population.outcome(model) for model in (0, 1)]
    from tunewright.metrics import metric, names_for

    names = [name for name in names_for(population.task) if name != "ece"]
    truth = {name: [metric(name).value(one) for one in whole] for name in names}
    rng = np.random.default_rng(2)
    found = {}
    started = time.monotonic()
    for run in range(given.simulations):
        rows = rng.choice(POPULATION, n, replace=False)
        a, b = (population.outcome(model, rows) for model in (0, 1))
        for name, score in scores(a, names=names, seed=run, rounds=ROUNDS).items():
            count(found, ("value", name), covered(score, truth[name][0]))
        # One metric's difference a run, in turns: each needs resamples of its own.
        for name in names[run % len(names) :: len(names)]:
            sign = 1.0 if metric(name).greater_is_better else -1.0
            gap = sign * (truth[name][0] - truth[name][1])
            count(found, ("difference", name), covered(difference(name, a, b, seed=run).difference, gap))
        if run % 200 == 199:
            left = (time.monotonic() - started) / (run + 1) * (given.simulations - run - 1)
            print(f"{task}, n {n}: {run + 1} of {given.simulations}, {left / 60:.0f} min left", flush=True)
    return found


def count(found, key, hit):
    """One more try."""
    hits, tries = found.get(key, (0, 0))
    found[key] = hits + bool(hit), tries + 1


def lines(task, n, found):
    """A line per metric: coverage of its value and of a paired difference, with Wilson's interval of the simulation."""
    table = []
    for name in dict.fromkeys(name for _, name in found):
        line = {"task": task, "test rows": n, "metric": name}
        for what in ("value", "difference"):
            hits, tries = found.get((what, name), (0, 0))
            if not tries:
                line[what] = ""
                continue
            share = wilson(hits, tries)
            line[what] = f"{100 * share.value:.1f} % ({100 * share.low:.1f}–{100 * share.high:.1f}, {tries:,})"
        hits, tries = found[("value", name)]
        line["within 93–97 %"] = "yes" if LOW <= hits / tries <= HIGH else "above" if hits / tries > HIGH else "below"
        table.append(line)
    return table


def main():
    """Simulate and write the section."""
    parser = options(__doc__)
    parser.add_argument("--simulations", type=int, default=4000)
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    parser.add_argument("--sizes", nargs="+", type=int, default=[200])
    given = parser.parse_args()
    table = []
    for task in given.tasks:
        for n in given.sizes:
            table += lines(task, n, simulate(task, n, given))
            notes = [
                f"{given.simulations:,} test sets per task and size, drawn from {POPULATION:,} rows whose value is "
                f"the truth; {ROUNDS:,} bootstrap rounds. In brackets Wilson's interval, and the tries.",
                "Differences between two models on the same rows are simulated for one metric a test set, in turns. "
                "ece is left out: its expectation at n rows is not its value in the population.",
                "Heavy tails: Student's t with 4 degrees of freedom, whose squared errors have no variance.",
                "Above 97 % an interval is wider than it must be: those floors (see `metrics.scores`) keep a value at "
                "its bound from looking certain.",
            ]
            report(table, notes, given)


if __name__ == "__main__":
    main()
