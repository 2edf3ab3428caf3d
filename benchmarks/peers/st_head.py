"""Peer: scikit-learn's logistic regression on sentence-transformers vectors, fitted once and kept as a file.

Keys of the configuration: `data` (parquet with `part`, `text`, `label`), `model` (folder), `C` (strengths; the best on
validation), `out` (folder). One JSON line out: `head` is the file, named by its content.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression


def read_head(path):
    """The fitted regression; whoever only reads it needs neither polars nor sentence-transformers."""
    head = LogisticRegression()
    with np.load(path) as file:
        head.classes_, head.coef_, head.intercept_ = file["classes"], file["coef"], file["intercept"]
    return head


def write_head(head, folder):
    """Keep it under a name that changes with what is in it."""
    parts = {"classes": head.classes_.astype(str), "coef": head.coef_, "intercept": head.intercept_}
    token = hashlib.sha256(b"".join(parts[name].tobytes() for name in sorted(parts))).hexdigest()[:12]
    path = Path(folder) / f"head-{token}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **parts)
    os.replace(temporary, path)
    return path


def main(config):
    """Encode, fit, keep."""
    import polars as pl
    from sentence_transformers import SentenceTransformer

    frame = pl.read_parquet(config["data"]).filter(pl.col("part") != "test")
    model = SentenceTransformer(config["model"], device="cpu")
    vectors = model.encode(frame["text"].to_list(), show_progress_bar=False)
    parts, labels = frame["part"].to_numpy(), frame["label"].to_numpy()
    x, y = ({part: values[parts == part] for part in set(parts)} for values in (vectors, labels))
    fits = [LogisticRegression(C=c, max_iter=1000).fit(x["train"], y["train"]) for c in config["C"]]
    best = max(fits, key=lambda fit: fit.score(x["validation"], y["validation"]))
    print(json.dumps({"head": str(write_head(best, config["out"])), "C": best.C}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
