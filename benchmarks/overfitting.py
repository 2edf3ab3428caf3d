"""How often the verdict on a training is right: healthy runs, and pathologies planted in several sets and seeds.

Thresholds were set on the first sets and are reported on the others; which verdicts count as right was written down
before either. Every run starts from the rows of one small draw of a set.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from common import cached, digest, options, pace, report, run_ours
from pathologies import PATHOLOGIES, ROWS, verdict_is_right
from quality import source_digest
from sets import SETS, data_file
from venvs import PEERS

TUNED, REPORTED = ("snips", "titanic"), ("sms_spam", "clinc150", "synthetic")
METRICS = {"sms_spam": "f1_macro"}
CLASSES = 10  # of the 150 intents
HOME = PEERS / "home"
TOPICS = {
    "kitchen": "oven pan recipe salt butter flour spoon plate simmer boil bake taste",
    "travel": "train ticket hotel airport luggage passport border tour island map road ferry",
    "money": "bank loan interest account invoice salary tax price debt saving budget fee",
    "garden": "soil seed rose lawn shovel tree leaf water prune weed hedge spring",
}
COMMON = "the and with about for today please some more this that really need want maybe soon again always never well"


def synthetic(seed):
    """Texts of three words of their topic among common ones."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(list(TOPICS), sum(ROWS.values()))
    own = {label: words.split() for label, words in TOPICS.items()}
    texts = [
        " ".join(rng.permutation([*rng.choice(own[label], 3), *rng.choice(COMMON.split(), n)]))
        for label, n in zip(labels, rng.integers(2, 9, len(labels)))
    ]
    return pl.DataFrame({"text": texts, "label": labels})


def drawn(name, seed):
    """The file of one draw, with `label` and `part`."""
    if name == "synthetic":
        frame = synthetic(seed)
    else:
        one = next(found for found in SETS if found.name == name)
        frame = one.load().rename({one.target: "label"}).drop("part", "PassengerId", strict=False)
        if name == "clinc150":
            intents = frame["label"].unique().sort().sample(CLASSES, seed=seed)
            frame = frame.filter(pl.col("label").is_in(intents.to_list()))
        others = [column for column in frame.columns if column != "label"]
        frame = frame.unique(others, keep="first", maintain_order=True).sample(sum(ROWS.values()), seed=seed)
    parts = [part for part, rows in ROWS.items() for _ in range(rows)]
    frame = frame.with_columns(pl.col("label").cast(pl.String), part=pl.Series(parts))
    return data_file(frame, f"overfitting-{name}-{seed}")


def measure(name, seed, given, source):
    """All runs of one set and seed."""
    data = drawn(name, seed)
    plan = {
        "data": {"train": str(data), "target": "label"},
        "objective": {"metric": METRICS.get(name, "accuracy")},
        "splits": {"part": "part"},
        "seed": seed,
    }
    config = {"name": name, "data": str(data), "plan": plan, "only": given.only}
    key = {"name": name, "data": digest(data), "seed": seed, "only": given.only, "source": source}
    make = cached(
        "overfitting", key, lambda: run_ours("overfitting", config, home=str(HOME)), use_cache=not given.no_cache
    )
    return make


def told(results, one, sets):
    """Right of all, and the wrong ones, of one pathology on some sets."""
    right, wrong = 0, []
    for (name, seed), result in results.items():
        if name not in sets or one.name not in result["runs"]:
            continue
        found = result["runs"][one.name]["diagnosis"]
        healthy = result["runs"].get("healthy", result["runs"][one.name])["diagnosis"]
        good = verdict_is_right(one, found, healthy)
        right += good
        wrong += [] if good else [f"{name} {seed}: {found['verdict']}"]
    return right, wrong


def section(results):
    """Table and notes."""
    table, sums = [], {TUNED: [0, 0], REPORTED: [0, 0]}
    for one in PATHOLOGIES:
        line = {"run": one.name, "right verdicts": " or ".join(sorted(one.right))}
        for title, sets in (("tuned", TUNED), ("reported", REPORTED)):
            right, wrong = told(results, one, sets)
            total = right + len(wrong)
            sums[sets][0] += right
            sums[sets][1] += total
            line[f"right on {title} sets"] = f"{right} of {total}"
            line[f"wrong on {title} sets"] = "; ".join(wrong)
        table.append(line)
    shares = [
        run["looking"] / run["training"]
        for result in results.values()
        for run in result["runs"].values()
        if len(run["curve"]) > 1 and run["training"] > 1
    ]
    cost = f"{np.median(shares):.1%} (at most {max(shares):.1%})" if shares else "not measured"
    notes = [
        f"Tuned sets ({', '.join(TUNED)}): {sums[TUNED][0]} of {sums[TUNED][1]} right; "
        f"reported sets ({', '.join(REPORTED)}): {sums[REPORTED][0]} of {sums[REPORTED][1]}.",
        f"{ROWS['train']} train and {ROWS['validation']} validation rows a run. Of a pathology that did no harm (tiny "
        "data within 15 points of the healthy run's validation metric, sorted batches within 5) good counts as right.",
        f"Looking at train rows after each epoch took {cost} of fine-tuning, where that took over a second.",
        pace(list(results.values())),
    ]
    return table, notes


def main():
    """Measure set after set and rewrite the section after each."""
    parser = options(__doc__, "no-cache")
    parser.add_argument("--sets", nargs="*", default=[*TUNED, *REPORTED], choices=[*TUNED, *REPORTED])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", default=[], choices=[one.name for one in PATHOLOGIES])
    given = parser.parse_args()
    source, results = source_digest(), {}
    for name in given.sets:
        for seed in given.seeds:
            results[name, seed] = measure(name, seed, given, source)
            report(*section(results), given)


if __name__ == "__main__":
    main()
