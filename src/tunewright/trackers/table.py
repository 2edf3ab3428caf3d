"""Every tracker there is."""

from __future__ import annotations

from tunewright.trackers.base import Tracker
from tunewright.trackers.mlflow import MLflow
from tunewright.trackers.tensorboard import TensorBoard
from tunewright.trackers.trackio import Trackio

TRACKERS: tuple[Tracker, ...] = (TensorBoard(), Trackio(), MLflow())
