"""Peer: transformers' Trainer. One JSON object in, one JSON line out; needs nothing of ours.

Keys of the configuration: `data` (parquet with `part`, `label`, `text` and for pairs `text_b`), `model` (folder),
`seed`, `max_length`, `args` (TrainingArguments that differ from the defaults), `head` ("noise", or "logreg": mean
pooling and a head that starts from scikit-learn's logistic regression on the frozen vectors), `limit` (train rows at
most), `evaluate` ("epochs", "end" or "no"; its time counts as `paused`), `steps` ([warm-up, measured] updates, then
stop), `checkpoints` ([seconds between two, seconds of training]).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from trainer_parts import Rows, encode, make_model, run_batches
from transformers import AutoTokenizer, Trainer, TrainerCallback, TrainingArguments, set_seed


class Measured(Trainer):
    """Counts the real tokens of every update and times every checkpoint."""

    tokens: list
    saves: list

    def training_step(self, model, inputs, *args, **kwargs):
        self.tokens.append(int(inputs["attention_mask"].sum()))
        return super().training_step(model, inputs, *args, **kwargs)

    def _save_checkpoint(self, *args, **kwargs):
        start = time.perf_counter()
        super()._save_checkpoint(*args, **kwargs)
        self.saves.append(time.perf_counter() - start)


class Clock(TrainerCallback):
    """Stamps updates, asks for checkpoints at their interval, ends measured runs, looks at the test rows."""

    def __init__(self, config, look):
        self.steps, self.checkpoints = config.get("steps"), config.get("checkpoints")
        self.look = look
        self.stamps = []
        self.begun = self.saved = 0.0

    def on_train_begin(self, args, state, control, **kwargs):
        self.look(0)
        self.begun = self.saved = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        now = time.perf_counter()
        self.stamps.append(now)
        if self.steps and len(self.stamps) >= sum(self.steps):
            control.should_training_stop = True
        if self.checkpoints and now - self.stamps[0] > self.checkpoints[1]:
            control.should_training_stop = True
        elif self.checkpoints and now - self.saved > self.checkpoints[0]:
            control.should_save = True
            self.saved = now

    def on_epoch_end(self, args, state, control, **kwargs):
        self.look(round(state.epoch))


class Look:
    """Looks at the test rows, outside the timing."""

    def __init__(self, config, data, tokenizer):
        self.config, self.data, self.tokenizer = config, data, tokenizer
        self.bf16 = bool(config["args"].get("bf16"))
        self.started, self.paused, self.curve = float(os.environ["BENCH_STARTED"]), 0.0, []
        self.model = None

    def outputs(self):
        begun = time.time()
        self.model.eval()
        found = run_batches(lambda **batch: self.model(**batch)["logits"], self.data["test"], self.tokenizer, self.bf16)
        self.paused += time.time() - begun
        return found

    def __call__(self, epoch):
        if self.config["evaluate"] != "epochs" or (epoch == 0 and self.config.get("head") != "logreg"):
            return
        seconds = time.time() - self.started - self.paused
        right = self.outputs().argmax(1) == np.array(self.data["test"].targets)
        text = "".join("01"[int(one)] for one in right)
        self.curve.append({"epoch": epoch, "seconds": seconds, "accuracy": float(right.mean()), "right": text})


def train(config, model, data, tokenizer, look):
    """Train as configured; returns what was measured."""
    quiet = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_strategy": "no"}
    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(output_dir=folder, seed=config["seed"], use_cpu=True, **(quiet | config["args"]))
        clock = Clock(config, look)
        trainer = Measured(
            model=model, args=args, train_dataset=data["train"], processing_class=tokenizer, callbacks=[clock]
        )
        trainer.tokens, trainer.saves = [], []
        trainer.train()
        sizes = [sum(f.stat().st_size for f in c.iterdir()) for c in Path(folder).glob("checkpoint-*")]
    stamps, first = clock.stamps, config["steps"][0] if config.get("steps") else 0
    return {
        "saves": trainer.saves,
        "checkpoint_mb": max(sizes, default=0) / 2**20,
        "updates": len(stamps) - first,
        "tokens": sum(trainer.tokens[first : len(stamps)]),
        "seconds": stamps[-1] - stamps[first - 1] if first else stamps[-1] - clock.begun,
    }


def predictions(outputs, names, data, scale):
    """Class numbers, lists of label numbers, or values in target units."""
    if not names:
        return (outputs[:, 0] * scale[1] + scale[0]).tolist()
    if isinstance(data["train"].targets[0], list):
        return [np.flatnonzero(row > 0).tolist() for row in outputs]
    return outputs.argmax(1).tolist()


def main(config):
    """Train and answer."""
    set_seed(config["seed"])
    parts = pl.read_parquet(config["data"]).partition_by("part", as_dict=True)
    frames = {str(key[0]): part for key, part in parts.items()}
    if config.get("limit"):
        rows = min(config["limit"], len(frames["train"]))
        frames["train"] = frames["train"].sample(rows, seed=config["seed"], shuffle=True)
    names, targets, scale = encode(frames)
    tokenizer = AutoTokenizer.from_pretrained(config["model"])
    data = {part: Rows(frame, tokenizer, targets[part], config["max_length"]) for part, frame in frames.items()}
    look = Look(config, data, tokenizer)
    look.model = make_model(config, names, data, tokenizer)
    answer = train(config, look.model, data, tokenizer, look)
    if config["evaluate"] == "end":
        answer |= {"labels": names, "predictions": predictions(look.outputs(), names, data, scale)}
    print(json.dumps(answer | {"curve": look.curve, "paused": look.paused}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
