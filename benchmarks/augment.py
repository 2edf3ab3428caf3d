"""What each augmentation gives: the same fit with and without it, paired, from eight rows a class to all rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from common import cached, digest, options, pace, report, run_ours
from quality import source_digest
from sets import SETS, data_file
from settings import plan_of
from venvs import PEERS

SIZES = {"snips": (8, 64, None), "sms_spam": (8, 64, None), "clinc150": (8,)}  # rows a class; None: all
STRENGTHS = {"token_dropout": (0.1, 0.3), "word_swap": (0.1, 0.3), "mixup": (0.2, 1.0)}
PARTS = ("validation", "test")
HOME = PEERS / "home"  # the product's cache of vectors: every arm starts from the same probe


def arms():
    """Name of each arm to what the plan's `augment` says."""
    found = {f"{kind} {one:g}": {"kind": kind, "strength": one} for kind, many in STRENGTHS.items() for one in many}
    return {"none": "none", **found}


def parted(name):
    """A set without repeated texts, as `text`, `label` and `part`; parts that it does not bring are drawn once."""
    one = next(found for found in SETS if found.name == name)
    frame = one.load().rename({one.target: "label"}).unique("text", keep="first", maintain_order=True)
    drawn = pl.Series(np.random.default_rng(0).random(len(frame)))
    if "part" not in frame.columns:
        frame = frame.with_columns(part=pl.when(drawn < 0.2).then(pl.lit("test")).otherwise(pl.lit("train")))
        drawn = (drawn - 0.2) / 0.8
    if not (frame["part"] == "validation").any():
        held = (pl.col("part") == "train") & (drawn < 0.1)
        frame = frame.with_columns(part=pl.when(held).then(pl.lit("validation")).otherwise("part"))
    return frame.select("text", "label", "part")


def rows_of(name, shots, seed, most):
    """The set's file with so many train rows a class, drawn by the seed, and all others; `most` cuts each part."""
    frame = parted(name)
    train, rest = frame.filter(pl.col("part") == "train"), frame.filter(pl.col("part") != "train")
    if shots is not None:
        order = train.sample(fraction=1.0, shuffle=True, seed=seed)
        train = order.group_by("label", maintain_order=True).head(shots).select(frame.columns)
    parts = [train, *rest.partition_by("part", maintain_order=True)]
    if most is not None:
        parts = [part.sample(min(most, len(part)), seed=0) for part in parts]
    return data_file(pl.concat(parts), f"augment-{name}-{shots or 'all'}-{seed}-{most or 'all'}")


def measure(name, shots, seed, given, source):
    """All arms on one set, size and seed; taken from the cache where neither data nor product has changed."""
    data = rows_of(name, shots, seed, given.rows)
    plan = plan_of(data, seed=seed, **({"epochs": given.epochs} if given.epochs else {}))
    config = {"plan": plan, "arms": arms()}
    shown = {**plan, "data": {**plan["data"], "train": digest(data)}}
    key = {**config, "plan": shown, "source": source}
    return cached("augment", key, lambda: run_ours("augment", config, home=str(HOME)), use_cache=not given.no_cache)


def bits(result, arm, part):
    """(n,) ones where the arm was right."""
    return np.array([bit == "1" for bit in result["arms"][arm][part]], float)


def compare(results, arm, part):
    """Difference arm − none in accuracy, paired over the part's rows, seeds averaged; its p-value; each seed's own."""
    from tunewright.stats import paired_difference

    a, b = (np.mean([bits(one, side, part) for one in results], axis=0) for side in (arm, "none"))
    score, p = paired_difference(a, b)
    return score, p, [float((bits(one, arm, part) - bits(one, "none", part)).mean()) for one in results]


def points(score):
    """A difference in points with its interval."""
    return f"{100 * score.value:+.2f} ({100 * score.low:+.2f} to {100 * score.high:+.2f})"


def lines_of(name, shots, results):
    """A line per arm of one set and size, and the p-values of the comparisons on test rows."""
    lines, found = [], {}
    for arm in results[0]["arms"]:
        told = [one["arms"][arm] for one in results]
        line = {
            "set": name,
            "train rows": f"{told[0]['train']:,}" + (f" ({shots} a class)" if shots else ""),
            "augment": arm,
        }
        for part in PARTS:
            line[part] = f"{np.mean([bits(one, arm, part).mean() for one in results]):.4f}"
            line[f"{part} − none, points"] = ""
        line["test, seed by seed"] = ""
        if arm != "none":
            for part in PARTS:
                score, p, each = compare(results, arm, part)
                line[f"{part} − none, points"] = points(score)
                found[part] = p
            line["test, seed by seed"] = ", ".join(f"{100 * one:+.2f}" for one in each)
            line["p"] = found["test"]
        line["kept"] = ", ".join(f"{kind} {count}" for kind, count in sorted(Counter(t["kept"] for t in told).items()))
        line["fine-tuning, s"] = f"{np.median([one['seconds'] for one in told]):.1f}"
        lines.append(line)
    return lines


def section(found):
    """Table and notes of what has been measured so far."""
    from tunewright.stats import holm

    table = [line for (name, shots), results in found.items() for line in lines_of(name, shots, results)]
    asked = [line for line in table if "p" in line]
    adjusted = holm([line["p"] for line in asked])
    shown = [
        f"{line['augment']} on {line['set']}, {line['train rows']}" for line, p in zip(asked, adjusted) if p < 0.05
    ]
    alone = sum(line["p"] < 0.05 for line in asked)
    for line in table:
        line.pop("p", None)
    results = [one for many in found.values() for one in many]
    seeds = sorted({len(many) for many in found.values()})
    notes = [
        "Accuracy of the model that is handed over (probe or fine-tuned, with or without words). Seeds per line: "
        f"{' or '.join(map(str, seeds))}; a seed draws the train rows, too, where they are few. Differences: paired "
        "bootstrap over the part's rows, seeds averaged; what another draw of train rows would give is seen in the "
        "seeds' own differences.",
        "Validation and test parts are whole in all sizes, repeated texts are left out. The epoch, the share of words "
        "and probe or fine-tuned are chosen on validation in every arm alike, so that differences there flatter "
        "whatever varies more.",
        f"{len(asked)} comparisons on test rows: {alone} have p < 0.05 alone, "
        f"{len(shown)} after Holm's adjustment over all of them{': ' + '; '.join(shown) if shown else ''}.",
        "Strength of token_dropout and word_swap: share of tokens or words; of mixup: both parameters of Beta.",
        pace(results),
    ]
    return table, notes


def main():
    """Measure cell after cell and rewrite the section after each."""
    parser = options(__doc__, "rows", "no-cache")
    parser.add_argument("--sets", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--shots", nargs="*", default=["8", "64", "all"], choices=["8", "64", "all"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="fewer (a trial, not a result)")
    given = parser.parse_args()
    source, found = source_digest(), {}
    for name in given.sets:
        for shots in SIZES[name]:
            if str(shots or "all") not in given.shots:
                continue
            for seed in given.seeds:
                found.setdefault((name, shots), []).append(measure(name, shots, seed, given, source))
            report(*section(found), given)


if __name__ == "__main__":
    main()
