"""Peer: transformers' Trainer with its own hyperparameter search by optuna, pruned. One JSON line out.

Keys of the configuration: `data`, `model`, `seed`, `max_length`, `args` as for `trainer.py`; `trials`; `space` (name of
a training argument to [low, high] on a log scale or {"choices": […]}); `metric` ("accuracy" or "pearson").
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

import numpy as np
import optuna
import polars as pl
from trainer_parts import Rows, encode, make_model, run_batches
from transformers import AutoTokenizer, Trainer, TrainingArguments, set_seed


def score_of(metric, outputs, targets):
    """The metric on validation or test rows."""
    if metric == "pearson":
        return float(np.corrcoef(outputs[:, 0], np.array(targets))[0, 1])
    return float((outputs.argmax(1) == np.array(targets)).mean())


def suggest(trial, space):
    """One draw."""
    return {
        name: trial.suggest_float(name, *given, log=True)
        if isinstance(given, list)
        else trial.suggest_categorical(name, given["choices"])
        for name, given in space.items()
    }


def main(config):
    """Search, then train once more with what won and look at the test rows."""
    set_seed(config["seed"])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parts = pl.read_parquet(config["data"]).partition_by("part", as_dict=True)
    frames = {str(key[0]): part for key, part in parts.items()}
    names, targets, _ = encode(frames)
    tokenizer = AutoTokenizer.from_pretrained(config["model"])
    data = {part: Rows(frame, tokenizer, targets[part], config["max_length"]) for part, frame in frames.items()}
    quiet = {"report_to": "none", "save_strategy": "no", "disable_tqdm": True, "logging_strategy": "no"}
    ends, started = [], float(os.environ["BENCH_STARTED"])

    def measure(prediction):
        return {"score": score_of(config["metric"], np.asarray(prediction.predictions), prediction.label_ids)}

    with tempfile.TemporaryDirectory() as folder:
        args = TrainingArguments(
            output_dir=folder, seed=config["seed"], use_cpu=True, eval_strategy="epoch", **(quiet | config["args"])
        )
        trainer = Trainer(
            model_init=lambda: make_model(config, names, data, tokenizer),
            args=args,
            train_dataset=data["train"],
            eval_dataset=data["validation"],
            processing_class=tokenizer,
            compute_metrics=measure,
        )

        def objective(metrics):
            ends.append([time.time() - started, metrics["eval_score"]])
            return metrics["eval_score"]

        best = trainer.hyperparameter_search(
            hp_space=lambda trial: suggest(trial, config["space"]),
            compute_objective=objective,
            n_trials=config["trials"],
            direction="maximize",
            backend="optuna",
            sampler=optuna.samplers.TPESampler(seed=config["seed"]),
            pruner=optuna.pruners.MedianPruner(),
        )
        searched = time.time() - started
        chosen = TrainingArguments(
            output_dir=folder, seed=config["seed"], use_cpu=True, **(quiet | config["args"] | best.hyperparameters)
        )
        model = make_model(config, names, data, tokenizer)
        Trainer(model=model, args=chosen, train_dataset=data["train"], processing_class=tokenizer).train()
    model.eval()
    bf16 = bool(config["args"].get("bf16"))
    outputs = run_batches(lambda **batch: model(**batch)["logits"], data["test"], tokenizer, bf16)
    test = score_of(config["metric"], outputs, data["test"].targets)
    answer = {"searched": searched, "ends": ends, "best": best.objective, "params": best.hyperparameters, "test": test}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
