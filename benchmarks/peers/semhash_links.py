"""Peer: semhash's own self-deduplication. One JSON object in, one JSON line out.

Keys of the configuration: `texts` (a JSON file with a list), `threshold` (of the cosine), `jaccard` (that of the
definition), `vectors` ("static": the model2vec model in the folder `model`; "shingles": signed hashing of the same
shingles into `width` numbers), `backend` (of its index), `out` (stem of the files with the pairs). Texts are in memory
and the library is warm when the clock starts.
"""

from __future__ import annotations

import json
import sys
import time
import zlib

import numpy as np
from model2vec import StaticModel
from scipy.sparse import csr_array
from semhash import SemHash
from shingling import alike, folded, shingles

SIGN = 20  # the bit of a hash that decides about the sign; the low bits say the column


class Shingles:
    """An encoder whose vectors are close where the sets of shingles are: their random signs, added up by column."""

    def __init__(self, width):
        self.width = width

    def encode(self, inputs, **_):
        hashes, starts = [], [0]
        for text in inputs:
            hashes += [zlib.crc32(piece.encode("utf-8", "surrogatepass")) for piece in shingles(folded(text))]
            starts.append(len(hashes))
        hashes = np.array(hashes, np.int64)
        signs = ((hashes >> SIGN & 1) * 2 - 1).astype(np.float32)
        return csr_array((signs, hashes % self.width, starts), shape=(len(inputs), self.width)).toarray()


def links_of(records, model, config):
    """Pairs of row numbers: what was filtered out, and the record that was kept for it."""
    index = SemHash.from_records(records=records, columns=["text"], model=model, ann_backend=config["backend"])
    filtered = index.self_deduplicate(threshold=config["threshold"]).filtered
    return [(one.duplicate_of["row"], one.record["row"]) for one in filtered]


def main(config):
    """Search, then verify, and tell how long each took."""
    with open(config["texts"], encoding="utf-8") as file:
        texts = json.load(file)
    records = [{"text": text, "row": row} for row, text in enumerate(texts)]
    static = config["vectors"] == "static"
    model = StaticModel.from_pretrained(config["model"]) if static else Shingles(config["width"])
    links_of(records[:10] + [{**one, "text": one["text"] + "!"} for one in records[:10]], model, config)
    started = time.perf_counter()
    links = links_of(records, model, config)
    unverified = time.perf_counter() - started
    near = [(a, b) for a, b in links if alike(*(shingles(folded(texts[row])) for row in (a, b)), config["jaccard"])]
    seconds = time.perf_counter() - started
    for name, some in (("all", links), ("verified", near)):
        np.save(f"{config['out']} {name}.npy", np.array(some, np.int64).reshape(-1, 2))
    print(json.dumps({"seconds": unverified, "verified_seconds": seconds}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
