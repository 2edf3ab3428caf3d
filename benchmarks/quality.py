"""Every shared set, several seeds: ours beside majority, TF-IDF, boosting, probe, cosine and transformers' Trainer."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from common import Failed, cached, digest, options, report, run_ours, run_peer
from results import commit
from sets import SETS, data_file
from settings import MAX_LENGTH, trainer
from venvs import PEERS

MOST_ROWS = 10_000
EPOCHS = 3
TEXT_SETS = ("snips", "sts_captions_forums", "goemotions", "clinc150", "sms_spam", "emobank")
PEERS_SHOWN = ("majority", "tfidf", "boosting", "probe", "cosine", "trainer")
MEASURED = Path(__file__).with_name("measured")
SOURCE = Path(__file__).resolve().parents[1] / "src" / "tunewright"
# What cannot change a prediction does not make a finished run stale.
NO_PART = {
    "cli",
    "report",
    "runfolder",
    "planfile",
    "stories",
    "example",
    "bundle",
    "api.py",
    "events.py",
    "analysis.py",
}


def source_digest():
    """SHA-256 over the product's files that a prediction or a score depends on."""
    total = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] not in NO_PART:
            total.update(str(path.relative_to(SOURCE)).encode() + path.read_bytes())
    return total.hexdigest()


def measure(one, seed, given, source):
    """Ours and the Trainer on one set with one seed: values, and differences ours − peer with their intervals."""
    frame = one.load()
    if given.rows is not None:
        frame = frame.sample(min(given.rows, len(frame)), seed=0)
    data = data_file(frame, f"quality-{one.name}-{given.rows or 'all'}")
    plan = {"data": {"train": str(data), "target": one.target, "columns": dict.fromkeys(one.ignore, "ignore")}}
    plan |= {
        "objective": {"metric": one.metric},
        "seed": seed,
        "training": {"epochs": given.epochs} if given.epochs else {},
    }
    if one.has_parts:
        plan["splits"] = {"part": "part"}
    columns = {**plan["data"], "train": digest(data)}
    key = {"plan": {**plan, "data": columns}, "source": source, "set": one.name}
    export = PEERS / "quality" / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]
    config = {"plan": plan, "export": str(export)}
    ours = cached("quality", key, lambda: run_ours("quality", config), use_cache=export.exists())
    found = {
        "set": one.name,
        "seed": seed,
        "metric": one.metric,
        "ours": ours["test"][one.metric],
        "kept": ours["kept"],
    }
    found["seconds"], found["rows"] = ours["seconds"], ours["rows"]
    found["peers"] = {name: scores[one.metric] for name, scores in ours["baselines"].items() if one.metric in scores}
    found["differences"] = {line["b"]: line["difference"] for line in ours["comparisons"]}
    found["worse"] = [line["b"] for line in ours["comparisons"] if line["verdict"] == "worse"]
    if one.name in TEXT_SETS and not given.no_trainer:
        add_trainer(found, ours, export, given)
    return found


def add_trainer(found, ours, export, given):
    """Fit the Trainer on the same split and compare on the same test rows."""
    from tunewright.metrics import Outcome, difference, score

    args = {"num_train_epochs": given.epochs or EPOCHS}
    config = trainer(export / "peer.parquet", args, seed=found["seed"], evaluate="end", limit=MOST_ROWS)
    result = run_peer("transformers", "trainer", config, pair=0, use_cache=not given.no_cache)
    held = np.load(export / "outcome.npz")
    shared = {
        "task": ours["task"],
        "truth": held["truth"],
        "classes": len(ours["labels"]),
        "positive": ours["positive"],
    }
    our_outcome = Outcome(labels=held["labels"], **shared)
    peer_outcome = Outcome(labels=as_ours(result, ours, held["truth"].shape), **shared)
    found["peers"]["trainer"] = vars_of(score(found["metric"], peer_outcome, seed=found["seed"]))
    comparison = difference(found["metric"], our_outcome, peer_outcome, names=("model", "trainer"), seed=found["seed"])
    found["differences"]["trainer"] = vars_of(comparison.difference)
    if comparison.verdict == "worse":
        found["worse"].append("trainer")


def as_ours(result, ours, shape):
    """The Trainer's predictions in our label numbers: a class or a row of zeros and ones each, or values."""
    said = result["predictions"]
    if ours["task"] == "regression":
        return np.array(said, np.float64)
    numbers = [ours["labels"].index(name) for name in result["labels"]]
    if ours["task"] != "multilabel":
        return np.array([numbers[one] for one in said], np.int64)
    labels = np.zeros(shape, np.int64)
    for row, found in enumerate(said):
        labels[row, [numbers[one] for one in found]] = 1
    return labels


def vars_of(score):
    """A `Score` as plain JSON, or what stands for an undefined one."""
    return {name: getattr(score, name) for name in ("value", "low", "high", "n")} if score else {"value": float("nan")}


def line_of(results):
    """One set's line: means over seeds, and against whom ours is inferior beyond the interval."""
    first = results[0]
    line = {
        "set": first["set"],
        "train / test rows": f"{first['rows']['train']:,} / {first['rows']['test']:,}",
        "metric": first["metric"],
        "ours": f"**{np.mean([one['ours']['value'] for one in results]):.4f}**",
        "per seed": ", ".join(
            "{}: {value:.4f} ({low:.4f}–{high:.4f})".format(one["seed"], **one["ours"]) for one in results
        ),
        "kept": ", ".join(sorted({one["kept"] for one in results})),
    }
    for peer in PEERS_SHOWN:
        values = [one["peers"][peer]["value"] for one in results if peer in one["peers"]]
        line[peer] = f"{np.mean(values):.4f}" if values else ""
    line["inferior beyond the interval?"] = "; ".join(
        judge(results, peer) for peer in PEERS_SHOWN if judge(results, peer)
    )
    line["inferior beyond the interval?"] = line["inferior beyond the interval?"] or "no"
    line["measured"] = ", ".join(sorted({f"{one['commit']} ({one['date']})" for one in results}))
    return line


def judge(results, peer):
    """Empty, or the mean difference with its mean interval and how many seeds show it."""
    differences = [one["differences"][peer] for one in results if peer in one["differences"]]
    if not differences:
        return ""
    value, low, high = (float(np.mean([one[end] for one in differences])) for end in ("value", "low", "high"))
    seeds = sum(peer in one["worse"] for one in results)
    if high >= 0 and not seeds:
        return ""
    word = "yes" if high < 0 else "not on average"
    return f"{word}: {peer} {value:+.4f} ({low:+.4f} to {high:+.4f}), {seeds} of {len(differences)} seeds"


def keep(found, folder):
    """Store what one set gave with one seed, and when and from which source, so that sittings add up to one table."""
    folder.mkdir(parents=True, exist_ok=True)
    found |= {"date": f"{datetime.now(UTC):%Y-%m-%d}", "commit": commit()}
    (folder / f"quality-{found['set']}-{found['seed']}.json").write_text(json.dumps(found, indent=1) + "\n")


def kept(folder):
    """Per set, in the order of `SETS`, what is stored, by seed."""
    results = [json.loads(path.read_text()) for path in sorted(folder.glob("quality-*.json"))]
    by_set = {one.name: [found for found in results if found["set"] == one.name] for one in SETS}
    return [found for found in by_set.values() if found]


def main():
    """Measure set after set and rewrite the section after each, from all that was measured so far."""
    parser = options(__doc__, "rows", "no-cache")
    parser.add_argument("--sets", nargs="*", default=[one.name for one in SETS], choices=[one.name for one in SETS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="fewer for both (a trial, not a result)")
    parser.add_argument("--no-trainer", action="store_true", help="leave the Trainer out")
    parser.add_argument("--measured", type=Path, default=MEASURED, help="folder of what earlier calls measured")
    given = parser.parse_args()
    trial = given.rows is not None or given.epochs is not None
    folder = PEERS / "trial" if trial else given.measured
    source = source_digest()
    failed = []
    for one in (found for found in SETS if found.name in given.sets):
        for seed in given.seeds:
            try:
                keep(measure(one, seed, given, source), folder)
            except Failed as problem:
                failed.append(f"{one.name}, seed {seed} failed: {str(problem).strip().splitlines()[-1]}")
            write(folder, failed, given)
    write(folder, failed, given)


def write(folder, failed, given):
    """The section, if anything was measured."""
    if table := [line_of(results) for results in kept(folder)]:
        report(table, [*NOTES, *failed], given)


NOTES = [
    "Mean over seeds; beside it each `seed: value` with its 95 % interval on the sealed test rows. A seed draws the "
    "split too, where the set brings none.",
    f"Trainer: defaults, {EPOCHS} epochs, float32, the same backbone, split and test rows, at most {MOST_ROWS:,} train "
    f"rows, texts cut at {MAX_LENGTH} tokens, pairs as one input, numbers standardised; labels beyond probability 0.5.",
    "Inferior: the mean over seeds of the paired bootstrap intervals of the difference lies below zero; `not on "
    "average`: only single seeds show it.",
    "Lines measured at different commits stand in `benchmarks/measured/`; each names its own.",
]

if __name__ == "__main__":
    main()
