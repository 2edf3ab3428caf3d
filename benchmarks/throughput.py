"""Rows 1 and 2: real tokens per second in full fine-tuning, the same batch in tokens, against transformers' Trainer."""

from __future__ import annotations

from common import ALL_OPTIONS, judged, median, options, pace, report, run_ours, run_peer, spread
from results import has_amx
from sets import texts_file
from settings import DEFAULTS, PEER_NOTES, TUNED, plan_of, trainer

SETS = ("clinc150", "snips")
WARM_UP = 5
GOALS = {"default": (6.0, 2.0), "tuned": (2.5, 1.5)}  # with AMX, without
ROWS = {"default": 1, "tuned": 2}


def measure(name, given):
    """All pairs on one set: {arm: results}."""
    data = texts_file(name, given.rows)
    steps = [WARM_UP, given.steps]
    found = {"ours": [], "default": [], "tuned": []}
    for pair in range(given.pairs):
        ours = run_ours("steps", {"plan": plan_of(data, seed=pair), "steps": steps})
        found["ours"].append(ours)
        batch = {"per_device_train_batch_size": round(ours["rows_per_update"])}
        for arm, args in (("default", DEFAULTS), ("tuned", TUNED)):
            config = trainer(data, args | batch, seed=pair, steps=steps)
            found[arm].append(run_peer("transformers", "trainer", config, pair=pair, use_cache=not given.no_cache))
    for results in found.values():
        for result in results:
            result["speed"] = result["tokens"] / result["seconds"]
            result["per_update"] = result["tokens"] / result["updates"]
    return found


def table_of(name, found):
    """A line per arm."""
    ours = median(found["ours"], "speed")
    lines = []
    for arm, results in found.items():
        line = {
            "set": name,
            "arm": {"ours": "tunewright, full", "default": "Trainer, defaults", "tuned": "Trainer, tuned"}[arm],
            "tokens per update": f"{median(results, 'per_update'):,.0f}",
            "real tokens/s": spread(results, "speed", 0),
            "ours is faster by": "",
            "goal": "",
        }
        if arm != "ours":
            ratio, goal = ours / median(results, "speed"), GOALS[arm][0 if has_amx() else 1]
            line["ours is faster by"] = f"{ratio:.2f}×"
            line["goal"] = f"row {ROWS[arm]}: ≥ {goal:g}×, {judged(ratio, goal)}"
        lines.append(line)
    return lines


def main():
    """Measure and write the section."""
    parser = options(__doc__, *ALL_OPTIONS)
    parser.add_argument("--steps", type=int, default=50, help="updates measured after the warm-up")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    given = parser.parse_args()
    table, everything = [], []
    for name in given.sets:
        found = measure(name, given)
        everything += [result for results in found.values() for result in results]
        table += table_of(name, found)
        rows = median(found["ours"], "rows_per_update")
        notes = [
            f"{given.steps} updates after {WARM_UP} of warm-up, {given.pairs} runs each, alternately; tokens are real "
            "ones, padding is not counted; the median is shown with the least and the greatest.",
            f"Ours cuts batches of {rows:.0f} rows on average ({name}), in {found['ours'][0]['precision']}; that mean "
            "is the Trainer's per_device_train_batch_size.",
            *PEER_NOTES.values(),
            f"The goals are those for machines {'with' if has_amx() else 'without'} AMX.",
            pace(everything),
        ]
        report(table, notes, given)


if __name__ == "__main__":
    main()
