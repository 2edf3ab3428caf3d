"""Peer: nannyml's CBPE, for numbers its DLE, on the same answers. One JSON object in, one JSON line out.

Keys of the configuration: `model` (answers for known and new rows), `windows` (an npz file of places of new rows),
`out` (an npz file with (windows, 3) value and the ends of its confidence band, three sampling errors to either side).
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version

import nannyml
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
ENDS = ("value", "lower_confidence_boundary", "upper_confidence_boundary")


def names_of(classes):
    """Labels whose order as words is that as numbers."""
    return np.array([f"class {place:04d}" for place in range(classes)])


def answers_frame(held, part, places):
    """Probabilities, the answer and the truth, as CBPE reads them."""
    truth, said, p = (held[f"{part}_{name}"][places] for name in ("truth", "labels", "probabilities"))
    if p.shape[1] == 2:
        return pd.DataFrame({"y_true": truth, "y_pred": said, "p": p[:, 1]})
    names = names_of(p.shape[1])
    found = pd.DataFrame(p, columns=[f"p {name}" for name in names])
    return found.assign(y_true=names[truth], y_pred=names[said])


def cbpe(held, size):
    """CBPE of accuracy at its defaults, fitted on the known rows."""
    classes = int(held["classes"])
    names = names_of(classes)
    two = classes == 2
    estimator = nannyml.CBPE(
        metrics=["accuracy"],
        y_pred_proba="p" if two else {str(name): f"p {name}" for name in names},
        y_pred="y_pred",
        y_true="y_true",
        problem_type="classification_binary" if two else "classification_multiclass",
        chunk_size=size,
    )
    return estimator, answers_frame, "accuracy"


def numbers_frame(held, part, places):
    """What DLE reads: the text as numbers, the answer and the truth."""
    vectors = held[f"{part}_vectors"][places].astype(np.float64)
    found = pd.DataFrame(vectors, columns=[f"dimension {at}" for at in range(vectors.shape[1])])
    return found.assign(
        length=held[f"{part}_lengths"][places].astype(np.float64),
        y_pred=held[f"{part}_labels"][places],
        y_true=held[f"{part}_truth"][places],
    )


def dle(held, size):
    """DLE of the mean absolute error at its defaults, fitted on the known rows."""
    names = [f"dimension {at}" for at in range(held["known_vectors"].shape[1])]
    estimator = nannyml.DLE(
        feature_column_names=[*names, "length", "y_pred"],
        y_pred="y_pred",
        y_true="y_true",
        metrics=["mae"],
        chunk_size=size,
    )
    return estimator, numbers_frame, "mae"


def of_size(held, places, size):
    """(w, 3) of w windows of one size: nannyml takes them as chunks of one table."""
    estimator, frame, metric = (dle if str(held["task"]) == "regression" else cbpe)(held, size)
    estimator.fit(frame(held, "known", np.arange(len(held["known_truth"]))))
    analysis = frame(held, "new", np.concatenate(places)).drop(columns="y_true")
    found = estimator.estimate(analysis).filter(period="analysis").to_df()
    return found[metric][list(ENDS)].to_numpy(np.float64)


def main(config):
    """Estimate every window; one fit per size, since a fit knows the size of its chunks."""
    with np.load(config["model"]) as file:
        held = {name: file[name] for name in file.files}
    with np.load(config["windows"]) as file:
        windows = [file[name] for name in file.files]
    sizes = np.array([len(one) for one in windows])
    told = np.full((len(windows), 3), np.nan)
    started = time.perf_counter()
    for size in np.unique(sizes):
        at = np.flatnonzero(sizes == size)
        told[at] = of_size(held, [windows[place] for place in at], int(size))
    seconds = (time.perf_counter() - started) / len(windows)
    np.savez(config["out"], nannyml=told)
    print(json.dumps({"seconds": seconds, "version": f"nannyml {version('nannyml')}"}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
