"""Frozen layers computed once: seconds per epoch of top layers with the prefix cache and without it, alternately."""

from __future__ import annotations

import statistics
from functools import partial

import numpy as np
from common import cached, digest, median, options, pace, report, run_ours, spread
from quality import source_digest
from sets import SETS, data_file
from venvs import PEERS

ROWS = 2000
HOME = PEERS / "home"  # vectors of the probe are kept, states are removed before every training
GB = {"with": 8, "without": 0}


def sample(name, rows):
    """The file of a sample of distinct texts."""
    one = next(found for found in SETS if found.name == name)
    frame = one.load().rename({one.target: "label"}).select("text", "label")
    frame = frame.unique("text", keep="first", maintain_order=True)
    return data_file(frame.sample(min(rows, len(frame)), seed=0), f"prefix-{name}-{rows}")


def measure(data, layers, given, source):
    """Pairs of trainings, each in a process of its own: {arm: results}; those of this very source are not run again."""
    found = {"with": [], "without": []}
    for seed in range(given.pairs):
        plan = {
            "data": {"train": str(data), "target": "label"},
            "objective": {"metric": "accuracy"},
            "model": {"train": f"layers:{layers}"},
            "training": {"epochs": given.epochs, "early_stopping": 0},
            "seed": seed,
        }
        for arm, gb in GB.items():
            config = {"plan": plan, "gb": gb, "again": arm == "with" and seed == 0}
            key = {**config, "source": source, "data": digest(data)}
            make = partial(run_ours, "prefix", config, home=str(HOME))
            found[arm].append(cached("prefix", key, make, use_cache=not given.no_cache))
    return found


def line_of(layers, found):
    """A line of the table: what is measured pair by pair is the ratio."""
    ratios = [b["epoch"] / a["epoch"] for a, b in zip(found["with"], found["without"], strict=True)]
    saved = [b["epoch"] - a["epoch"] for a, b in zip(found["with"], found["without"], strict=True)]
    apart = max(
        float(np.abs(np.subtract(a["losses"], b["losses"])).max())
        for a, b in zip(found["with"], found["without"], strict=True)
    )
    best = [f"{statistics.mean(max(one['metrics']) for one in results):.4f}" for results in found.values()]
    later = found["with"][0]["later"]
    return {
        "trains": f"layers:{layers}",
        "s per epoch, with": spread(found["with"], "epoch", 2),
        "without": spread(found["without"], "epoch", 2),
        "faster by": f"{statistics.median(ratios):.2f}× ({min(ratios):.2f} to {max(ratios):.2f})",
        "once, s": spread(found["with"], "enter", 2),
        "pays after epochs": f"{median(found['with'], 'enter') / statistics.median(saved):.1f}",
        "in a later run, s": f"{later['enter']:.2f} ({later['computed']} texts computed)",
        "MB": f"{median(found['with'], 'mb'):.0f}",
        "train losses apart by": f"{apart:.1g}",
        "best accuracy, with / without": " / ".join(best),
    }


def main():
    """Measure and write the section."""
    parser = options(__doc__, "pairs", "rows", "no-cache")
    parser.add_argument("--set", default="snips", choices=[one.name for one in SETS])
    parser.add_argument("--layers", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    data = sample(given.set, given.rows or ROWS)
    table, everything, source = [], [], source_digest()
    for layers in given.layers:
        found = measure(data, layers, given, source)
        everything += [result for results in found.values() for result in results]
        table.append(line_of(layers, found))
        one = everything[0]
        notes = [
            f"{given.set}, a sample of {given.rows or ROWS:,} distinct texts: {one['rows']:,} train rows of "
            f"{one['tokens']:.1f} tokens on average, {one['held']:,} validation rows; {given.epochs} epochs, "
            f"{one['precision']}, {given.pairs} pairs of processes, alternately, each without states at first. Median, "
            "least and greatest.",
            "An epoch is its updates and its look at the validation rows, by the loop's own clock. Once: finding what "
            "is stored, computing, writing and mapping the rest. A later run: the same rows again, in the same home.",
            pace([{**one, "cached": None} for one in everything]),
        ]
        report(table, notes, given)


if __name__ == "__main__":
    main()
