"""Row 5: a probe on frozen vectors, first run and a new process with the same texts, other labels and another C."""

from __future__ import annotations

import tempfile

import polars as pl
from common import (
    ALL_OPTIONS,
    backbone,
    judged,
    median,
    options,
    pace,
    report,
    run_ours,
    run_peer,
    spread,
)
from sets import data_file, texts_file
from settings import plan_of

GOALS = {"first": 3.0, "second": 50.0}
OTHERS = 15  # classes of the second labelling
LABELLINGS = {"first": ("label", 1.0), "second": ("other", 10.0)}  # its column, and C where one is fitted
# Our arms: the script, its configuration, and whether it fits one C as the peer does.
OURS = {"fitted": ("fitted", {}, True), "probe": ("probe", {}, False), "run": ("run", {"look": False}, False)}
SETTINGS = {"float32": "sentence-transformers, its defaults (float32)", "bfloat16": "sentence-transformers, bfloat16"}


def file_with_both_labels(rows):
    """clinc150 with a second label column, a coarser one."""
    frame = pl.read_parquet(texts_file("clinc150", rows))
    numbers = frame["label"].rank("dense") % OTHERS
    return data_file(frame.with_columns(("group " + numbers.cast(pl.String)).alias("other")), f"probe-{rows or 'all'}")


def plan(data, label, **training):
    """Our plan for one of the two label columns; the other is left out of sight."""
    made = plan_of(data, train="head")
    made["training"] |= training
    ignored = "other" if label == "label" else "label"
    made["data"] |= {"target": label, "columns": {ignored: "ignore"}}
    return made


def measure(given):
    """{(arm, "first" or "second"): results}."""
    data = file_with_both_labels(given.rows)
    found = {}
    for pair in range(given.pairs):
        for arm, (script, config, one_fit) in OURS.items():
            with tempfile.TemporaryDirectory() as home:
                for which, (label, strength) in LABELLINGS.items():
                    training = {"probe_C": strength} if one_fit else {}
                    result = run_ours(script, {"plan": plan(data, label, **training), **config}, home=home)
                    result["accuracy"] = result.get("accuracy") or result["test"]["accuracy"]
                    found.setdefault((arm, which), []).append(result)
        for dtype in SETTINGS:
            for which, (label, strength) in LABELLINGS.items():
                config = {"data": str(data), "model": backbone(), "dtype": dtype, "label": label, "C": [strength]}
                result = run_peer("sentence-transformers", "st_logreg", config, pair=pair, use_cache=not given.no_cache)
                found.setdefault((dtype, which), []).append(result)
    return found


def main():
    """Measure and write the section."""
    given = options(__doc__, *ALL_OPTIONS).parse_args()
    found = measure(given)
    names = {
        "fitted": "tunewright: read, split, encode, fit",
        "probe": "tunewright run up to the fitted probe, audit and trials of remedies included",
        "run": "tunewright run, model.train=head, all of it",
    } | SETTINGS
    table = []
    for which, said in (("first", "first run"), ("second", "new process, other labels and C")):
        peers = {dtype: median(found[dtype, which], "wall") for dtype in SETTINGS}
        best = min(peers, key=peers.get)
        for arm, name in names.items():
            results = found[arm, which]
            line = {
                "": said,
                "arm": name,
                "seconds": spread(results, "wall"),
                "accuracy": f"{median(results, 'accuracy'):.4f}",
            }
            if arm == "fitted":
                ratios = {dtype: seconds / median(results, "wall") for dtype, seconds in peers.items()}
                goal = GOALS[which]
                line["faster than float32 / bfloat16"] = " / ".join(f"{ratio:.1f}×" for ratio in ratios.values())
                line["goal"] = f"row 5: ≥ {goal:g}×, {judged(ratios[best], goal)} against the better, {best}"
            table.append(line | {key: "" for key in ("faster than float32 / bfloat16", "goal") if key not in line})
    notes = [
        f"clinc150, all parts encoded; {given.pairs} runs of each, alternately, from process start to its end. The "
        f"second labelling has {OTHERS} classes. The peer and the first of ours fit one C (1, "
        "then 10); `run` tries up to six on validation.",
        "The peer has no cache of vectors across processes: it encodes again.",
        "`run` adds baselines, sealed evaluation, bundle and report, which the peer has not.",
        pace([result for results in found.values() for result in results]),
    ]
    report(table, notes, given)


if __name__ == "__main__":
    main()
