"""Whether new rows are unlike the rows a model was judged on. One test per file; `TESTS` is the table of them."""

from __future__ import annotations

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.classifier import Classifier
from tunewright.living.drift.deciding import Drifts, find_drift
from tunewright.living.drift.intervals import IntervalScan
from tunewright.living.drift.novelty import Novelty
from tunewright.living.drift.numbers import AndersonDarling
from tunewright.living.drift.shares import GTest
from tunewright.living.drift.similarity import MeanDiscrepancy
from tunewright.living.drift.statistics import DriftTest

TESTS: tuple[DriftTest, ...] = (
    AndersonDarling(),
    IntervalScan(),
    GTest(),
    MeanDiscrepancy(),
    Novelty(),
    Classifier(),
)

__all__ = ["TESTS", "Aspect", "DriftTest", "Drifts", "find_drift"]
