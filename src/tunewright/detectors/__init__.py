"""Detectors: what is wrong with a table. One file each; `DETECTORS` is the table of them."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from tunewright.data.masking import masked
from tunewright.detectors.class_imbalance import ClassImbalance
from tunewright.detectors.conflicting_labels import ConflictingLabels
from tunewright.detectors.constant_column import ConstantColumn
from tunewright.detectors.empty_text import EmptyText
from tunewright.detectors.encoding_damage import EncodingDamage
from tunewright.detectors.id_column import IdColumn
from tunewright.detectors.label_errors import LabelErrors
from tunewright.detectors.label_format import LabelFormat
from tunewright.detectors.language_mix import LanguageMix
from tunewright.detectors.leakage_target import LeakageTarget
from tunewright.detectors.missing_values import MissingValues
from tunewright.detectors.mixed_format import MixedFormat
from tunewright.detectors.outliers import Outliers
from tunewright.detectors.rare_class import RareClass
from tunewright.detectors.repeats import Repeats
from tunewright.detectors.rows import Detector, Rows
from tunewright.detectors.sensitive import Sensitive
from tunewright.detectors.shifted_row import ShiftedRow
from tunewright.detectors.split_shift import SplitShift
from tunewright.detectors.suggest_columns import SuggestColumns
from tunewright.detectors.time_drift import TimeDrift
from tunewright.detectors.truncated_text import TruncatedText
from tunewright.records import Finding

DETECTORS: tuple[Detector, ...] = (
    LeakageTarget(),
    SplitShift(),
    TimeDrift(),
    ShiftedRow(),
    LabelErrors(),
    ConflictingLabels(),
    LabelFormat(),
    RareClass(),
    ClassImbalance(),
    Repeats(),
    MissingValues(),
    Outliers(),
    MixedFormat(),
    EncodingDamage(),
    EmptyText(),
    TruncatedText(),
    LanguageMix(),
    Sensitive(),
    ConstantColumn(),
    IdColumn(),
    SuggestColumns(),
)

__all__ = ["DETECTORS", "Detector", "Rows", "detect"]


def detect(rows: Rows, kinds: Container[str] | None = None) -> tuple[Finding, ...]:
    """Run every detector; findings about the test part are reported, never acted on, and none repeats a secret.

    Args:
        rows: under examination.
        kinds: of the detectors to run; None: all.
    """
    chosen = [detector for detector in DETECTORS if kinds is None or detector.kind in kinds]
    found = (finding for detector in chosen for finding in detector.find(rows))
    return tuple(replace(finding, evidence=masked(finding.evidence)) for finding in found)
