"""Ours: a probe on frozen vectors, then what it is worth on new rows without their labels. One JSON line out.

Keys of the configuration, `do` "fit": `data` (a parquet file with `text` and `label`), `out` (an npz file), `task`
("classes" or "number"), `train`, `known` (rows), `seed`. With `do` "estimate": `model` (that file), `windows` (an npz
file of places of new rows), `out` (an npz file with (windows, 3) value, low and high per arm). Estimates go the way of
`tunewright watch`: the same aspects, the same weights, the same functions.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import polars as pl
from label_errors import encode

from tunewright.learning.decisions import fit_decision
from tunewright.learning.probe import ProbeData, fit_logistic_probe, fit_ridge_probe
from tunewright.living.drift import Aspect
from tunewright.living.estimate import effective_rows, estimate, estimate_errors, importance
from tunewright.living.rows import table_of
from tunewright.living.watching import THIN
from tunewright.metrics import Outcome
from tunewright.tasks import Classification, Regression

CLUSTERS = 20
METRIC = {"classes": "accuracy", "number": "mean_absolute_error"}


def fit(config):
    """A head on train rows; answers for the known rows and for those that windows are drawn from."""
    frame = pl.read_parquet(config["data"])
    rows = np.random.default_rng(config["seed"]).permutation(frame.height)
    stops = np.cumsum([config["train"], config["known"]])
    train, known, new = np.split(rows, stops)
    texts = frame["text"].to_list()
    vectors = encode(texts)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    # As in a run, the first half of what the model is judged on is what was chosen on.
    validation = known[: len(known) // 2]
    outcome = answers(config["task"], frame["label"], vectors, train, validation)
    held = {"task": np.array(outcome.task, "U"), "classes": np.array(outcome.classes)}
    for name, places in (("known", known), ("new", new)):
        part = outcome.take(places)
        held |= {f"{name}_truth": part.truth, f"{name}_labels": part.labels}
        if part.probabilities is not None:
            held[f"{name}_probabilities"] = part.probabilities
        held[f"{name}_vectors"] = vectors[places].astype(np.float16)
        held[f"{name}_lengths"] = np.array([len(texts[place]) for place in places])
    held |= told_by_texts(vectors, train, new, config["seed"])
    np.savez(config["out"], **held)
    return {"rows": [len(train), len(known), len(new)]}


def answers(task_kind, labels, vectors, train, validation):
    """The probe's answers for all rows."""
    task = Classification.fit(labels) if task_kind == "classes" else Regression.fit(labels)
    targets = np.asarray(task.encode(labels))
    wanted = targets[validation]

    def judge(outputs):
        if task_kind == "classes":
            return float((outputs.argmax(1) == wanted).mean())
        return -float(((outputs[:, 0] - wanted) ** 2).mean())

    data = ProbeData(
        x_nF=vectors[train], targets=targets[train], weights=None, validation_x=vectors[validation], judge=judge
    )
    if task_kind == "classes":
        probe = fit_logistic_probe(data, loss=task.loss, outputs=task.outputs)
    else:
        probe = fit_ridge_probe(data)
    outputs = probe.outputs(vectors)
    decision = fit_decision(task, outputs[validation], wanted, METRIC[task_kind])
    return task.outcome(targets, outputs, decision)


def told_by_texts(vectors, train, new, seed):
    """By what windows are shifted: the cluster of each new row's vector, and how far the nearest train row is."""
    from sklearn.cluster import KMeans

    cluster = KMeans(CLUSTERS, n_init=1, random_state=seed).fit_predict(vectors[new])
    far = 1 - np.concatenate([(part @ vectors[train].T).max(1) for part in np.array_split(vectors[new], 10)])
    return {"cluster": cluster, "far": far}


def outcome_of(held, part, places):
    """Answers and truth of some rows."""
    task = str(held["task"])
    return Outcome(
        task=task,
        truth=held[f"{part}_truth"][places],
        labels=held[f"{part}_labels"][places],
        probabilities=None if task == "regression" else held[f"{part}_probabilities"][places],
        classes=int(held["classes"]),
    )


def table_for(held, places):
    """(m + n, F) what known and new rows are told apart by, as `watch` makes it for a model that reads one text."""

    def both(name):
        return np.concatenate([held[f"known_{name}"], held[f"new_{name}"][places]])

    aspects = [
        Aspect(name="length of text", kind="number", values=both("lengths").astype(np.float64)),
        Aspect(name="text", kind="vector", values=both("vectors").astype(np.float32)),
    ]
    if str(held["task"]) == "regression":
        aspects.append(Aspect(name="prediction", kind="number", values=both("labels")))
    else:
        sure = both("probabilities").max(1)
        aspects.append(Aspect(name="prediction", kind="category", values=both("labels").astype(np.int64)))
        aspects.append(Aspect(name="confidence", kind="number", values=sure.astype(np.float64)))
    return table_of(aspects)


def one_window(held, known, places, seed):
    """Name of the arm to (value, low, high); NaN where too few known rows resemble the new ones."""
    rows = known.rows
    table = table_for(held, places)
    weights = importance(table[:rows], table[rows:])
    found = {}
    for name, counted in (("tunewright", weights), ("tunewright, all rows alike", np.ones(rows))):
        if effective_rows(counted) < THIN:
            found[name] = (np.nan,) * 3
            continue
        if known.task == "regression":
            score = estimate_errors(known, counted, len(places), [METRIC["number"]], seed=seed)[METRIC["number"]]
        else:
            new = outcome_of(held, "new", places)
            score = estimate(known, new, counted, [METRIC["classes"]], seed=seed)[METRIC["classes"]]
        found[name] = (score.value, score.low, score.high)
    return found


def every_window(config):
    """Estimates of all windows, in their order."""
    with np.load(config["model"]) as file:
        held = {name: file[name] for name in file.files}
    known = outcome_of(held, "known", np.arange(len(held["known_truth"])))
    found, seconds = {}, []
    with np.load(config["windows"]) as windows:
        for seed, name in enumerate(windows.files):
            started = time.perf_counter()
            for arm, told in one_window(held, known, windows[name], seed).items():
                found.setdefault(arm, []).append(told)
            seconds.append(time.perf_counter() - started)
    np.savez(config["out"], **{arm: np.array(told) for arm, told in found.items()})
    return {"seconds": float(np.median(seconds))}


if __name__ == "__main__":
    given_config = json.loads(sys.argv[1])
    print(json.dumps({"fit": fit, "estimate": every_window}[given_config["do"]](given_config)))
