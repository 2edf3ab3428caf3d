"""Peer: cleanlab's rankings of files with out-of-fold probabilities. One JSON object in, one JSON line out.

Keys of the configuration: `folder` (files `* <seed>.npz` with `probabilities` and `given`), `repeats`, and `scratch`
(names of sets that are ranked from their vectors and given labels, with scikit-learn's logistic regression in 5 folds).
Scores are written beside the files, higher is more suspect.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

METHODS = ("self_confidence", "normalized_margin")


def timed(repeats, work):
    """What `work` returns, and milliseconds of the median repeat."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return result, statistics.median(seconds) * 1000


def ranked(path, repeats):
    """Scores by both methods, the list of issues by both, and their times."""
    held = np.load(path)
    p, given, told = held["probabilities"], held["given"], {}
    for method in METHODS:
        scores, score_ms = timed(repeats, partial(get_label_quality_scores, given, p, method=method))
        # One process: more of them take longer on sets of this size.
        listing = partial(find_label_issues, given, p, return_indices_ranked_by=method, n_jobs=1)
        issues, issues_ms = timed(max(repeats // 3, 1), listing)
        np.save(path.with_name(f"{method} {path.stem}.npy"), 1 - scores)
        told[method] = {"score_ms": score_ms, "issues_ms": issues_ms, "listed": len(issues)}
    return told


def from_scratch(folder, name):
    """Seconds from vectors and given labels to a ranking, the usual way; scores by both methods."""
    held = np.load(folder / f"scratch {name}.npz")
    x, given = held["x"], held["given"]
    started = time.perf_counter()
    p = cross_val_predict(LogisticRegression(max_iter=1000), x, given, cv=5, method="predict_proba")
    find_label_issues(given, p, return_indices_ranked_by=METHODS[0], n_jobs=1)
    seconds = time.perf_counter() - started
    for method in METHODS:
        np.save(folder / f"scratch {method} {name}.npy", 1 - get_label_quality_scores(given, p, method=method))
    return seconds


def main(config):
    """Rank everything."""
    folder = Path(config["folder"])
    files = {path.stem: ranked(path, config["repeats"]) for path in sorted(folder.glob("* [0-9].npz"))}
    scratch = {name: from_scratch(folder, name) for name in config["scratch"]}
    print(json.dumps({"files": files, "scratch": scratch}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
