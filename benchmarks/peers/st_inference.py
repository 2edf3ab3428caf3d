"""Peer: sentence-transformers and a logistic regression, answering test rows. One JSON object in, one JSON line out.

Keys of the configuration: `data`, `timed`, `singles`, `rounds` (see `st_inference_clock.py`), `model` (folder), `head`
(of `st_head.py`), `sizes` (rows of a batch, the first is the default), and for openvino `openvino` (what
`st_openvino.py` gave).
"""

from __future__ import annotations

import json
import sys
from functools import partial

from sentence_transformers import SentenceTransformer
from st_head import read_head
from st_inference_clock import measure


def load(config):
    """The model in float32 on torch, or its quantised graph on openvino."""
    graph = config.get("openvino")
    if graph is None:
        return SentenceTransformer(config["model"], device="cpu")
    return SentenceTransformer(
        graph["folder"], device="cpu", backend="openvino", model_kwargs={"file_name": graph["file"]}
    )


def main(config):
    """Load, answer, tell."""
    model, head = load(config), read_head(config["head"])

    def answer(texts, size):
        return head.predict(model.encode(texts, batch_size=size, show_progress_bar=False))

    answers = {f"batches of {size}": partial(answer, size=size) for size in config["sizes"]}
    print(json.dumps(measure(answers, config)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
