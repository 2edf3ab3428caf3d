"""Peer: alibi-detect's detectors on the same draws. One JSON object in, one JSON line out.

Keys of the configuration: `draws`, `slow` (draws of each kind that the slow detectors look at). A detector is made from
the old rows before the clock starts; only its `predict` on the new rows is timed.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version

import numpy as np
import torch
from alibi_detect.cd import ClassifierDrift, KSDrift, MMDDrift, TabularDrift
from drift_frames import LEVEL, run
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
HIDDEN = 32


def columns_of(rows):
    """(n, F) float64 as the detectors of single columns take them: numbers, codes, vectors; and which are codes."""
    first = rows.numbers.shape[1]
    found = np.concatenate([rows.filled(), rows.categories, rows.vectors], axis=1)
    return found, {first + at: None for at in range(rows.categories.shape[1])}


def matrix_of(old, new):
    """(m, F) and (n, F) float32 of one scale: standardised numbers, whether a cell is empty, indicators, vectors."""
    middle, spread = np.nanmedian(old.numbers, 0), np.nanstd(old.numbers, 0)
    values = [np.unique(np.concatenate([a, b])) for a, b in zip(old.categories.T, new.categories.T)]

    def of(rows):
        numbers = (rows.numbers - middle) / np.maximum(spread, 1e-9)
        indicators = [codes[:, None] == known for codes, known in zip(rows.categories.T, values)]
        blocks = [np.nan_to_num(numbers), np.isnan(rows.numbers), *indicators, rows.vectors]
        return np.concatenate([block.astype(np.float32) for block in blocks], axis=1)

    return of(old), of(new)


def by_columns(old, new, number):
    """Kolmogorov-Smirnov and chi-squared per column with Bonferroni's correction, the detectors' default."""
    (before, codes), (after, _) = columns_of(old), columns_of(new)
    detector = (
        TabularDrift(before, p_val=LEVEL, categories_per_feature=codes) if codes else KSDrift(before, p_val=LEVEL)
    )
    name = "alibi-detect, KSDrift or TabularDrift"

    def look():
        found = detector.predict(after)["data"]
        return {name: (found["is_drift"], -float(np.min(found["p_val"])))}

    return look


def by_means(old, new, number):
    """Maximum mean discrepancy with 100 permutations, the default."""
    before, after = matrix_of(old, new)
    torch.manual_seed(number)
    detector = MMDDrift(before, backend="pytorch", p_val=LEVEL, device="cpu")

    def look():
        found = detector.predict(after)["data"]
        return {"alibi-detect, MMDDrift": (found["is_drift"], float(found["distance"]))}

    return look


def by_network(old, new, number):
    """A network with one hidden layer, trained on three quarters of the rows as the default has it."""
    before, after = matrix_of(old, new)
    torch.manual_seed(number)
    np.random.seed(number)
    width = before.shape[1]
    network = torch.nn.Sequential(torch.nn.Linear(width, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 2))
    detector = ClassifierDrift(
        before, network, backend="pytorch", p_val=LEVEL, preds_type="logits", device="cpu", seed=number
    )
    return judged_by(detector, after, "alibi-detect, ClassifierDrift (network)")


def by_regression(old, new, number):
    """A logistic regression in five folds: every row is judged by one that has not seen it."""
    before, after = matrix_of(old, new)
    detector = ClassifierDrift(
        before, LogisticRegression(max_iter=1000), backend="sklearn", p_val=LEVEL, n_folds=5, seed=number
    )
    return judged_by(detector, after, "alibi-detect, ClassifierDrift (logistic, 5 folds)")


def judged_by(detector, after, name):
    def look():
        found = detector.predict(after)["data"]
        return {name: (found["is_drift"], float(found["distance"]))}

    return look


def main(config):
    """Look at every draw."""
    slow = config["slow"]
    arms = [(by_columns, None), (by_regression, None), (by_network, slow), (by_means, slow)]
    print(json.dumps({"arms": run(config["draws"], arms), "version": f"alibi-detect {version('alibi-detect')}"}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
