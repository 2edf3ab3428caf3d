"""Pure functions of predictions: what a model scores, how sure that is, and whether another scores more."""

from tunewright.metrics.outcome import Outcome
from tunewright.metrics.scoring import difference, score, scores
from tunewright.metrics.table import METRICS, Metric, canonical, in_words, metric, names_for

__all__ = [
    "METRICS",
    "Metric",
    "Outcome",
    "canonical",
    "difference",
    "in_words",
    "metric",
    "names_for",
    "score",
    "scores",
]
