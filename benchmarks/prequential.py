"""Streams in the order of time: a model frozen after the first stretch beside the same model watched and adapted.

Each block is first answered by both, then its labels arrive. Attempts to adapt go through all gates; what passes them
is promoted in a registry.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from common import Failed, options, pace, report, run_ours
from sets import SHARED, data_file

from tunewright.records import Score
from tunewright.stats import bootstrap_weights, percentile_interval, rounded

ROUNDS = 2000
ORDER, DAY = "row", "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Rows in the order of time.

    Args:
        load: the table with the number of the day of each row.
        target: what is predicted.
        metric: accuracy, or mean_absolute_error.
        first: rows that the first model is made from.
        block: rows after which labels arrive.
        ignore: columns that nobody has when an answer is asked for, or that only number the rows.
    """

    load: Callable[[], pl.DataFrame]
    target: str
    metric: str
    first: int
    block: int
    ignore: tuple[str, ...] = ()


def electricity() -> pl.DataFrame:
    """Half-hours of a market; the price goes up or down."""
    frame = pl.read_csv(SHARED / "electricity/elec.csv.gz", infer_schema=False)
    return frame.with_columns((pl.int_range(pl.len()) // 48).alias(DAY))


def bike_sharing() -> pl.DataFrame:
    """Hours of two years; how many bikes are hired."""
    frame = pl.read_csv(SHARED / "bike_sharing/hour.csv.gz", infer_schema=False)
    return frame.with_columns(pl.col("dateday").rle_id().cast(pl.Int64).alias(DAY))


STREAMS = {
    "electricity": Stream(load=electricity, target="class", metric="accuracy", first=6000, block=1500),
    "bike_sharing": Stream(
        load=bike_sharing,
        target="count",
        metric="mean_absolute_error",
        first=4000,
        block=750,
        ignore=("instant", "dateday", "casual", "registered"),  # the last two add up to the target
    ),
}


def sized(stream, rows):
    """Rows of the first stretch and of a block; both shrink with a trial's rows."""
    if rows is None:
        return stream.first, stream.block
    return min(stream.first, rows // 2), min(stream.block, max(rows // 8, 100))


def measured(name, seed, given):
    """One walk through a stream, and the day of each row that was answered."""
    stream = STREAMS[name]
    frame = stream.load().with_columns(pl.int_range(pl.len()).alias(ORDER))
    frame = frame if given.rows is None else frame.head(given.rows)
    first, block = sized(stream, given.rows)
    data = data_file(frame.drop(DAY), f"prequential-{name}-{given.rows or 'all'}")
    config = {
        "data": str(data),
        "target": stream.target,
        "metric": stream.metric,
        "ignore": stream.ignore,
        "first": first,
        "block": block,
        "every": given.every,
        "memory": given.memory_blocks * block,
        "trusted": given.trust_labels,
        "seed": seed,
    }
    found = run_ours("prequential", config)
    stop = first + len(found["scores"]["frozen"])
    return found | {"days": frame[DAY][first:stop].to_numpy(), "first": first, "block": block, "metric": stream.metric}


def over_days(values, days):
    """Mean over rows, with an interval from whole days drawn anew: rows of one day are not independent."""
    codes = np.unique(days, return_inverse=True)[1]
    sums, counts = np.bincount(codes, values), np.bincount(codes).astype(float)
    drawn = [(weights @ sums) / (weights @ counts) for weights in bootstrap_weights(len(counts), rounds=ROUNDS)]
    low, high = percentile_interval(np.concatenate(drawn))
    value = float(values.mean())
    return Score(value=value, low=min(low, value), high=max(high, value), n=len(values))


def stretches(blocks, count):
    """Slices of neighbouring blocks, as even as can be."""
    edges = np.linspace(0, blocks, min(count, blocks) + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def line_of(name, what, seeds, part):
    """Scores over the rows of some blocks, means over seeds; alarms and attempts of all seeds together."""
    first = seeds[0]
    blocks = first["blocks"][part]
    rows = slice(blocks[0]["start"] - first["first"], blocks[-1]["stop"] - first["first"])
    frozen, adapted = (np.mean([one["scores"][arm][rows] for one in seeds], axis=0) for arm in ("frozen", "adapted"))
    days = first["days"][rows]
    loss = first["metric"] != "accuracy"
    gap = over_days(frozen - adapted if loss else adapted - frozen, days)
    every = [block for one in seeds for block in one["blocks"][part]]
    attempts = [block["attempt"] for block in every if block["attempt"] is not None]
    decided = Counter(attempt["decision"] for attempt in attempts)
    return {
        "stream": name,
        "rows": what or f"{blocks[0]['start'] + 1:,} to {blocks[-1]['stop']:,}",
        "score": first["metric"],
        "frozen": rounded(over_days(frozen, days)),
        "adapted": rounded(over_days(adapted, days)),
        "adapted is better by": rounded(gap, beside=0.0),
        "shown": "better" if gap.low > 0 else "worse" if gap.high < 0 else "no evidence",
        "alarms": f"{sum(block['look']['alarm'] for block in every)} of {len(every)} looks",
        "promoted": decided["promoted"],
        "refused": decided["rejected"],
        "failed": decided["failed"],
        "seconds a look": f"{np.median([block['look']['seconds'] for block in every]):.1f}",
        "seconds an attempt": f"{np.median([one['seconds'] for one in attempts]):.0f}" if attempts else "",
    }


def lines(name, seeds, count):
    """A line for each stretch, and one for all of them."""
    parts = stretches(len(seeds[0]["blocks"]), count)
    table = [line_of(name, "", seeds, part) for part in parts]
    return [*table, line_of(name, "all", seeds, slice(None))] if len(parts) > 1 else table


def reasons(name, seeds):
    """A sentence on what was refused and why, and how far off the estimates without labels were."""
    blocks = [block for one in seeds for block in one["blocks"]]
    attempts = [block["attempt"] for block in blocks if block["attempt"] is not None]
    closed = Counter(gate for attempt in attempts for gate in attempt["closed"])
    gates = ", ".join(f"{gate} {times}" for gate, times in closed.most_common()) or "none"
    failures = sorted({attempt["why"] for attempt in attempts if "why" in attempt})
    columns = Counter(column for block in blocks if block["look"]["alarm"] for column in block["look"]["columns"])
    named = ", ".join(f"{column} {times}" for column, times in columns.most_common(6)) or "none"
    pairs = [(block["look"]["estimated"], block["look"]["actual"]) for block in blocks]
    gaps = [abs(a - b) for a, b in pairs if a is not None and b is not None]
    off = f"{np.mean(gaps):.3f} ({len(gaps)} looks)" if gaps else "nothing was estimated"
    first = seeds[0]
    return [
        f"{name}: {first['first']:,} rows make the first model (test score {mean_of(seeds, 'test'):.3f}, "
        f"{mean_of(seeds, 'training'):.0f} s), blocks of {first['block']:,}. Gates that stayed closed: {gates}. "
        f"Drifted columns in alarms: {named}. Mean gap "
        f"between the score estimated without labels and the measured one: {off}.",
        *(f"{name}, an attempt failed: {why}" for why in failures),
    ]


def notes(results, given):
    """Sentences under the table."""
    seeds = sorted({seed for _, seed in results})
    return [
        f"Means over {len(seeds)} seed(s) of training; a stream is always split by time. Intervals draw whole days "
        f"anew ({ROUNDS:,} times) and take one day as independent of the next, which makes them somewhat too narrow. A "
        "difference is positive where the adapted model is better, losses included.",
        "Labels arrive when a block is over, so that repeating the last label, which does well on electricity where "
        "each label arrives at once, is not to be had within a block.",
        f"Watched at 5 % over all looks since the last attempt. An attempt is made at the first alarm after a "
        f"promotion, and else every {given.every} blocks, on the labelled rows since the promotion, the last "
        f"{given.memory_blocks} blocks of them at most; somebody vouches for the labels: "
        f"{'yes' if given.trust_labels else 'no'}.",
        *(line for name in names_of(results) for line in reasons(name, seeds_of(results, name))),
        pace(list(results.values())),
    ]


def mean_of(seeds, name):
    return float(np.mean([one[name] for one in seeds]))


def names_of(results):
    return list(dict.fromkeys(name for name, _ in results))


def seeds_of(results, name):
    return [found for (stream, _), found in results.items() if stream == name]


def main():
    """Walk stream after stream and rewrite the section after each walk."""
    parser = options(__doc__.splitlines()[0], "rows")
    parser.add_argument("--streams", nargs="+", choices=STREAMS, default=list(STREAMS))
    parser.add_argument("--seeds", type=int, default=3, help="of training")
    parser.add_argument("--every", type=int, default=5, help="blocks after which an attempt is made without an alarm")
    parser.add_argument("--memory-blocks", type=int, default=6, help="blocks of labelled rows an attempt is given")
    parser.add_argument("--stretches", type=int, default=6, help="lines of the table per stream")
    parser.add_argument("--trust-labels", action="store_true", help="somebody vouches for the labels")
    given = parser.parse_args()
    results = {}
    for name in given.streams:
        for seed in range(given.seeds):
            try:
                results[name, seed] = measured(name, seed, given)
            except Failed as problem:
                sys.exit(f"{name}, seed {seed}: {problem}")
            table = [line for one in names_of(results) for line in lines(one, seeds_of(results, one), given.stretches)]
            report(table, notes(results, given), given)


if __name__ == "__main__":
    main()
