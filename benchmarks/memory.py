"""Row 15: the memory peak of a full fine-tune against transformers' Trainer at its defaults, the same batch in rows."""

from __future__ import annotations

from common import ALL_OPTIONS, judged, median, options, pace, report, run_ours, run_peer, spread
from sets import texts_file
from settings import DEFAULTS, PEER_NOTES, plan_of, trainer

ROWS = 3000
GOAL = 0.7


def main():
    """Measure and write the section."""
    given = options(__doc__, *ALL_OPTIONS).parse_args()
    data = texts_file("clinc150", given.rows or ROWS)
    ours, peer = [], []
    for pair in range(given.pairs):
        ours.append(run_ours("run", {"plan": plan_of(data, epochs=1, seed=pair), "look": False}))
        args = DEFAULTS | {"per_device_train_batch_size": ours[0]["batch_rows"], "num_train_epochs": 1}
        config = trainer(data, args, seed=pair)
        peer.append(run_peer("transformers", "trainer", config, pair=pair, use_cache=not given.no_cache))
    lines = (
        ("tunewright, up to the end of training", ours, "peak_trained_mb"),
        ("tunewright, the whole run with baselines, bundle and report", ours, "peak_mb"),
        ("Trainer, defaults", peer, "peak_mb"),
    )
    table = []
    for name, results, field in lines:
        ratio = median(results, field) / median(peer, "peak_mb")
        goal = f"row 15: ≤ {GOAL}×, {judged(ratio, GOAL, below=True)}" if results is ours else ""
        table.append(
            {"what": name, "peak MB": spread(results, field, 0), "of the peer's": f"{ratio:.2f}", "goal": goal}
        )
    notes = [
        f"clinc150, {given.rows or ROWS} train rows, one epoch, at most {ours[0]['batch_rows']} rows a batch for both, "
        f"precision of ours: {ours[0]['precision']}. Greatest resident set of the process, libraries included.",
        PEER_NOTES["default"].replace("3 epochs", "1 epoch"),
        pace([*ours, *peer]),
    ]
    report(table, notes, given)


if __name__ == "__main__":
    main()
