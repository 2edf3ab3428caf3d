"""Experiment trackers: what a run measures, logged beside it to TensorBoard, trackio or MLflow, on this disk alone."""

from __future__ import annotations

from tunewright.trackers.following import tracking
from tunewright.trackers.table import TRACKERS

__all__ = ["TRACKERS", "tracking"]
