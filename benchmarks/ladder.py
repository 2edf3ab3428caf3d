"""`model.train: auto` beside its rungs: what the ladder costs, what it gives, and whether it stops where it should."""

from __future__ import annotations

import statistics
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from common import cached, digest, options, pace, report, run_ours
from quality import source_digest
from sets import SETS, data_file
from venvs import PEERS

ROWS = 2000
NAMES = ("support_desk", "titanic", "snips", "sms_spam", "emobank")
# What trains, and behind an @ the minutes of the budget: with one, the rung between is tried on any number of rows.
ARMS = ("full", "auto@1000")
PARTS = ("validation", "test")
HOME = PEERS / "home"  # vectors of the probe are kept, states under frozen layers are removed before every fit


def plan_for(name, seed, given):
    """The file of a set, or of a sample of it, split by the product."""
    rows = given.rows or ROWS
    if name == "support_desk":
        from tunewright.example import path

        data, target, metric, ignore = path(), "team", "auto", ()
    else:
        one = next(found for found in SETS if found.name == name)
        frame = one.load().drop("part", strict=False)
        data = data_file(frame.sample(min(rows, len(frame)), seed=0), f"ladder-{name}-{rows}")
        target, metric, ignore = one.target, one.metric, one.ignore
    return {
        "data": {"train": str(data), "target": target, "columns": dict.fromkeys(ignore, "ignore")},
        "objective": {"metric": metric},
        "splits": {"validation": given.validation},
        "seed": seed,
    }


def measure(name, seed, given, source):
    """All arms of one set and seed, each a process; taken from the cache where neither data nor product has changed."""
    plan, found = plan_for(name, seed, given), {}
    for arm in given.arms:
        train, _, minutes = arm.partition("@")
        budget = {"budget": {"minutes": float(minutes)}} if minutes else {}
        config = {"plan": plan | budget, "train": train}
        key = {**config, "data": digest(Path(plan["data"]["train"])), "source": source}
        make = partial(run_ours, "ladder", config, home=str(HOME))
        found[arm] = cached("ladder", key, make, use_cache=not given.no_cache)
    return found


def outcome_of(result, part):
    """What an arm said of a part."""
    from tunewright.metrics import Outcome

    told = result["outcomes"][part]
    return Outcome(**{name: np.array(one) if isinstance(one, list) else one for name, one in told.items()})


def value_of(result, part):
    """The arm's metric on a part."""
    from tunewright.metrics import metric

    return metric(result["metric"]).value(outcome_of(result, part))


def gain_of(result, base, part):
    """Difference arm − base in points, paired over rows, with its interval; positive is better."""
    from tunewright.metrics import difference

    told = difference(result["metric"], outcome_of(result, part), outcome_of(base, part)).difference
    return f"{100 * told.value:+.1f} ({100 * told.low:+.1f} to {100 * told.high:+.1f})"


def line_of(name, arm, base, results):
    """A line of the table: an arm on a set, over its seeds."""
    told, bases = [one[arm] for one in results], [one[base] for one in results]
    line = {
        "set": f"{name}, {told[0]['metric']}",
        "rows": " / ".join(f"{told[0]['rows'][part]:,}" for part in ("train", *PARTS)),
        "model.train": arm,
        **{part: f"{statistics.mean(value_of(one, part) for one in told):.4f}" for part in PARTS},
        f"test − {base}, points, seed by seed": "",
        "CPU seconds of the fit": f"{statistics.mean(one['cpu'] for one in told):.1f}",
        f"of {base}": "",
        "ended": ", ".join(f"{count} × {how}" for how, count in sorted(Counter(map(ended, told)).items())),
    }
    if arm != base:
        gains = [gain_of(one, other, "test") for one, other in zip(told, bases, strict=True)]
        line[f"test − {base}, points, seed by seed"] = "; ".join(gains)
        ratios = [one["cpu"] / other["cpu"] for one, other in zip(told, bases, strict=True)]
        line[f"of {base}"] = f"{statistics.mean(ratios):.2f}× ({min(ratios):.2f} to {max(ratios):.2f})"
    return line


def ended(told):
    """Where an arm ended, in words."""
    epochs = len(told["curve"]) - 1
    if not told["rungs"]:
        return f"{told['kept']} kept after {epochs} epochs"
    last = told["rungs"][-1]
    return f"{last['name']} {last['verdict']} after {epochs} epochs"


def main():
    """Measure set after set and rewrite the section after each."""
    parser = options(__doc__, "rows", "no-cache")
    parser.add_argument("--sets", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), help="values of model.train[@minutes]; first the base")
    parser.add_argument("--validation", type=float, default=0.15, help="share of the rows")
    parser.add_argument("--part", default="", help="of the section, for a table beside the others")
    given = parser.parse_args()
    source, found = source_digest(), {}
    for name in given.sets:
        for seed in given.seeds:
            found.setdefault(name, []).append(measure(name, seed, given, source))
        table = [line_of(key, arm, given.arms[0], many) for key, many in found.items() for arm in given.arms]
        everything = [{**one, "cached": None} for many in found.values() for arms in many for one in arms.values()]
        rungs = [rung for one in everything for rung in one["rungs"]]
        verdicts = Counter(f"{rung['name']} {rung['verdict']}" for rung in rungs)
        notes = [
            "auto@1000: auto with budget.minutes: 1000, so that the top half is tried whatever the number of rows.",
            f"At most {given.rows or ROWS:,} rows of each set, split by the product, seeds "
            f"{', '.join(map(str, given.seeds))}; every arm is a fit in a process of its own (probe, training, words, "
            "decision), vectors of the probe cached, states under frozen layers not. CPU seconds of one thread, since "
            "the machine had other work.",
            "What is compared is the model that is handed over, on test rows that chose nothing; intervals are paired "
            "over rows.",
            f"Rungs of auto: {', '.join(f'{count} × {name}' for name, count in sorted(verdicts.items()))}.",
            pace(everything),
        ]
        report(table, notes, given, given.part)


if __name__ == "__main__":
    main()
