"""Gather what a model card and evidence.json say of a finished model: one record for both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tunewright.data.masking import masked
from tunewright.plan import Plan
from tunewright.records import (
    Analysis,
    ChoiceEvidence,
    ClassEvidence,
    DataEvidence,
    Energy,
    Evaluation,
    Evidence,
    Explanation,
    Finding,
    Improvement,
    Robustness,
    SliceEvidence,
    Study,
)
from tunewright.seal import content_digest
from tunewright.stories.delivering.origin import origin_of
from tunewright.stories.delivering.uses import caveats_of, uses_of

if TYPE_CHECKING:
    import polars as pl

    from tunewright.stories.auditing.repair import Mended
    from tunewright.stories.training.station import Trained


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gathered:
    """What a run has found out by the time its bundle is written.

    Args:
        name: of the run.
        plan: as it was given.
        raw: all rows, as they were read.
        mended: the rows as trained on, and what was tried to mend them.
        trained: the model and how it came to be.
        evaluation: how good it is.
        analysis: where it errs.
        explanation: what it looks at.
        findings: of the audit.
        study: the search, or None.
        improvement: the rounds, or None.
        energy: what the run took.
        seconds: per station so far.
        versions: of packages.
    """

    name: str
    plan: Plan
    raw: pl.DataFrame
    mended: Mended
    trained: Trained
    evaluation: Evaluation
    analysis: Analysis
    explanation: Explanation
    findings: tuple[Finding, ...]
    study: Study | None
    improvement: Improvement | None
    energy: Energy
    seconds: Mapping[str, float]
    versions: Mapping[str, str]


def evidence_of(got: Gathered) -> Evidence:
    """Everything a person or a machine should know of the model; no row of the data, and no secret in any text."""
    evaluation, table = got.evaluation, got.mended.prepared.table
    behaviours = Counter(str(one["verdict"]) for one in evaluation.behaviours)
    data = _data(got)
    return Evidence(
        name=masked(got.name),
        task=table.task,
        verdict=replace(evaluation.verdict, text=masked(evaluation.verdict.text)),
        origin=origin_of(got.trained, got.mended.prepared),
        uses=tuple(map(masked, uses_of(table, got.trained.fitted.model.task.labels))),
        limits=tuple(map(masked, caveats_of(got.evaluation, data, got.findings, got.trained.fitted))),
        data=data,
        chosen=_chosen(got),
        metric=evaluation.metric,
        looks=evaluation.looks,
        metrics=evaluation.metrics,
        baselines=evaluation.baselines,
        comparisons=evaluation.comparisons,
        per_class=tuple(ClassEvidence(label=masked(k), scores=scores) for k, scores in evaluation.per_class.items()),
        slices=_slices(got.analysis),
        protected=tuple(masked(str(one["text"])) for one in evaluation.slices),
        behaviours=dict(behaviours),
        ceiling=None if got.analysis.ceiling is None else got.analysis.ceiling.text,
        trust=evaluation.trust,
        robustness=_robustness(evaluation),
        efficiency=evaluation.efficiency,
        energy=got.energy,
        explanation=got.explanation.method,
        importances=tuple(replace(one, name=masked(one.name)) for one in got.explanation.columns),
        seconds=dict(got.seconds),
        versions=dict(got.versions),
        digests=_digests(got),
    )


def _data(got: Gathered) -> DataEvidence:
    prepared, sizes = got.mended.prepared, got.mended.prepared.split.sizes()
    table, preprocessor = prepared.table, got.trained.fitted.model.preprocessor
    counts = Counter(one.kind for one in got.findings)
    return DataEvidence(
        files=tuple(map(masked, table.files)),
        fingerprint=table.fingerprint,
        test_digest=content_digest(got.raw[list(prepared.split.test)]),
        target=masked(table.target),
        columns={masked(column.name): column.kind for column in table.columns if column.role == "feature"},
        train=sizes["train"],
        validation=sizes["validation"],
        test=sizes["test"],
        dropped=got.mended.dropped,
        split=prepared.split.how,
        findings=dict(counts),
        max_length=preprocessor.max_length if preprocessor.texts else None,
        cut_share=preprocessor.cut_share if preprocessor.texts else None,
    )


def _chosen(got: Gathered) -> ChoiceEvidence:
    trained = got.trained.fitted.trained
    said = (trained.diagnosis, trained.learning_curve)
    return ChoiceEvidence(
        method=trained.method,
        kept=trained.kept,
        why=trained.why,
        beside=tuple(name for name, has in (("words", trained.words), ("trees", trained.trees)) if has),
        parameters=trained.parameters,
        trainable=trained.trainable,
        precision=trained.precision,
        trials=len(got.study.trials) if got.study is not None else 0,
        rounds=len(got.improvement.rounds) if got.improvement is not None else 0,
        remedies=tuple(trial.remedy for trial in got.mended.trials if trial.kept),
        remedies_tried=len(got.mended.trials),
        folds=got.plan.splits.folds,
        told=tuple(one.text for one in said if one is not None),
    )


def _slices(analysis: Analysis) -> tuple[SliceEvidence, ...]:
    """As the analysis describes them, which repeats words of rows only where the plan allows it."""
    found = analysis.slices.found if analysis.slices is not None else ()
    return tuple(
        SliceEvidence(
            description=masked(one.description),
            rows=one.rows,
            error=one.error,
            rest=one.rest,
            test=one.test,
            action=one.action,
        )
        for one in found
    )


def _robustness(evaluation: Evaluation) -> Robustness | None:
    """Without single rows: whoever gets the bundle has not got them."""
    found = evaluation.robustness
    if found is None:
        return None
    damages = tuple(replace(one, name=masked(one.name), flips=()) for one in found.damages)
    return replace(found, text=masked(found.text), damages=damages)


def _digests(got: Gathered) -> dict[str, str]:
    return {
        "plan": got.plan.digest(),
        "data": got.mended.prepared.table.fingerprint,
        "weights": got.trained.fitted.trained.digest,
    }
