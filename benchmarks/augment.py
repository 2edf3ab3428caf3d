"""What each augmentation gives with few rows: the same fit with and without it, paired, beside the audit's own trial.

As it stands the benchmark takes about ten minutes on two cores: two sets, 8 and 64 train rows a class, every kind at
its own strength, parts of 700 rows. `--sets`, `--shots`, `--wide` and `--held` widen it to hours.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from common import cached, digest, options, pace, report, run_ours
from quality import source_digest
from sets import SETS, data_file
from settings import plan_of
from venvs import PEERS

CHOICES = ("snips", "sms_spam", "clinc150")
SHOTS = {"8": 8, "64": 64, "all": None}  # rows a class
STRENGTHS = {"token_dropout": (0.1, 0.3), "word_swap": (0.1, 0.3), "mixup": (0.2, 1.0)}  # the default first
HELD = 700  # validation rows, and test rows
PARTS = ("validation", "test")
HOME = PEERS / "home"  # the product's cache of vectors: every arm starts from the same probe


def arms(given):
    """Name of each arm to what the plan's `augment` says."""
    found = {"none": "none"}
    for kind, many in STRENGTHS.items():
        found |= {f"{kind} {one:g}": {"kind": kind, "strength": one} for one in many[: None if given.wide else 1]}
    return found


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


def rows_of(name, shots, seed, given):
    """The set's file with so many train rows a class, drawn by the seed, and the same held-out rows for all seeds."""
    frame = parted(name)
    train, rest = frame.filter(pl.col("part") == "train"), frame.filter(pl.col("part") != "train")
    if shots is not None:
        order = train.sample(fraction=1.0, shuffle=True, seed=seed)
        train = order.group_by("label", maintain_order=True).head(shots).select(frame.columns)
    if given.rows is not None:
        train = train.sample(min(given.rows, len(train)), seed=0)
    parts = [part.sample(min(given.held, len(part)), seed=0) for part in rest.partition_by("part", maintain_order=True)]
    name = f"augment-{name}-{shots or 'all'}-{seed}-{given.held}-{given.rows or 'all'}"
    return data_file(pl.concat([train, *parts]), name)


def measure(name, shots, seed, given, source):
    """All arms on one set, size and seed; taken from the cache where neither data nor product has changed."""
    data = rows_of(name, shots, seed, given)
    plan = plan_of(data, seed=seed, **({"epochs": given.epochs} if given.epochs else {}))
    config = {"plan": plan, "arms": arms(given)}
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


def trial_of(results, arm):
    """What the audit's trial said of an arm at its own strength, seed by seed, and how often it would keep it."""
    kind, _, strength = arm.partition(" ")
    told = [one["trials"][f"augment_{kind}"] for one in results if f"augment_{kind}" in one["trials"]]
    if not told or float(strength) != STRENGTHS[kind][0]:
        return "", ""
    shown = ", ".join(f"{100 * one['effect']['value']:+.2f}" for one in told)
    return shown, f"{sum(one['kept'] for one in told)} of {len(told)}"


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
        line |= {"test, seed by seed": "", "trial, points, seed by seed": "", "kept by the trial": ""}
        if arm != "none":
            for part in PARTS:
                score, p, each = compare(results, arm, part)
                line[f"{part} − none, points"] = points(score)
                found[part] = p
            line["test, seed by seed"] = ", ".join(f"{100 * one:+.2f}" for one in each)
            line["trial, points, seed by seed"], line["kept by the trial"] = trial_of(results, arm)
            line["p"] = found["test"]
        counts = Counter(one["kept"] for one in told)
        line["handed over"] = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        line["fine-tuning, s"] = f"{np.median([one['seconds'] for one in told]):.1f}"
        lines.append(line)
    return lines


def section(found, given):
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
        f"Validation and test parts hold at most {given.held:,} rows, the same for all sizes and seeds; repeated texts "
        "are left out. The epoch, the share of words and probe or fine-tuned are chosen on validation in every arm "
        "alike, so that differences there flatter whatever varies more.",
        f"{len(asked)} comparisons on test rows: {alone} have p < 0.05 alone, "
        f"{len(shown)} after Holm's adjustment over all of them{': ' + '; '.join(shown) if shown else ''}.",
        "Trial: what `audit.apply: verified` measures with the probe on frozen features of the train and validation "
        "rows, and whether it would keep the kind; it sees no test row and no fine-tuned network.",
        "Strength of token_dropout and word_swap: share of tokens or words; of mixup: both parameters of Beta.",
        pace(results),
    ]
    return table, notes


def main():
    """Measure cell after cell and rewrite the section after each."""
    parser = options(__doc__, "rows", "no-cache")
    parser.add_argument("--sets", nargs="*", default=["snips", "sms_spam"], choices=CHOICES)
    parser.add_argument("--shots", nargs="*", default=["8", "64"], choices=list(SHOTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--held", type=int, default=HELD, help="at most so many rows of the validation and test parts")
    parser.add_argument("--wide", action="store_true", help="every kind at a second, greater strength, too")
    parser.add_argument("--epochs", type=int, help="fewer (a trial, not a result)")
    given = parser.parse_args()
    source, found = source_digest(), {}
    for name in given.sets:
        for shots in (SHOTS[word] for word in given.shots):
            for seed in given.seeds:
                found.setdefault((name, shots), []).append(measure(name, shots, seed, given, source))
            report(*section(found, given), given)


if __name__ == "__main__":
    main()
