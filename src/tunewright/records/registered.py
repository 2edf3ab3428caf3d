"""Named models: their versions, where those came from, what speaks for them, and who did what, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tunewright.records.comparing import Compared
from tunewright.records.score import Score, TaskKind

Stage = Literal["candidate", "champion", "retired"]
Deed = Literal["added", "promoted", "rolled back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Where a version came from: digests of the rows, the plan and the weights, the version it was trained from.

    `data` names the rows of the run first, then those that were added since. What nobody told is None, or empty.
    """

    data: tuple[str, ...] = ()
    plan: str | None = None
    weights: str | None = None
    parent: int | None = None
    run: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A paired comparison with another model, which `digest` names by the content of its bundle; a is this version."""

    digest: str
    compared: Compared


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionEvidence:
    """What speaks for a version.

    Args:
        metrics: by part and metric, as its run measured them.
        rows: of each part of its run.
        verdict: of its run, in a sentence or two.
        slices: conditions of rows in which it errs more than elsewhere, worst first.
        against: comparisons with other models on the same rows.
        more: whatever else was brought, as JSON: the gates of an adaptation, the answer of another verb.
    """

    metrics: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    verdict: str = ""
    slices: tuple[str, ...] = ()
    against: tuple[Against, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a named model.

    Args:
        name: of the model.
        version: 1, 2, …
        stage: candidate until it is promoted, champion while it serves, then retired.
        since: sequence number of the ledger line that gave it this stage.
        task: kind of task.
        target: the column it predicts.
        metric: the metric its run was after.
        digest: SHA-256 of its bundle's list of digests, which names the content of the whole bundle.
        bytes: of its bundle's files.
        added: when, by the clock (UTC, ISO 8601); order is that of the ledger.
        who: added it.
        lineage: where it came from.
        evidence: what speaks for it.
        plan: the plan of its run, values as text; None where no run was beside the bundle.
    """

    schema: ClassVar[int] = 1
    name: str
    version: int
    stage: Stage
    since: int
    task: TaskKind
    target: str
    metric: str
    digest: str
    bytes: int
    added: str
    who: str
    lineage: Lineage
    evidence: VersionEvidence
    plan: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """Something that was done in a registry.

    Args:
        seq: its place in the order, from 1.
        time: when, by the clock (UTC, ISO 8601); clocks jump, `seq` does not.
        who: did it.
        what: was done.
        name: of the model.
        version: that was added, promoted or came back.
        former: the champion before it; None where nothing served.
        why: as it was given.
        evidence: that a promotion rested on, as JSON; None where it rested on the reason alone.
        record: added: SHA-256 of what is stored of the version.
        digest: SHA-256 over the line before and this one.
    """

    schema: ClassVar[int] = 1
    seq: int
    time: str
    who: str
    what: Deed
    name: str
    version: int
    former: int | None = None
    why: str = ""
    evidence: Mapping[str, Any] | None = None
    record: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The version that serves.

    Args:
        name: of the model.
        version: its number.
        revision: grows with every change of champion, never back; equal revisions mean the same champion.
        digest: as in `Version`.
        folder: of its bundle.
    """

    name: str
    version: int
    revision: int
    digest: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A change of champion; `changed` is False where the version served already. `line` is what the ledger says."""

    name: str
    version: int
    former: int | None
    changed: bool
    revision: int
    line: LedgerLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A key of a plan whose value differs, as text; None where the plan has no such key."""

    key: str
    a: str | None
    b: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDiff:
    """Two versions beside each other.

    Args:
        a: one.
        b: the other.
        metrics: by part and metric the scores of a and of b, None where one has none; each on its own run's rows.
        compared: the two on the same rows, as far as the evidence of either holds that; a as in this record.
        plan: keys that differ; None where one of them came without a plan.
        same_data: whether both learned from the same rows; None where nobody knows.
        same_bundle: whether they are the same model to the byte.
        bytes: sizes of the bundles.
        rows: by part how many rows each had; None where one has none.
        text: the same in a few sentences.
    """

    schema: ClassVar[int] = 1
    a: Version
    b: Version
    metrics: Mapping[str, Mapping[str, tuple[Score | None, Score | None]]]
    compared: Compared | None
    plan: tuple[Changed, ...] | None
    same_data: bool | None
    same_bundle: bool
    bytes: tuple[int, int]
    rows: Mapping[str, tuple[int | None, int | None]]
    text: str
