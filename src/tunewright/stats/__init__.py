"""Intervals, paired tests, power and multiplicity: arithmetic on arrays that knows nothing of models."""

from tunewright.stats.intervals import bootstrap_weights, figure, percentile_interval, rounded, wilson
from tunewright.stats.multiplicity import holm
from tunewright.stats.paired import bootstrap_p_value, mcnemar, nadeau_bengio, paired_difference
from tunewright.stats.power import rows_needed, smallest_detectable_difference

__all__ = [
    "bootstrap_p_value",
    "bootstrap_weights",
    "figure",
    "holm",
    "mcnemar",
    "nadeau_bengio",
    "paired_difference",
    "percentile_interval",
    "rounded",
    "rows_needed",
    "smallest_detectable_difference",
    "wilson",
]
