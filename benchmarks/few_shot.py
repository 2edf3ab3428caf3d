"""Row 4: seconds to a model from 8 or 16 labelled rows a class, at accuracy no lower, against setfit.

Both learn from the same drawn rows of the same backbone, on as many threads, and answer the same test rows; a seed
draws other rows. Ours has to take its validation rows out of the few, where setfit learns from all of them.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from augment import parted
from common import Failed, backbone, judged, median, options, pace, report, run_ours, run_peer, spread
from sets import data_file
from settings import plan_of

GOAL = 8.0
SLACK = 0.003  # three tenths of a point: what "no lower" allows
SHOTS = (8, 16)
CHOICES = ("snips", "sms_spam", "clinc150")
MOST_TEST = 1000
# setfit's three settings: as it comes (every unique pair, the rarer sort repeated), 20 pairs of each sort a row as in
# its paper, and a quarter of that. With 150 classes the first would be a million and a half pairs.
SETFIT = {
    "defaults": {"num_epochs": 1, "batch_size": 16},
    "20 pairs a row": {"num_epochs": 1, "batch_size": 16, "num_iterations": 20},
    "5 pairs a row": {"num_epochs": 1, "batch_size": 16, "num_iterations": 5},
}
MOST_CLASSES = 20
OURS = {
    "tunewright run": ({}, True),
    "tunewright run, splits.folds=4": ({"splits": {"part": "part", "folds": 4}}, True),
    "tunewright, fit alone": ({}, False),
    "tunewright, fit alone, model.train=head": ({"model": {"train": "head"}}, False),
}
JUDGED = ("tunewright run", "tunewright, fit alone")


def rows_of(name, shots, seed):
    """The set's file: so many train rows a class, drawn by the seed, and at most 1,000 test rows, the same for all."""
    frame = parted(name).with_columns(part=pl.col("part").replace("validation", "train"))
    train, test = (frame.filter(pl.col("part") == part) for part in ("train", "test"))
    few = train.sample(fraction=1.0, shuffle=True, seed=seed).group_by("label", maintain_order=True).head(shots)
    test = test.sample(min(MOST_TEST, len(test)), seed=0)
    return data_file(pl.concat([few.select(frame.columns), test]), f"few-{name}-{shots}-{seed}")


def plan(data, seed, sections):
    """Our plan: every choice is the product's own."""
    return {**plan_of(data, train="auto", seed=seed), **sections}


def arms(name, data, seed, given):
    """{arm: () to its result}; every result has `seconds`, `right`, `accuracy`."""
    found = {}
    for arm, (sections, whole) in OURS.items():
        config = {"plan": plan(data, seed, sections), "whole": whole}
        found[arm] = lambda config=config: run_ours("few_shot", config)
    classes = pl.read_parquet(data)["label"].n_unique()
    for said, args in SETFIT.items():
        if classes > MOST_CLASSES and "num_iterations" not in args:
            continue
        config = {"data": str(data), "model": backbone(), "seed": seed, "args": args}
        found[f"setfit, {said}"] = lambda config=config: run_peer(
            "setfit", "setfit_fit", config, pair=seed, use_cache=not given.no_cache
        )
    return found


def bits(results):
    """(n,) share of the seeds in which each test row was got right."""
    return np.mean([[bit == "1" for bit in one["right"]] for one in results], axis=0)


def lines_of(name, shots, found):
    """A line per arm; a peer's says how much sooner ours stands, and whether it is as good."""
    from tunewright.stats import paired_difference

    lines = []
    for arm, results in found.items():
        line = {
            "set": name,
            "rows a class": shots,
            "arm": arm,
            "accuracy": f"{bits(results).mean():.4f}",
            "seconds": spread(results, "seconds"),
        }
        for ours in JUDGED:
            line[f"{ours}: ratio"] = line[f"{ours}: ours − it, points"] = line[f"{ours}: goal"] = ""
            if arm in OURS or ours not in found:
                continue
            score, _ = paired_difference(bits(found[ours]), bits(results))
            ratio = median(results, "seconds") / median(found[ours], "seconds")
            line[f"{ours}: ratio"] = f"{ratio:.1f}×"
            line[f"{ours}: ours − it, points"] = (
                f"{100 * score.value:+.2f} ({100 * score.low:+.2f} to {100 * score.high:+.2f})"
            )
            line[f"{ours}: goal"] = verdict(ratio, score.value)
        lines.append(line)
    return lines


def verdict(ratio, difference):
    """Row 4 in words: fast and no lower."""
    if difference < -SLACK:
        return f"≥ {GOAL:g}×, not reached: its accuracy is lower"
    return f"≥ {GOAL:g}×, {judged(ratio, GOAL)}"


def main():
    """Measure cell after cell and rewrite the section after each."""
    parser = options(__doc__, "no-cache")
    parser.add_argument("--sets", nargs="*", default=["snips", "sms_spam"], choices=CHOICES)
    parser.add_argument("--shots", nargs="*", type=int, default=list(SHOTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    given = parser.parse_args()
    table, everything, failed = [], [], {}
    for name in given.sets:
        for shots in given.shots:
            found = {}
            for seed in given.seeds:
                for arm, measure in arms(name, rows_of(name, shots, seed), seed, given).items():
                    try:
                        found.setdefault(arm, []).append(measure())
                    except Failed as problem:
                        failed[arm] = str(problem).strip().splitlines()[-1]
            complete = {arm: results for arm, results in found.items() if len(results) == len(given.seeds)}
            everything += [one for results in complete.values() for one in results]
            table += lines_of(name, shots, complete)
            report(table, notes(given, everything, failed), given)


def notes(given, results, failed):
    """What the numbers are."""
    return [
        f"{len(given.seeds)} seeds, alternately; a seed draws the rows. Test rows: at most {MOST_TEST:,}, the same for "
        "all. Differences: paired bootstrap over test rows, seeds averaged; 'no lower' allows three tenths of a point.",
        "Seconds from the start of the process to the trained model, imports and loading included, with nothing "
        "cached; setfit's scoring of the test rows is not counted. `tunewright run` is the whole road: audit, "
        "baselines, evaluation, explanation, bundle and report, which setfit has not; `fit alone` is the like of what "
        "setfit does.",
        "Ours draws its validation rows from the few (15 % of them); with folds it cross-validates and then fits on "
        "all of them. Batches, epochs and what trains are `auto`.",
        "setfit (float32, its head scikit-learn's logistic regression): "
        + "; ".join(f"{said}: {args}" for said, args in SETFIT.items())
        + ".",
        *(f"{arm} failed: {why}" for arm, why in failed.items()),
        pace(results),
    ]


if __name__ == "__main__":
    main()
