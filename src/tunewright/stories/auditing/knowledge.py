"""The expert's knowledge at its stations: checked before anything is trained, applied, and told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tunewright.data import fingerprint
from tunewright.errors import DataError
from tunewright.plan import Plan
from tunewright.records import Evaluation, to_json

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel
    from tunewright.stories.auditing.corrections import Corrections
    from tunewright.stories.prepare import Prepared


def check_knowledge(prepared: Prepared, plan: Plan) -> None:
    """Make sure that slices and behaviours fit the data, before hours are spent.

    Raises:
        PlanError: a condition or a behaviour that does not fit; all of a kind at once.
    """
    from tunewright.evaluation.behaviours import check_behaviours, read_behaviours
    from tunewright.evaluation.protected import read_slices

    read_slices(plan.knowledge.protect, prepared.typed.schema)
    if plan.knowledge.emphasise is not None:
        read_slices([plan.knowledge.emphasise], prepared.typed.schema, path="knowledge.emphasise")
    if plan.knowledge.tests is not None:
        check_behaviours(
            read_behaviours(plan.knowledge.tests),
            table=prepared.table,
            labels=labels_of(prepared),
            typed=prepared.typed.schema,
        )


def correct(prepared: Prepared, plan: Plan) -> tuple[Prepared, Corrections | None]:
    """Apply a reviewed sheet to the train and validation rows; the test rows stay as they are.

    Raises:
        DataError: a sheet for other data, without a decision, or with wrong lines; or no train row would be left.
    """
    if plan.audit.corrections is None:
        return prepared, None
    from tunewright.stories.reviewing.reviewed import read_review

    table, split = prepared.table, prepared.split
    corrections = read_review(
        plan.audit.corrections,
        labels=labels_of(prepared),
        task=table.task,
        fingerprint=fingerprint(prepared.raw),
        rows=prepared.typed.height,
    )
    if corrections.undecided and not corrections.entries:
        raise DataError(
            f"A review sheet must hold a decision. {corrections.file} has {corrections.undecided} lines and none "
            "decides. Write keep, relabel or drop in its column decision, or leave audit.corrections out of the plan."
        )
    relabelled = corrections.relabelled(prepared.typed, table.target, within={*split.train, *split.validation})
    gone = set(corrections.dropped)
    train, validation = (tuple(row for row in part if row not in gone) for part in (split.train, split.validation))
    if not train:
        raise DataError(f"Corrections must leave train rows. {corrections.file} drops all. Keep some of them.")
    return replace(prepared, typed=relabelled, split=replace(split, train=train, validation=validation)), corrections


def corrections_json(corrections: Corrections | None) -> dict[str, Any] | None:
    """What the run keeps of a sheet: every decision with who and why, counts, and how many findings were right."""
    if corrections is None:
        return None
    return {**to_json(corrections), "counts": corrections.counts(), "confirmed": corrections.confirmed()}


def with_behaviours(evaluation: Evaluation, model: FittedModel, prepared: Prepared, plan: Plan) -> Evaluation:
    """Try the expert's behaviours on the model; rows they are tried on come from the validation part.

    Of those rows no text is kept where the plan wants no examples; examples of the behaviours file are the expert's.
    """
    if plan.knowledge.tests is None:
        return evaluation
    from tunewright.bundle.predictor import Predictor
    from tunewright.evaluation.behaviours import read_behaviours, run_behaviours, without_rows

    predictor = Predictor(model)
    results = run_behaviours(
        read_behaviours(plan.knowledge.tests),
        predictor.predict,
        prepared.raw[list(prepared.split.validation)],
        table=prepared.table,
        cast=model.preprocessor.conform,
    )
    shown = results if plan.report.examples else without_rows(results)
    return replace(evaluation, behaviours=tuple(to_json(result) for result in shown))


def bundled_behaviours(plan: Plan) -> dict[str, Any] | None:
    """What a bundle keeps of the plan's behaviours, so that they are tried again wherever it is evaluated."""
    if plan.knowledge.tests is None:
        return None
    from tunewright.evaluation.behaviours import behaviours_to_json, read_behaviours

    behaviours = behaviours_to_json(read_behaviours(plan.knowledge.tests))
    return {"examples": plan.report.examples, "behaviours": behaviours}


def labels_of(prepared: Prepared) -> tuple[str, ...]:
    """The labels that the rows which are not test rows have, sorted; none for regression."""
    if prepared.table.task == "regression":
        return ()
    seen = [*prepared.split.train, *prepared.split.validation]
    return labels_in(prepared.typed[prepared.table.target][seen])


def labels_in(target: pl.Series) -> tuple[str, ...]:
    """The labels that cells of a cast target hold, sorted."""
    cells = target.drop_nulls()
    labels = cells.explode() if isinstance(cells.dtype, pl.List) else cells
    return tuple(sorted(str(label) for label in labels.drop_nulls().unique().to_list()))
