"""Peer: datasketch's MinHash and MinHashLSH over the same shingles. One JSON object in, one JSON line out.

Keys of the configuration: `texts` (a JSON file with a list), `threshold`, `num_perm`, `params` (bands and rows, or null
for what datasketch makes of the threshold), `hash` ("sha1", its default, or "crc32"), `out` (stem of the files with the
pairs). Texts are in memory and the library is warm when the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
import zlib

import numpy as np
from datasketch import MinHash, MinHashLSH
from shingling import alike, folded, shingles


def candidate_pairs(texts, config):
    """Pairs of row numbers that share a bucket, and every row's shingles; a text that was there before is linked to it.

    A row is looked up before it is put in: each pair is found once.
    """
    hashing = {"hashfunc": zlib.crc32} if config["hash"] == "crc32" else {}
    first, repeats, rows, sets = {}, [], [], []
    for row, text in enumerate(map(folded, texts)):
        if first.setdefault(text, row) != row:
            repeats.append((first[text], row))
        else:
            rows.append(row)
            sets.append(shingles(text))
    encoded = ([piece.encode("utf-8", "surrogatepass") for piece in one] for one in sets)
    hashes = MinHash.bulk(encoded, num_perm=config["num_perm"], **hashing)
    index = MinHashLSH(threshold=config["threshold"], num_perm=config["num_perm"], params=config["params"])
    pairs = []
    for place, one in enumerate(hashes):
        pairs += [(other, place) for other in index.query(one)]
        index.insert(place, one, check_duplication=False)
    return repeats, pairs, rows, sets


def main(config):
    """Search, then verify, and tell how long each took."""
    with open(config["texts"], encoding="utf-8") as file:
        texts = json.load(file)
    config["params"] = config["params"] and tuple(config["params"])
    candidate_pairs([*texts[:10], *(f"{text}!" for text in texts[:10])], config)
    started = time.perf_counter()
    repeats, pairs, rows, sets = candidate_pairs(texts, config)
    unverified = time.perf_counter() - started
    near = [(a, b) for a, b in pairs if alike(sets[a], sets[b], config["threshold"])]
    seconds = time.perf_counter() - started
    for name, some in (("all", pairs), ("verified", near)):
        links = [*repeats, *((rows[a], rows[b]) for a, b in some)]
        np.save(f"{config['out']} {name}.npy", np.array(links, np.int64).reshape(-1, 2))
    print(json.dumps({"seconds": unverified, "verified_seconds": seconds}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
