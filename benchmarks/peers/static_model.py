"""Peer: a static embedding model distilled from the embedded backbone by model2vec's own recipe, written to a folder.

One JSON object in (`model`, `out`), one JSON line out.
"""

from __future__ import annotations

import json
import sys

from model2vec.distill import distill


def main(config):
    """Distil and write; float32, because its default, float16, is slower in every search that follows."""
    model = distill(config["model"], pca_dims=256, quantize_to="float32")
    model.save_pretrained(config["out"])
    print(json.dumps({"tokens": len(model.tokens), "dimensions": model.dim}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
