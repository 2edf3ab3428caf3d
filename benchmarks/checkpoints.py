"""Row 12: the share of training time that checkpoints take, against transformers' Trainer at the same interval."""

from __future__ import annotations

from common import ALL_OPTIONS, judged, median, options, pace, report, run_ours, run_peer, spread
from sets import texts_file
from settings import DEFAULTS, PEER_NOTES, plan_of, trainer

MOST = 0.03
OF_PEER = 1 / 3
SHORT = 10.0


def main():
    """Measure at the product's own interval and at a short one, and write the section."""
    parser = options(__doc__, *ALL_OPTIONS)
    parser.add_argument("--seconds", type=float, default=200.0, help="of training, per run")
    parser.add_argument("--interval", type=float, default=SHORT, help="seconds between two checkpoints, the short case")
    given = parser.parse_args()
    data = texts_file("clinc150", given.rows)
    plan = plan_of(data, epochs=200, early_stopping=0)
    table, everything = [], []
    for interval in (None, given.interval):
        ours, peer = [], []
        for pair in range(given.pairs):
            ours.append(run_ours("steps", {"plan": plan | {"seed": pair}, "checkpoints": [interval, given.seconds]}))
            args = DEFAULTS | {
                "per_device_train_batch_size": round(ours[0]["rows_per_update"]),
                "num_train_epochs": 200,
                "save_total_limit": 2,
            }
            limits = [ours[0]["interval"], given.seconds]
            config = trainer(data, args, seed=pair, checkpoints=limits)
            peer.append(run_peer("transformers", "trainer", config, pair=pair, use_cache=not given.no_cache))
        everything += [*ours, *peer]
        table += lines_of(ours, peer, ours[0]["interval"])
    notes = [
        f"{given.seconds:.0f} s of training a run, {given.pairs} runs each, alternately; both keep two checkpoints. "
        "Ours writes safetensors and waits for the disk (fsync); the Trainer does not.",
        "A callback asks the Trainer for a checkpoint whenever the interval has passed: both save equally often.",
        PEER_NOTES["default"],
        pace(everything),
    ]
    report(table, notes, given)


def lines_of(ours, peer, interval):
    """Two lines: ours and the peer's at one interval."""
    for result in [*ours, *peer]:
        result["share"] = 100 * sum(result["saves"]) / result["seconds"]
        result["count"] = len(result["saves"])
    ratio = median(ours, "share") / max(median(peer, "share"), 1e-9)
    share = median(ours, "share") / 100
    lines = []
    for name, results in (("tunewright", ours), ("Trainer", peer)):
        line = {
            "interval": f"{interval:g} s",
            "arm": name,
            "checkpoints": spread(results, "count", 0),
            "MB each": f"{median(results, 'checkpoint_mb'):.0f}",
            "share of time, %": spread(results, "share", 2),
        }
        if results is ours and not (median(ours, "count") and median(peer, "count")):
            line["goal"] = "row 12: no checkpoint fell due"
        elif results is ours:
            line["goal"] = (
                f"row 12: ≤ 3 %, {judged(share, MOST, below=True)}; "
                f"≤ ⅓ of the peer's, {judged(ratio, OF_PEER, below=True)} ({ratio:.2f})"
            )
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
