"""Where a model fails: confusions, the worst mistakes, slices of rows with more errors, what labels alone explain."""

from __future__ import annotations

from tunewright.analysis.mistakes import LONGEST_CELL, MOST_MISTAKES, MOST_POINTS, analyse, grouped
from tunewright.analysis.slicing import Found, discover

__all__ = ["LONGEST_CELL", "MOST_MISTAKES", "MOST_POINTS", "Found", "analyse", "discover", "grouped"]
