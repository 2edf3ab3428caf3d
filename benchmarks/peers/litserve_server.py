"""Peer: a litserve server of sentence-transformers and a logistic regression, batching as litserve's own pages show it.

Keys of the configuration: `model` (folder), `head` (of `st_head.py`), `port`, `batch` (requests answered together, at
most), `wait` (seconds for which the first of them waits for others). It serves until it is ended.
"""

from __future__ import annotations

import json
import sys

import litserve as ls


class Labels(ls.LitAPI):
    """A text in, its label out."""

    def __init__(self, config):
        super().__init__(max_batch_size=config["batch"], batch_timeout=config["wait"])
        self.config = config

    def setup(self, device):
        """Load; called in the process that computes."""
        from sentence_transformers import SentenceTransformer
        from st_head import read_head

        self.model = SentenceTransformer(self.config["model"], device=device)
        self.head = read_head(self.config["head"])

    def decode_request(self, request):
        """The text of a body."""
        return request["text"]

    def predict(self, asked):
        """A label for each text; where requests are not batched it is one text."""
        texts = [asked] if isinstance(asked, str) else list(asked)
        labels = self.head.predict(self.model.encode(texts, show_progress_bar=False)).tolist()
        return labels[0] if isinstance(asked, str) else labels

    def encode_response(self, label):
        """The body of an answer."""
        return {"label": label}


def main(config):
    """Serve."""
    server = ls.LitServer(Labels(config), accelerator="cpu")
    server.run(host="127.0.0.1", port=config["port"], log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
