"""Everything a person or a machine should know of a model before relying on it: what its card says, and evidence.json.

One record for both, so that the two cannot say different things. It holds counts, scores, names and digests, never a
row of the data; texts that came from the data are masked (`data.masking`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tunewright.records.efficiency import Efficiency, Energy
from tunewright.records.explaining import Importance
from tunewright.records.judging import Comparison, Verdict
from tunewright.records.robustness import Robustness
from tunewright.records.score import Score, TaskKind
from tunewright.records.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the weights come from and how hubs file the model; None where that is not known.

    `base_model` is a hub id, `base_digest` the SHA-256 of what was started from; `language` an ISO 639-1 code.
    """

    base_model: str | None
    base_digest: str | None
    license: str | None
    language: str | None
    pipeline_tag: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataEvidence:
    """What it learned from: files and digests, rows per part, columns with their kinds, what the audit found.

    `fingerprint` is the SHA-256 of the content of the rows that are no test rows, `test_digest` that of the test rows,
    in whatever order they stand. `dropped` train rows were left out by a remedy or a person. `cut_share` is the share
    of train texts that are longer than the `max_length` tokens the model reads, None without text.
    """

    files: tuple[str, ...]
    fingerprint: str
    test_digest: str
    target: str
    columns: Mapping[str, str]
    train: int
    validation: int
    test: int
    dropped: int
    split: str
    findings: Mapping[str, int]
    max_length: int | None = None
    cut_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceEvidence:
    """How it was chosen: what trained, what was kept and why, how much was tried before.

    `trials` of a search, `rounds` of improvement, `remedies` that were kept of `remedies_tried`, `folds` that the
    recipe was cross-validated on (1: none).
    """

    method: str
    kept: str
    why: str
    beside: tuple[str, ...]
    parameters: int
    trainable: int
    precision: str
    trials: int
    rounds: int
    remedies: tuple[str, ...]
    remedies_tried: int
    folds: int
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassEvidence:
    """The scores of one label on the test part."""

    label: str
    scores: Mapping[str, Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceEvidence:
    """A group of rows in which the model errs more than elsewhere, and how it fares there on test rows."""

    description: str
    rows: int
    error: Score
    rest: float
    test: Score | None
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A model in evidence.

    `uses` say what it is for, `limits` what it is not for and where it fails. `explanation` is the method that passed
    its checks, None if none did; `importances` are of columns. `seconds` are those of the stations up to the bundle.
    """

    schema: ClassVar[int] = 1
    name: str
    task: TaskKind
    verdict: Verdict
    origin: Origin
    uses: tuple[str, ...]
    limits: tuple[str, ...]
    data: DataEvidence
    chosen: ChoiceEvidence
    metric: str
    looks: int
    metrics: Mapping[str, Mapping[str, Score]]
    baselines: Mapping[str, Mapping[str, Score]]
    comparisons: tuple[Comparison, ...]
    per_class: tuple[ClassEvidence, ...] = ()
    slices: tuple[SliceEvidence, ...] = ()
    protected: tuple[str, ...] = ()
    behaviours: Mapping[str, int] = field(default_factory=dict)
    ceiling: str | None = None
    trust: Trust | None = None
    robustness: Robustness | None = None
    efficiency: Efficiency | None = None
    energy: Energy | None = None
    explanation: str | None = None
    importances: tuple[Importance, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
