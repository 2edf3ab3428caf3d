"""Ours: a whole run on one data set, and what a peer needs to be judged on the same rows. One JSON line out.

Keys of the configuration: `plan` (sections of the plan), `export` (folder: `outcome.npz` with the truth and our
predictions of the test rows, and for text sets `peer.parquet` with the parts of the run's split).
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from watch import Watch, walk


def names_of(task, targets):
    """Encoded targets to label names: one, or a list; None for a label that training never saw."""
    if task.kind == "multilabel":
        return [[task.labels[i] for i in np.flatnonzero(row)] for row in targets]
    return [task.labels[number] if number >= 0 else None for number in targets]


def export_rows(problem, path):
    """The split's parts as texts and labels, as a peer reads them."""
    frames = []
    for part, typed in problem.typed.items():
        texts = problem.preprocessor.compose(typed)
        if problem.task.kind == "regression":
            labels = typed[problem.preprocessor.table.target].cast(pl.Float64)
        else:
            labels = pl.Series(names_of(problem.task, problem.targets[part]), strict=False)
        columns = dict(zip(("text", "text_b"), texts, strict=False))
        frames.append(pl.DataFrame({**columns, "label": labels, "part": [part] * len(typed)}))
    pl.concat(frames, how="vertical_relaxed").write_parquet(path)


def main(config):
    """Run, export, tell."""
    with tempfile.TemporaryDirectory() as folder, Watch(look=False) as watch:
        summary = walk(config["plan"], folder)
    fitted, problem = watch.fitted, watch.judging.problem
    outcome = problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision)
    export = Path(config["export"])
    export.mkdir(parents=True, exist_ok=True)
    np.savez(export / "outcome.npz", truth=outcome.truth, labels=outcome.labels)
    if problem.preprocessor.texts:
        export_rows(problem, export / "peer.parquet")
    answer = {
        "task": problem.task.kind,
        "labels": list(problem.task.labels),
        "positive": outcome.positive,
        "kept": fitted.trained.kept,
        "candidates": dict(fitted.trained.candidates),
        "rows": summary["data"],
        "test": summary["metrics"]["test"],
        "baselines": summary["baselines"],
        "comparisons": summary["comparisons"],
        "seconds": summary["seconds"]["total"],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
