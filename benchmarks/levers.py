"""What each lever of training gives: the recipe as it is, and with one of them changed, paired over rows and seeds."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from common import Failed, digest, options, pace, report, run_ours
from quality import source_digest
from sets import data_file, texts_file
from settings import plan_of
from venvs import PEERS

SETS = {"snips": "accuracy", "clinc150": "accuracy", "emobank": "pearson"}
ROWS = 3000
TEST_ROWS = 1000
ROUNDS = 4000
HOME = PEERS / "home"  # the product's cache of vectors, and the precision it once measured: the same in every arm
BASE = "as it is"
# What each arm changes: sections of the plan, and whether the head starts from noise in the probe's place.
ARMS = {
    BASE: {},
    "layer_decay 0.9": {"training": {"layer_decay": 0.9}},
    "layer_decay 0.8": {"training": {"layer_decay": 0.8}},
    "unfreeze gradual": {"training": {"unfreeze": "gradual"}},
    "averaging epochs": {"training": {"averaging": "epochs"}},
    "averaging ema": {"training": {"averaging": "ema"}},
    "dropout 0.1": {"training": {"dropout": 0.1}},
    "weight_decay 0": {"training": {"weight_decay": 0.0}},
    "weight_decay 0.1": {"training": {"weight_decay": 0.1}},
    "label_smoothing 0.1": {"training": {"label_smoothing": 0.1}},
    "mixup": {"augment": "mixup"},
    "cold head": {"cold": True},
}
OF_LABELS = {"label_smoothing 0.1"}


def arms_of(name, asked):
    """The arms that mean something on a set, the base first."""
    values = SETS[name] == "pearson"
    return [arm for arm in ARMS if (arm in asked or arm == BASE) and not (values and arm in OF_LABELS)]


def sample(name, rows):
    """The set's file with at most so many train and validation rows, always the same; few test rows are no saving."""
    most = {"train": rows, "validation": rows, "test": max(rows, TEST_ROWS)}
    parts = pl.read_parquet(texts_file(name)).partition_by("part", as_dict=True, maintain_order=True)
    drawn = [frame.sample(min(most[part], len(frame)), seed=0) for (part,), frame in parts.items()]
    return data_file(pl.concat(drawn), f"levers-{name}-{rows}")


def job_of(name, seed, arm, given, source):
    """One fit and the file of its answer, named by all that the answer depends on."""
    data = sample(name, given.rows or ROWS)
    changed = dict(ARMS[arm])
    cold, training = changed.pop("cold", False), changed.pop("training", {})
    plan = plan_of(data, seed=seed, **({"epochs": given.epochs} if given.epochs else {}), **training)
    plan |= {"objective": {"metric": SETS[name]}, **changed}
    shown = {**plan, "data": {**plan["data"], "train": digest(data)}}
    key = json.dumps({"plan": shown, "cold": cold, "source": source}, sort_keys=True)
    out = PEERS / "levers" / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
    return {"plan": plan, "cold": cold, "out": str(out)}


def measure(name, seed, given, source):
    """The arms of one set and seed; fits whose answers are there already are not made again, with `--done` none is."""
    jobs = {arm: job_of(name, seed, arm, given, source) for arm in arms_of(name, given.arms)}
    (PEERS / "levers").mkdir(parents=True, exist_ok=True)
    missing = [job for job in jobs.values() if given.no_cache or not Path(job["out"]).exists()]
    if given.done:
        jobs = {arm: job for arm, job in jobs.items() if Path(job["out"]).exists()}
    elif missing:
        run_ours("levers", {"jobs": missing}, home=str(HOME))
    return {arm: json.loads(Path(job["out"]).read_text()) for arm, job in jobs.items()}


def outcome_of(result):
    """Truth and answers of the test rows, as the metrics read them."""
    from tunewright.metrics import Outcome

    truth, said = (np.array(result[name]) for name in ("truth", "said"))
    return Outcome(task=result["task"], truth=truth, labels=said, probabilities=None, classes=result["classes"])


def draws_of(metric, mine, theirs):
    """(s,) each seed's difference of the metric on test rows, and (r,) its mean, rows and seeds drawn anew.

    All arms and seeds of a set share their draws of rows; a draw of seeds is of as many as there are.
    """
    from tunewright.metrics import metric as metric_of
    from tunewright.stats.intervals import bootstrap_weights

    found = metric_of(metric)
    pairs = [(outcome_of(a), outcome_of(b)) for a, b in zip(mine, theirs, strict=True)]
    each = np.array([found.value(a) - found.value(b) for a, b in pairs])
    again = [(found.resampled(a), found.resampled(b)) for a, b in pairs]
    blocks = bootstrap_weights(len(mine[0]["truth"]), rounds=ROUNDS, seed=0)
    drawn = np.concatenate([np.stack([a(w) - b(w) for a, b in again]) for w in blocks], axis=1)
    seeds = np.random.default_rng(0).integers(0, len(pairs), (len(pairs), ROUNDS))
    return each, np.take_along_axis(drawn, seeds, 0).mean(0)


def points(value, draws):
    """A difference in points with its interval."""
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{100 * value:+.2f} ({100 * min(low, value):+.2f} to {100 * max(high, value):+.2f})"


def lines_of(name, found):
    """A line per arm of one set, and what its comparison drew."""
    from tunewright.metrics import metric as metric_of
    from tunewright.stats.paired import bootstrap_p_value

    metric, lines, drawn = metric_of(SETS[name]), [], {}
    for arm, by_seed in found.items():
        results, base = list(by_seed.values()), [found[BASE][seed] for seed in by_seed]
        usual = sum(one["seconds"] for one in base)
        line = {
            "set": name,
            "arm": arm,
            "fine-tuned, validation": f"{np.mean([one['validation'] for one in results]):.4f}",
            "handed over, test": f"{np.mean([metric.value(outcome_of(one)) for one in results]):.4f}",
            "test − as it is, points": "",
            "seed by seed": "",
        }
        if arm != BASE:
            each, draws = draws_of(SETS[name], results, base)
            drawn[arm] = (float(each.mean()), draws, bootstrap_p_value(draws))
            line["test − as it is, points"] = points(each.mean(), draws)
            line["seed by seed"] = ", ".join(f"{100 * one:+.2f}" for one in each)
        line["kept"] = ", ".join(
            f"{kind} {count}" for kind, count in sorted(Counter(o["kept"] for o in results).items())
        )
        line["fine-tuning, × as it is"] = f"{sum(one['seconds'] for one in results) / usual:.2f}"
        lines.append(line)
    return lines, drawn


def together(drawn):
    """A line per arm: the mean of the sets' differences, of the sets that have it."""
    lines = []
    for arm in ARMS:
        parts = [per_set[arm] for per_set in drawn.values() if arm in per_set]
        if len(parts) > 1:
            value, draws = np.mean([one[0] for one in parts]), np.mean([one[1] for one in parts], axis=0)
            line = {"set": f"mean of {len(parts)} sets", "arm": arm, "test − as it is, points": points(value, draws)}
            lines.append(line)
    return lines


def section(measured, given, failed):
    """Table and notes of what has been measured so far."""
    from tunewright.stats import holm

    rows, lines, drawn = given.rows or ROWS, [], {}
    for name, found in measured.items():
        more, drawn[name] = lines_of(name, found)
        lines += more
    asked = [(name, arm, p) for name, per_set in drawn.items() for arm, (_, _, p) in per_set.items()]
    adjusted = holm([p for _, _, p in asked])
    shown = [f"{arm} on {name}" for (name, arm, _), p in zip(asked, adjusted, strict=True) if p < 0.05]
    results = [one for found in measured.values() for many in found.values() for one in many.values()]
    seeds = sorted({len(many) for found in measured.values() for many in found.values()})
    notes = [
        f"At most {rows:,} train and validation rows and {max(rows, TEST_ROWS):,} test rows, the same in every run; "
        f"full fine-tuning from the probe{f', {given.epochs} epochs' if given.epochs else ''}; "
        f"{' and '.join(sorted({one['precision'] for one in results}))}. "
        f"Seeds per line: {' or '.join(map(str, seeds))}, of shuffling, dropout and draws.",
        "The metric is accuracy for snips and clinc150, Pearson's correlation for emobank. Handed over is what "
        "validation chose: the probe or the fine-tuned network or the mean of its weights, with or without words.",
        "Intervals: paired bootstrap that draws test rows and seeds anew"
        + (". With one seed only rows: what another seed would give is not in it." if seeds == [1] else "."),
        f"{len(asked)} comparisons: {sum(p < 0.05 for _, _, p in asked)} have p < 0.05 alone, {len(shown)} after "
        f"Holm's adjustment over all of them{': ' + '; '.join(shown) if shown else ''}.",
        "The cold head starts from noise; in every other arm the head starts from the probe.",
        "Times of fine-tuning are of one process after the other: they compare only where the yardstick below is even.",
        *failed,
        pace(results),
    ]
    return [*lines, *together(drawn)], notes


def main():
    """Measure seed by seed and set by set, and rewrite the section after each."""
    parser = options(__doc__, "rows", "no-cache")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--done", action="store_true", help="measure nothing, report what has been")
    parser.add_argument("--epochs", type=int, help="fewer (a trial, not a result)")
    given = parser.parse_args()
    source, measured, failed = source_digest(), {}, []
    for seed in given.seeds:
        for name in given.sets:
            try:
                found = measure(name, seed, given, source)
            except Failed as problem:
                failed.append(f"{name}, seed {seed}, is left out: {str(problem).strip().splitlines()[-1]}")
                continue
            for arm, result in found.items() if BASE in found else ():
                measured.setdefault(name, {}).setdefault(arm, {})[seed] = result
            if measured:
                report(*section(measured, given, failed), given)


if __name__ == "__main__":
    main()
