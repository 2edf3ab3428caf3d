"""Detectors: what is wrong with a table. One file each; `DETECTORS` is the table of them."""

from __future__ import annotations

from tunewright.detectors.class_imbalance import ClassImbalance
from tunewright.detectors.constant_column import ConstantColumn
from tunewright.detectors.id_column import IdColumn
from tunewright.detectors.missing_values import MissingValues
from tunewright.detectors.rare_class import RareClass
from tunewright.detectors.repeats import Repeats
from tunewright.detectors.rows import Detector, Rows
from tunewright.records import Finding

DETECTORS: tuple[Detector, ...] = (
    RareClass(),
    ClassImbalance(),
    MissingValues(),
    ConstantColumn(),
    IdColumn(),
    Repeats(),
)

__all__ = ["DETECTORS", "Detector", "Rows", "detect"]


def detect(rows: Rows) -> tuple[Finding, ...]:
    """Run every detector; findings about the test part are reported, never acted on."""
    return tuple(finding for detector in DETECTORS for finding in detector.find(rows))
