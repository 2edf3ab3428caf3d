"""Ours: frozen vectors of a list of texts, as the product's encoder gives them. One JSON line out.

Keys of the configuration: `texts` (a JSON file with a list), `out` (the file for (n, V) float32 of unit length).
"""

from __future__ import annotations

import json
import sys

import numpy as np
from label_errors import encode


def main(config):
    """Encode and write."""
    with open(config["texts"], encoding="utf-8") as file:
        texts = json.load(file)
    vectors = encode(texts)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    np.save(config["out"], vectors.astype(np.float32))
    print(json.dumps({"rows": len(texts)}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
