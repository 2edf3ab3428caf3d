"""Rows 3, 3a, 3b: seconds, everything included, to a peer's final test accuracy; accuracy after the peer's own time."""

from __future__ import annotations

import numpy as np
from common import ALL_OPTIONS, Failed, judged, median, options, pace, report, run_ours, run_peer, spread
from sets import texts_file
from settings import CHOICES, DEFAULTS, MAX_LENGTH, PEER_NOTES, TUNED, backbone, plan_of, trainer

EPOCHS = 3
REGRESSION = {"float32": [1.0, 10.0, 100.0], "bfloat16": [1.0, 10.0, 100.0]}
SETFIT = {"num_epochs": 1, "batch_size": 16, "num_iterations": 1}
GOALS = {"default": ("3", 25.0), "tuned": ("3", 8.0)}
GOAL_3A = 2.5


def peers(data, given):
    """{arm: pair number to its result}; every result has `wall`, `paused`, `accuracy` and `right`."""
    epochs = {"num_train_epochs": EPOCHS}

    def fit(args, pair, **more):
        config = trainer(data, args, seed=pair, evaluate="epochs", **more)
        return last_point(run_peer("transformers", "trainer", config, pair=pair, use_cache=not given.no_cache))

    def swept(pair, **more):
        choices = CHOICES[:1] if given.no_sweep else CHOICES
        settings = [
            TUNED | epochs | {"per_device_train_batch_size": rows, "learning_rate": rate} for rows, rate in choices
        ]
        tries = [fit(setting, 0, **more)["accuracy"] for setting in settings] if len(settings) > 1 else [0.0]
        best = tries.index(max(tries))
        return fit(settings[best], pair, **more) | {"setting": choices[best]}

    def regression(dtype, pair):
        config = {"data": str(data), "model": backbone(), "dtype": dtype, "label": "label", "C": REGRESSION[dtype]}
        return run_peer("sentence-transformers", "st_logreg", config, pair=pair, use_cache=not given.no_cache)

    def setfit(pair):
        config = {"data": str(data), "model": backbone(), "seed": 0, "args": SETFIT}
        return run_peer("setfit", "setfit_fit", config, pair=0, use_cache=True)

    found = {
        "default": lambda pair: fit(DEFAULTS | epochs, pair),
        "tuned": swept,
        "regression float32": lambda pair: regression("float32", pair),
        "regression bfloat16": lambda pair: regression("bfloat16", pair),
        "tuned from regression": lambda pair: swept(pair, head="logreg"),
    }
    return found | ({"setfit": setfit} if given.setfit else {})


def last_point(result):
    """The Trainer's result with the accuracy it ends with."""
    return result | {name: result["curve"][-1][name] for name in ("accuracy", "right")}


def seconds_of(result):
    """Process start to its end, without the looks at the test rows."""
    return result["wall"] - result.get("paused", 0.0)


def reached(result, accuracy):
    """Seconds until our curve (the probe, then every epoch, then the end) first shows that accuracy, or None."""
    return next((point["seconds"] for point in result["curve"] if point["accuracy"] >= accuracy), None)


def within(result, seconds):
    """What our run would hand over after that time: the best on validation so far, or the end where it is over."""
    if seconds_of(result) <= seconds:
        return result["curve"][-1]
    so_far = [point for point in result["curve"] if point["seconds"] <= seconds]
    return max(so_far, key=lambda point: point["validation"], default=None)


def main():
    """Measure and write the section."""
    parser = options(__doc__, *ALL_OPTIONS)
    parser.add_argument("--set", default="clinc150", choices=("clinc150", "snips"))
    parser.add_argument("--no-sweep", action="store_true", help="the tuned Trainer does not choose its setting first")
    parser.add_argument("--setfit", action="store_true", help="setfit too (once; hours on a small machine)")
    given = parser.parse_args()
    data = texts_file(given.set, given.rows)
    ours, head, found, failed = [], [], {}, {}
    for pair in range(given.pairs):
        ours.append(run_ours("run", {"plan": plan_of(data, seed=pair), "look": True}))
        head.append(run_ours("run", {"plan": plan_of(data, train="head", seed=pair), "look": True}))
        for arm, measure in peers(data, given).items():
            try:
                found.setdefault(arm, []).append(measure(pair))
            except Failed as problem:
                failed[arm] = str(problem).strip().splitlines()[-1]
        report(*section(ours, head, found, failed), given, given.set)


def section(ours, head, found, failed):
    """Table and notes of what has been measured so far."""
    for result in (*ours, *head, *(one for results in found.values() for one in results)):
        result["seconds"] = seconds_of(result)
    for result in (*ours, *head):
        result["accuracy"] = result["curve"][-1]["accuracy"]
    arms = {"tunewright run": ours, "tunewright run, model.train=head": head, **found}
    table = [line_of(arm, results, ours, head) for arm, results in arms.items()]
    strongest = max((arm for arm in found if arm not in GOALS), key=lambda arm: mean(found[arm], "accuracy"))
    for line in table:
        if line["arm"] == strongest:
            line["goal"] = f"row 3a, the strongest: ≥ {GOAL_3A:g}×, {verdict(ours, found[strongest], GOAL_3A)}"
    notes = [
        f"{len(ours)} runs each, alternately, seeds 0 to {len(ours) - 1}. Seconds from process start to its end, looks "
        "at the test rows not counted; for ours with nothing cached and with baselines, bundle and report.",
        "`ours needs`: seconds until our run first stands at the arm's mean final accuracy: looked at when the probe "
        "is fitted, after every epoch and at the end; in brackets the whole process with model.train=head where that "
        "gets there.",
        row_3b(ours, found["tuned"]) if "tuned" in found else "Row 3b: the tuned Trainer did not run.",
        PEER_NOTES["default"],
        PEER_NOTES["tuned"],
        *(chosen(arm, found) for arm in ("tuned", "tuned from regression") if arm in found),
        f"`regression`: sentence-transformers and LogisticRegression, C of {REGRESSION['float32']} by validation. "
        "`tuned from regression`: mean pooling, the head starts from such a regression on frozen vectors.",
        *([f"setfit with {SETFIT}: two pairs a row; its default is every unique pair."] if "setfit" in found else []),
        f"Texts are cut at {MAX_LENGTH} tokens.",
        *(f"{arm} failed: {why}" for arm, why in failed.items()),
        pace([*ours, *head, *(one for results in found.values() for one in results)]),
    ]
    return table, notes


def chosen(arm, found):
    """Which setting the arm ran in."""
    rows, rate = found[arm][0]["setting"]
    offered = ", ".join(f"{rows} at {rate:g}" for rows, rate in CHOICES)
    return f"`{arm}` ran with {rows} rows a batch and learning rate {rate:g}; offered: {offered}."


def line_of(arm, results, ours, head):
    """One line of the table."""
    line = {
        "arm": arm,
        "final test accuracy": f"{mean(results, 'accuracy'):.4f}",
        "seconds": spread(results, "seconds", 0),
        "ours needs": "",
        "ratio": "",
        "goal": "",
    }
    if results is ours or results is head:
        return line
    times = [reached(one, mean(results, "accuracy")) for one in ours]
    if all(time is not None for time in times):
        line["ours needs"] = f"{np.median(times):.0f}"
        line["ratio"] = f"{median(results, 'seconds') / np.median(times):.1f}×"
    if mean(head, "accuracy") >= mean(results, "accuracy"):
        line["ours needs"] += f" ({median(head, 'seconds'):.0f})"
    if arm in GOALS:
        row, goal = GOALS[arm]
        line["goal"] = f"row {row}: ≥ {goal:g}×, {verdict(ours, results, goal)}"
    return line


def verdict(ours, results, goal):
    """Whether ours gets to the arm's mean accuracy that much sooner, in words."""
    times = [reached(one, mean(results, "accuracy")) for one in ours]
    if any(time is None for time in times):
        return f"accuracy not reached in {sum(time is None for time in times)} of {len(times)} runs"
    return judged(median(results, "seconds") / float(np.median(times)), goal)


def row_3b(ours, tuned):
    """Our accuracy after the tuned Trainer's own time against its final one, paired over test rows, seeds averaged."""
    from tunewright.stats import paired_difference

    seconds = median(tuned, "seconds")
    points = [within(one, seconds) for one in ours]
    if any(point is None for point in points):
        return "Row 3b: ours had nothing to hand over within the tuned Trainer's time, not reached."
    a, b = (np.mean([[bit == "1" for bit in one["right"]] for one in side], axis=0) for side in (points, tuned))
    score, _ = paired_difference(a, b)
    return (
        f"Row 3b: after the tuned Trainer's {seconds:.0f} s ours stands at {a.mean():.4f}, it at {b.mean():.4f}: a "
        f"difference of {100 * score.value:+.2f} points ({100 * score.low:+.2f} to {100 * score.high:+.2f}, n "
        f"{score.n}, mean of {len(ours)} seeds a side), {'reached' if score.low > 0 else 'not reached'}."
    )


def mean(results, name):
    """Mean of one field."""
    return float(np.mean([result[name] for result in results]))


if __name__ == "__main__":
    main()
