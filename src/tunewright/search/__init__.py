"""Search: hyperparameters to a score; grid, random, bayesian, early pruning, impact. Knows no trainer."""

from __future__ import annotations

from tunewright.search.options import BudgetOptions, DimensionOptions, ImproveOptions, SearchOptions
from tunewright.search.space import Dimension

__all__ = ["BudgetOptions", "Dimension", "DimensionOptions", "ImproveOptions", "SearchOptions"]
