"""Peer: evidently's DataDriftPreset on columns, and its method for embeddings. One JSON object in, one JSON line out.

Keys of the configuration: `draws`, `slow` (draws of each kind of which the preset reports on dimensions of vectors).
The preset draws its report as it computes; its method for embeddings is called without the picture that goes with it.
"""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from importlib.metadata import version

import numpy as np
import pandas as pd
from drift_frames import run
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.metrics.data_drift.embedding_drift_methods import model
from evidently.presets import DataDriftPreset

warnings.filterwarnings("ignore")
HALF = 0.5  # of the columns, that have to drift before the preset calls it drift of the data set
SAID = re.compile(r"drift detection method is (.+?)\. The drift threshold is ([\d.]+)")


def frame_of(rows):
    """Table columns; where there are none, the dimensions of the vectors."""
    if not rows.number_names and not rows.category_names:
        return pd.DataFrame({f"dimension {at}": column for at, column in enumerate(rows.vectors.T)}), ()
    numbers = {name: rows.numbers[:, at] for at, name in enumerate(rows.number_names)}
    codes = {name: rows.categories[:, at].astype(str) for at, name in enumerate(rows.category_names)}
    return pd.DataFrame({**numbers, **codes}), rows.category_names


def preset(old, new, number):
    """The report on every column: an alarm where any drifts; where half of them do, which is the preset's verdict."""
    (before, categories), (after, _) = frame_of(old), frame_of(new)
    numbers = [name for name in before.columns if name not in categories]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=list(categories))
    reference = Dataset.from_pandas(before, data_definition=definition)

    def look():
        current = Dataset.from_pandas(after, data_definition=definition)
        told = Report([DataDriftPreset()], include_tests=True).run(current, reference)
        columns = [column_of(result) for result in told.metric_results.values() if is_column(result)]
        alarms, strengths = zip(*columns)
        return {
            "evidently, DataDriftPreset, any column": (any(alarms), max(strengths)),
            "evidently, DataDriftPreset, half of the columns": (np.mean(alarms) >= HALF, np.mean(alarms)),
        }

    return look


def is_column(result):
    return any("Value Drift" in test.name for test in result.tests)


def column_of(result):
    """Whether the column drifts by evidently's threshold, and how far beyond it, on a logarithmic scale."""
    (test,) = result.tests
    method, threshold = SAID.search(test.description).groups()
    value, threshold = float(result.value), float(threshold.rstrip("."))
    beyond = math.log(max(value, 1e-300)) - math.log(threshold)
    return test.status.value == "FAIL", -beyond if "p_value" in method else beyond


def embeddings(old, new, number):
    """The method that its EmbeddingsDrift takes by default: a linear classifier, an alarm at a ROC AUC over 0.55."""
    before, after = pd.DataFrame(old.vectors), pd.DataFrame(new.vectors)
    method = model(bootstrap=len(before) < 1000)

    def look():
        score, drifted, _ = method(after, before)
        return {"evidently, embeddings (model)": (drifted, score)}

    return look


def main(config):
    """Look at every draw."""
    with np.load(config["draws"]) as held:
        vectors, table = held["vectors"].shape[1], held["numbers"].shape[1] + held["categories"].shape[1]
    arms = [(preset, None if table else config["slow"])]
    if vectors:
        arms.append((embeddings, None))
    print(json.dumps({"arms": run(config["draws"], arms), "version": f"evidently {version('evidently')}"}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
