"""Labels saved: learning curves of a head on frozen features, rows chosen by the product, by margin, and at random.

Every way starts from the same rows and spends the same labels; sizes double from round to round.
"""

from __future__ import annotations

import numpy as np
from common import cached, digest, options, pace, report, run_ours
from quality import source_digest
from sets import SETS, data_file
from venvs import PEERS

from tunewright.stats import paired_difference

HOME = PEERS / "home"
WAYS = ("ours", "margin", "random")
# Rows with a label at the start, and how often they double.
STARTS = {"clinc150": (300, 4), "snips": (28, 5), "sms_spam": (40, 5), "goemotions": (500, 4), "titanic": (40, 3)}


def parted(name, rows):
    """A set's file with `label` and `part`; where it brings no parts a third is test, a tenth validation."""
    import polars as pl

    one = next(found for found in SETS if found.name == name)
    frame = one.load().rename({one.target: "label"}).drop("PassengerId", strict=False)
    rng = np.random.default_rng(0)
    if "part" not in frame.columns:
        drawn = rng.random(len(frame))
        parts = np.where(drawn < 0.33, "test", np.where(drawn < 0.43, "validation", "train"))
        frame = frame.with_columns(part=pl.Series(parts))
    if not (frame["part"] == "validation").any():
        held = pl.Series(rng.random(len(frame)) < 0.1) & (frame["part"] == "train")
        frame = frame.with_columns(pl.when(held).then(pl.lit("validation")).otherwise("part").alias("part"))
    if rows is not None:
        frame = pl.concat(part.sample(min(rows, len(part)), seed=0) for part in frame.partition_by("part"))
    return data_file(frame.with_columns(pl.col("label").cast(pl.String)), f"labelling-{name}-{rows or 'all'}")


def measure(name, given, source):
    """Curves of one set, every way and seed."""
    one = next(found for found in SETS if found.name == name)
    start, rounds = STARTS[name]
    data = parted(name, given.rows)
    plan = {
        "data": {"train": str(data), "target": "label"},
        "objective": {"metric": one.metric},
        "splits": {"part": "part"},
        "model": {"train": "head"},
    }
    sizes = [start * 2**step for step in range(rounds + 1)]
    config = {"metric": one.metric, "seeds": list(range(given.seeds)), "sizes": sizes, "ways": list(WAYS)}
    key = {"config": config, "plan": {**plan, "data": {}}, "data": digest(data), "source": source}
    result = cached(
        "labelling",
        key,
        lambda: run_ours("labelling", {**config, "plan": plan}, home=str(HOME)),
        use_cache=not given.no_cache,
    )
    return {**result, "sizes": sizes, "metric": one.metric}


def area(curves):
    """(seeds,) area under the curve by octaves: the mean score over the sizes after the first, which all ways share."""
    return np.array(curves)[:, 1:].mean(1)


def saved(ours, other, sizes):
    """Share of the labels saved at equal score: what ours needs for the other's last score; below 0 if ours needs more.

    Between sizes the score is taken to grow with the logarithm of the labels.
    """
    if max(ours) >= other[-1]:
        return 1 - needed(ours, other[-1], sizes) / sizes[-1]
    return needed(other, max(ours), sizes) / sizes[-1] - 1


def needed(scores, goal, sizes):
    """Labels at which a curve first reaches a score."""
    at = next(place for place, score in enumerate(scores) if score >= goal)
    if at == 0:
        return sizes[0]
    share = (goal - scores[at - 1]) / (scores[at] - scores[at - 1])
    return float(np.exp(np.log(sizes[at - 1]) + share * (np.log(sizes[at]) - np.log(sizes[at - 1]))))


def interval(score, digits=2, scale=100):
    """A difference with its interval, in points or per cent."""
    value, low, high = (scale * end for end in (score.value, score.low, score.high))
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def lines(name, result):
    """Two lines of the table: against random, against margin."""
    curves, sizes = result["curves"], result["sizes"]
    for other in ("random", "margin"):
        gap, _ = paired_difference(area(curves["ours"]), area(curves[other]))
        shares = [saved(a, b, sizes) for a, b in zip(curves["ours"], curves[other], strict=True)]
        kept, _ = paired_difference(np.array(shares), np.zeros(len(shares)))
        yield {
            "set": name,
            "metric": result["metric"],
            "labels": f"{sizes[0]:,} to {sizes[-1]:,} of {result['pool']:,}",
            "ours": " ".join(f"{score:.3f}" for score in np.mean(curves["ours"], 0)),
            "against": other,
            "theirs": " ".join(f"{score:.3f}" for score in np.mean(curves[other], 0)),
            "area, points": interval(gap),
            "labels saved at equal score, %": interval(kept, 0),
        }


def main():
    """Measure set after set and rewrite the section after each."""
    parser = options(__doc__, "rows", "no-cache")
    parser.add_argument("--sets", nargs="*", default=list(STARTS), choices=list(STARTS))
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    source, results = source_digest(), {}
    for name in given.sets:
        results[name] = measure(name, given, source)
        table = [line for key, result in results.items() for line in lines(key, result)]
        notes = [
            f"Means over {given.seeds} seeds, each with its own first rows; intervals are paired over seeds. Scores "
            "stand at each number of labels, which doubles; the area is their mean after the first.",
            "A head on frozen features, of the same penalty throughout; temperature and thresholds are fitted on the "
            "set's validation rows for every way alike, and these labels are not counted.",
            "Labels saved: how many fewer ours needs for the last score of the other way; between two sizes a score "
            "is taken to grow with the logarithm of the labels.",
            pace(list(results.values())),
        ]
        report(table, notes, given)


if __name__ == "__main__":
    main()
