"""Row 6: seconds to the score of a pruned optuna search around the tuned Trainer, the same space for both."""

from __future__ import annotations

import statistics

from common import ALL_OPTIONS, Failed, backbone, judged, options, pace, report, run_ours, run_peer, spread
from sets import texts_file
from settings import MAX_LENGTH, TUNED, plan_of

GOAL = 4.0
SETS = {"snips": "accuracy", "clinc150": "accuracy", "emobank": "pearson"}
ROWS = 3000
RATE, EPOCHS, BATCH, DECAY = (2e-5, 1e-3), (2, 3, 4), (16, 32, 64), (0.0, 0.01, 0.1)
OURS = {
    "training.learning_rate": {"low": RATE[0], "high": RATE[1], "log": True},
    "training.epochs": list(EPOCHS),
    "training.weight_decay": list(DECAY),
}
PEERS = {
    "learning_rate": list(RATE),
    "num_train_epochs": {"choices": list(EPOCHS)},
    "per_device_train_batch_size": {"choices": list(BATCH)},
    "weight_decay": {"choices": list(DECAY)},
}
PROBE = {"training.probe_C": {"low": 0.3, "high": 100, "log": True}}


def ours(data, metric, given, seed):
    """One search of ours."""
    plan = plan_of(data, train="full", seed=seed)
    plan["objective"] = {"metric": metric}
    plan["search"] = {"strategy": "bayesian", "trials": given.trials, "space": dict(OURS), "seeds": 1}
    return run_ours("search", {"plan": plan, "rows": list(BATCH)})


def peer(data, metric, given, seed):
    """One search around the Trainer."""
    args = {name: value for name, value in TUNED.items() if name != "learning_rate"}
    config = {"data": str(data), "model": backbone(), "max_length": MAX_LENGTH, "seed": seed, "args": args}
    config |= {"trials": given.peer_trials, "space": PEERS, "metric": metric}
    return run_peer("transformers", "trainer_search", config, pair=seed, use_cache=not given.no_cache)


def reached(result, score):
    """Seconds until our best so far is that score, or None."""
    return next(
        (t for t, s in zip(result["stamps"], result["scores"], strict=True) if s is not None and s >= score), None
    )


def line_of(name, mine, theirs):
    """One line of the table."""
    times = [reached(a, b["best"]) for a, b in zip(mine, theirs, strict=True)]
    line = {
        "set": name,
        "best on validation, ours": f"{statistics.mean(one['best']['score'] for one in mine):.4f}",
        "on validation, peer's": f"{statistics.mean(one['best'] for one in theirs):.4f}",
        "test, ours": f"{statistics.mean(one['test']['value'] for one in mine):.4f}",
        "test, peer's": f"{statistics.mean(one['test'] for one in theirs):.4f}",
        "our seconds, all trials": spread(mine, "searched", 0),
        "peer's seconds": spread(theirs, "searched", 0),
        "ours to the peer's score": "not in every run",
        "ratio": "",
    }
    if all(time is not None for time in times):
        ratio = statistics.median(b["searched"] / t for t, b in zip(times, theirs, strict=True))
        line["ours to the peer's score"] = f"{statistics.median(times):.0f}"
        line["ratio"] = f"{ratio:.1f}×, row 6: ≥ {GOAL:g}×, {judged(ratio, GOAL)}"
    return line


def probe_trials(given):
    """Trials a minute that move only the probe, on the whole of clinc150, after the first."""
    plan = plan_of(texts_file("clinc150", given.rows), train="head")
    plan["search"] = {"strategy": "random", "trials": 30, "space": PROBE, "seeds": 1}
    stamps = run_ours("search", {"plan": plan})["stamps"]
    return 60 * (len(stamps) - 1) / (stamps[-1] - stamps[0])


def main():
    """Measure and write the section, line by line."""
    parser = options(__doc__, *ALL_OPTIONS)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--trials", type=int, default=20, help="of ours")
    parser.add_argument("--peer-trials", type=int, default=8)
    given = parser.parse_args()
    table, everything, failed = [], [], []
    speed = probe_trials(given)
    for name in given.sets:
        data = texts_file(name, given.rows or ROWS)
        mine, theirs = [], []
        for seed in range(given.pairs):
            try:
                theirs.append(peer(data, SETS[name], given, seed))
                mine.append(ours(data, SETS[name], given, seed))
            except Failed as problem:
                failed.append(f"{name}: {str(problem).strip().splitlines()[-1]}")
        if not mine:
            continue
        everything += [*mine, *theirs]
        table.append(line_of(name, mine, theirs[: len(mine)]))
        notes = [
            f"{given.rows or ROWS} rows of every part, {given.pairs} seeds; {given.trials} trials of ours, "
            f"{given.peer_trials} of the peer's. The space of both: learning rate {RATE[0]:g} to {RATE[1]:g}, epochs "
            f"{EPOCHS}, rows a batch {BATCH}, weight decay {DECAY}; full fine-tuning.",
            "Seconds from process start; ours with the audit and its remedies. Test rows took no part in a search.",
            "Peer: Trainer.hyperparameter_search with optuna's TPE and MedianPruner, tuned as in row 2.",
            f"Trials that move the probe alone, clinc150 at full size, after the first: {speed:.0f} a minute "
            f"(goal: 100, {judged(speed, 100)}).",
            *failed,
            pace(everything),
        ]
        report(table, notes, given)


if __name__ == "__main__":
    main()
