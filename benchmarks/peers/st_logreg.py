"""Peer: sentence-transformers vectors and scikit-learn's logistic regression. One JSON object in, one JSON line out.

Keys of the configuration: `data` (parquet with `part`, `text`, and the label columns), `model` (folder), `label`
(column), `dtype` ("float32" or "bfloat16"), `C` (strengths; with several, the best on validation).
"""

from __future__ import annotations

import json
import os
import sys
import time

import polars as pl
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression


def main(config):
    """Encode every text once, fit, score on the test rows."""
    frame = pl.read_parquet(config["data"])
    kwargs = {} if config["dtype"] == "float32" else {"model_kwargs": {"dtype": config["dtype"]}}
    model = SentenceTransformer(config["model"], device="cpu", **kwargs)
    begun = time.time()
    vectors = model.encode(frame["text"].to_list(), show_progress_bar=False, convert_to_tensor=True).float().numpy()
    encoded = time.time()
    parts, labels = frame["part"].to_numpy(), frame[config["label"]].to_numpy()
    x, y = ({part: values[parts == part] for part in set(parts)} for values in (vectors, labels))
    fits = [LogisticRegression(C=c, max_iter=1000).fit(x["train"], y["train"]) for c in config["C"]]
    best = fits[0] if len(fits) == 1 else max(fits, key=lambda fit: fit.score(x["validation"], y["validation"]))
    right = best.predict(x["test"]) == y["test"]
    answer = {
        "encode": encoded - begun,
        "fit": time.time() - encoded,
        "seconds": time.time() - float(os.environ["BENCH_STARTED"]),
        "accuracy": float(right.mean()),
        "C": best.C,
        "right": "".join("01"[int(one)] for one in right),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
