"""Peer: setfit. One JSON object in, one JSON line out.

Keys of the configuration: `data` (parquet with `part`, `text`, `label`), `model` (folder), `seed`, `args`
(setfit's TrainingArguments that differ from the defaults). With every row as an example, its default of unique pairs
would be millions: `args` must bound them.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

import polars as pl
from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments


def main(config):
    """Contrastive fine-tuning, then setfit's own logistic regression; scored on the test rows."""
    frame = pl.read_parquet(config["data"])
    train, test = (frame.filter(pl.col("part") == part) for part in ("train", "test"))
    model = SetFitModel.from_pretrained(config["model"], labels=sorted(train["label"].unique().to_list()), device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder, report_to="none", show_progress_bar=False, seed=config["seed"], **config["args"]
        )
        dataset = Dataset.from_dict({"text": train["text"].to_list(), "label": train["label"].to_list()})
        Trainer(model=model, args=args, train_dataset=dataset).train()
    seconds = time.time() - float(os.environ["BENCH_STARTED"])
    said = model.predict(test["text"].to_list())
    right = [str(one) == label for one, label in zip(said, test["label"].to_list(), strict=True)]
    answer = {
        "seconds": seconds,
        "accuracy": sum(right) / len(right),
        "right": "".join("01"[int(one)] for one in right),
        "paused": time.time() - float(os.environ["BENCH_STARTED"]) - seconds,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
