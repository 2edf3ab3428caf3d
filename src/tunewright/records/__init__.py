"""The frozen records that flow between stages, and their one JSON codec.

Records are small. Bulk arrays (row ids, vectors, weights) stay in numpy arrays or files; a record names them by digest.
Every record written to disk carries `schema`, so that a later release can read an older run folder.
"""

from __future__ import annotations

from tunewright.records.codec import from_json, to_json
from tunewright.records.comparing import Compared, ComparedSlice
from tunewright.records.explaining import (
    ColumnWeight,
    Expectation,
    Explained,
    Explanation,
    Importance,
    MethodCheck,
    Neighbour,
    TokenWeight,
    WordEffect,
)
from tunewright.records.exporting import Exported, Parity, Tried
from tunewright.records.judging import Analysis, Comparison, Evaluation, Folds, Mistake, Verdict
from tunewright.records.score import PARTS, BalanceKind, Kind, Score, TargetScale, TaskKind
from tunewright.records.slicing import Ceiling, MistakeGroup, Slice, SliceAction, Slices
from tunewright.records.tables import Audit, Column, Finding, Repair, Split, Table
from tunewright.records.training import Diagnosis, Epoch, LearningCurve, Rung, TrainedModel
from tunewright.records.trust import Abstention, Calibration, CalibrationBin, Curve, Promise, Trust
from tunewright.records.trying import Best, Impact, Improvement, RemedyTrial, Round, Study, Trial

__all__ = [
    "PARTS",
    "Abstention",
    "Analysis",
    "Audit",
    "BalanceKind",
    "Best",
    "Calibration",
    "CalibrationBin",
    "Ceiling",
    "Column",
    "ColumnWeight",
    "Compared",
    "ComparedSlice",
    "Comparison",
    "Curve",
    "Diagnosis",
    "Epoch",
    "Evaluation",
    "Expectation",
    "Explained",
    "Explanation",
    "Exported",
    "Finding",
    "Folds",
    "Impact",
    "Importance",
    "Improvement",
    "Kind",
    "LearningCurve",
    "MethodCheck",
    "Mistake",
    "MistakeGroup",
    "Neighbour",
    "Parity",
    "Promise",
    "RemedyTrial",
    "Repair",
    "Round",
    "Rung",
    "Score",
    "Slice",
    "SliceAction",
    "Slices",
    "Split",
    "Study",
    "Table",
    "TargetScale",
    "TaskKind",
    "TokenWeight",
    "TrainedModel",
    "Trial",
    "Tried",
    "Trust",
    "Verdict",
    "WordEffect",
    "from_json",
    "to_json",
]
