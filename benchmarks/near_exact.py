"""The reference for near-duplicates: every pair of texts compared, by blocks of a sparse matrix product.

It shares nothing with the product's join: no prefixes, no filters but the sizes. As a program it takes a JSON file with
texts, the threshold and the file to write pairs to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).with_name("peers")))
from shingling import folded, shingles

BLOCK = 500  # rows


def exact_pairs(texts, threshold):
    """(m, 2) row numbers of all pairs that reach the threshold."""
    from scipy.sparse import csr_array

    number, columns, starts = {}, [], [0]
    for text in texts:
        columns += [number.setdefault(piece, len(number)) for piece in shingles(folded(text))]
        starts.append(len(columns))
    sizes = np.diff(starts)
    sets = csr_array((np.ones(len(columns), np.int32), columns, starts), shape=(len(texts), len(number)))
    order = np.argsort(sizes, kind="stable")
    sets, sizes = sets[order], sizes[order]
    found = []
    for start in range(0, len(texts), BLOCK):
        stop = min(start + BLOCK, len(texts))
        # Rows come by size: a row that is longer than the block's longest over the threshold reaches none in it.
        end = int(np.searchsorted(sizes, sizes[stop - 1] / threshold, side="right"))
        shared = (sets[start:stop] @ sets[start:end].T).tocoo()
        a, b = shared.coords[0] + start, shared.coords[1] + start
        near = (a < b) & (shared.data / (sizes[a] + sizes[b] - shared.data) >= threshold)
        found.append(np.stack([order[a[near]], order[b[near]]], axis=1))
    return np.sort(np.concatenate(found), axis=1)


def scored(links, exact):
    """Share of the exact pairs whose rows the links connect, and share of the links that are exact pairs."""
    root = {}

    def find(row):
        while root.setdefault(row, row) != row:
            root[row] = row = root[root[row]]
        return row

    for a, b in links.tolist():
        root[find(a)] = find(b)
    true = {(a, b) for a, b in exact.tolist()}
    told = {(min(a, b), max(a, b)) for a, b in links.tolist()}
    recall = sum(find(a) == find(b) for a, b in true) / max(len(true), 1)
    return recall, len(told & true) / max(len(told), 1)


if __name__ == "__main__":
    path, given_threshold, out = sys.argv[1:]
    pairs = exact_pairs(json.loads(Path(path).read_text("utf-8")), float(given_threshold))
    np.save(out, pairs)
    print(json.dumps({"pairs": len(pairs)}))
