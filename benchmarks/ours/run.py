"""Ours: the whole road of `tunewright run`. One JSON object in, one JSON line out.

Keys of the configuration: `plan` (sections of the plan), `look` (whether to note the test accuracy over time).
"""

from __future__ import annotations

import json
import sys
import tempfile

from watch import Watch, walk


def main(config):
    """Run and tell."""
    with tempfile.TemporaryDirectory() as folder, Watch(look=config["look"]) as watch:
        summary = walk(config["plan"], folder)
    answer = {
        "curve": watch.curve,
        "paused": watch.paused,
        "peak_trained_mb": watch.peak_mb,
        "stations": summary["seconds"],
        "kept": watch.fitted.trained.kept,
        "precision": watch.fitted.trained.precision,
        "test": {name: score["value"] for name, score in summary["metrics"]["test"].items()},
    }
    if watch.recipe is not None:
        answer["batch_rows"] = watch.recipe.batch_rows
        answer["batch_tokens"] = watch.recipe.batch_tokens
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
