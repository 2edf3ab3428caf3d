"""Ours: a number of training updates, or seconds of training, in a real run that is then stopped as by a signal.

Keys of the configuration: `plan` (sections of the plan), and one of `steps` ([warm-up, measured] updates) or
`checkpoints` ([seconds between two, null for the product's own interval; seconds of training]).
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from watch import Watch, walk

from tunewright.training import loop
from tunewright.training.batches import training_batches


class Stop:
    """Stamps every update; the signal comes once enough of them, or enough seconds, have passed."""

    def __init__(self, updates: float, seconds: float) -> None:
        self.updates, self.seconds = updates, seconds
        self.stamps = []

    def __call__(self):
        self.stamps.append(time.perf_counter())
        enough = len(self.stamps) >= self.updates or self.stamps[-1] - self.stamps[0] > self.seconds
        return signal.SIGTERM if enough else None


def tokens_of_updates(watch: Watch) -> list[int]:
    """Real tokens of every update of the first epoch."""
    recipe, lengths = watch.recipe, watch.training.inputs.lengths
    batches = training_batches(lengths, rows=recipe.batch_rows, tokens=recipe.batch_tokens, seed=(recipe.seed, 1))
    return [int(lengths[batch].sum()) for batch in batches]


def time_saves(saves: list[dict], interval: float | None):
    """Note start, seconds and size of every checkpoint."""
    real = loop.save_loop
    if interval is not None:
        loop.CHECKPOINT_SECONDS = interval

    def save_loop(folder, *args):
        start = time.perf_counter()
        real(folder, *args)
        size = max(sum(f.stat().st_size for f in c.iterdir()) for c in Path(folder).glob("step-*"))
        saves.append({"start": start, "seconds": time.perf_counter() - start, "mb": size / 2**20})

    loop.save_loop = save_loop


def main(config):
    """Run until stopped and tell."""
    first, count = config.get("steps") or (0, float("inf"))
    interval, seconds = config.get("checkpoints") or (None, float("inf"))
    saves, stop = [], Stop(first + count, seconds)
    time_saves(saves, interval)
    with tempfile.TemporaryDirectory() as folder, Watch(look=False) as watch, contextlib.suppress(loop.Interrupted):
        walk(config["plan"], folder, stop=stop)
    stamps = stop.stamps
    tokens = tokens_of_updates(watch)
    if config.get("steps") and len(tokens) < first + count:
        stamps = stamps[: len(tokens)]  # a validation pass lies between two epochs
    inside = [save for save in saves if save["start"] < stamps[-1]]
    answer = {
        "tokens": sum(tokens[first : len(stamps)]),
        "updates": len(stamps) - first,
        "seconds": stamps[-1] - stamps[max(first - 1, 0)],
        "tokens_per_update": sum(tokens) / len(tokens),
        "rows_per_update": len(watch.training.targets) / len(tokens),
        "saves": [save["seconds"] for save in inside],
        "checkpoint_mb": max((save["mb"] for save in inside), default=0.0),
        "precision": watch.precision,
        "interval": loop.CHECKPOINT_SECONDS,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
