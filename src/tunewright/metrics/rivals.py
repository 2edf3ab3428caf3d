"""What people call the models that a model stands beside; records and JSON keep the short names."""

from __future__ import annotations

from tunewright.records import TaskKind

BASELINES = {
    "majority": "majority class",
    "median": "median",
    "tfidf": "TF-IDF + linear model",
    "boosting": "histogram gradient boosting",
    "probe": "frozen probe",
    "cosine": "cosine similarity",
}


def baseline(name: str, task: TaskKind = "multiclass") -> str:
    """Name a baseline in words.

    >>> baseline("tfidf"), baseline("majority", "regression")
    ('TF-IDF + linear model', 'median')
    """
    if name == "majority" and task == "regression":
        return BASELINES["median"]
    return BASELINES.get(name, name.replace("_", " "))
