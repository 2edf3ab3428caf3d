"""The frozen records that flow between stages, and their one JSON codec.

Records are small. Bulk arrays (row ids, vectors, weights) stay in numpy arrays or files; a record names them by digest.
Every record written to disk carries `schema`, so that a later release can read an older run folder.
"""

from __future__ import annotations

from tunewright.records.adapting import Adaptation, Gate
from tunewright.records.choosing import Choice, ChosenRow
from tunewright.records.codec import from_json, to_json
from tunewright.records.comparing import Compared, ComparedSlice
from tunewright.records.concepts import Concept, ConceptCheck, ConceptEffect, ConceptExample, ConceptWord
from tunewright.records.contrasting import Contrast, Paired, RunLine
from tunewright.records.drifting import ColumnDrift, DriftReport, Look
from tunewright.records.efficiency import Efficiency, Energy
from tunewright.records.evidence import (
    ChoiceEvidence,
    ClassEvidence,
    DataEvidence,
    Evidence,
    Origin,
    SliceEvidence,
)
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
from tunewright.records.registered import (
    Against,
    Champion,
    Changed,
    LedgerLine,
    Lineage,
    Promotion,
    Version,
    VersionDiff,
    VersionEvidence,
)
from tunewright.records.robustness import Damage, DamagedText, Flip, Robustness
from tunewright.records.score import PARTS, BalanceKind, Kind, Score, TargetScale, TaskKind
from tunewright.records.slicing import Ceiling, MistakeGroup, Slice, SliceAction, Slices
from tunewright.records.tables import Audit, Column, Finding, Repair, Split, Table
from tunewright.records.training import Diagnosis, Epoch, LearningCurve, Rung, TrainedModel
from tunewright.records.trust import Abstention, Calibration, CalibrationBin, Curve, Promise, Trust
from tunewright.records.trying import Best, Impact, Improvement, RemedyTrial, Round, Study, Trial

__all__ = [
    "PARTS",
    "Abstention",
    "Adaptation",
    "Against",
    "Analysis",
    "Audit",
    "BalanceKind",
    "Best",
    "Calibration",
    "CalibrationBin",
    "Ceiling",
    "Champion",
    "Changed",
    "Choice",
    "ChoiceEvidence",
    "ChosenRow",
    "ClassEvidence",
    "Column",
    "ColumnDrift",
    "ColumnWeight",
    "Compared",
    "ComparedSlice",
    "Comparison",
    "Concept",
    "ConceptCheck",
    "ConceptEffect",
    "ConceptExample",
    "ConceptWord",
    "Contrast",
    "Curve",
    "Damage",
    "DamagedText",
    "DataEvidence",
    "Diagnosis",
    "DriftReport",
    "Efficiency",
    "Energy",
    "Epoch",
    "Evaluation",
    "Evidence",
    "Expectation",
    "Explained",
    "Explanation",
    "Exported",
    "Finding",
    "Flip",
    "Folds",
    "Gate",
    "Impact",
    "Importance",
    "Improvement",
    "Kind",
    "LearningCurve",
    "LedgerLine",
    "Lineage",
    "Look",
    "MethodCheck",
    "Mistake",
    "MistakeGroup",
    "Neighbour",
    "Origin",
    "Paired",
    "Parity",
    "Promise",
    "Promotion",
    "RemedyTrial",
    "Repair",
    "Robustness",
    "Round",
    "RunLine",
    "Rung",
    "Score",
    "Slice",
    "SliceAction",
    "SliceEvidence",
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
    "Version",
    "VersionDiff",
    "VersionEvidence",
    "WordEffect",
    "from_json",
    "to_json",
]
