"""Where the fitted model errs: the mistakes on test rows, slices of the rows it was chosen on, what labels allow.

Slices are searched for among rows that the model did not learn from and that may be acted upon: the validation rows, or
with folds all rows that are not test rows, by their out-of-fold answers. How each slice fares on the test rows is told
beside it and chooses nothing, so that the improvement rounds may take what is found here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.analysis import analyse, discover
from tunewright.analysis.ceiling import ceiling
from tunewright.analysis.facts import Facts, facts_of
from tunewright.analysis.mistakes import errors_of
from tunewright.analysis.telling import Part, told
from tunewright.learning.suspects import suspects
from tunewright.tasks import Decision

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned
    from tunewright.records import Analysis, Ceiling, Finding, Slices
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained

Array = np.ndarray[Any, np.dtype[Any]]
# What the audit lists as a group of its own already says where the label is; the others say what the row is like.
MARKED = ("language_mix", "outliers", "truncated_text", "encoding", "mixed_format", "shifted_row", "near_duplicates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What the audit's linear fit says against the labels; small, so that the fit itself need not be kept.

    Args:
        labels: by row number, what the other rows suggest in place of a doubtful label; "" where that is no class.
        ceiling: what such labels leave any model to reach, or None.
    """

    labels: Mapping[int, str]
    ceiling: Ceiling | None


def doubts_of(learned: Learned | None, *, seed: int) -> Doubts:
    """Sum up out-of-fold answers; none where nothing was learned."""
    return Doubts(labels=doubted_labels(learned), ceiling=ceiling(learned, seed=seed))


def look_at_errors(
    prepared: Prepared,
    trained: Trained,
    *,
    findings: Sequence[Finding],
    doubts: Doubts,
    examples: bool,
) -> Analysis:
    """Everything the report says of the errors.

    Args:
        prepared: the rows.
        trained: the fitted model with its answers.
        findings: of the audit.
        doubts: what the audit has against the labels.
        examples: whether cells of rows may be repeated.
    """
    problem, fitted = trained.rows.problem, trained.fitted
    outcome = problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision)
    typed, test = problem.typed["test"], prepared.split.test
    analysis = analyse(problem.task, outcome, typed, test, prepared.table, doubted=doubts.labels)
    if not examples:
        analysis = replace(analysis, mistakes=tuple(replace(one, cells={}) for one in analysis.mistakes))
    slices = find_slices(prepared, trained, findings=findings, doubted=doubts.labels, examples=examples)
    return replace(analysis, slices=slices, ceiling=doubts.ceiling)


def doubted_labels(learned: Learned | None) -> dict[int, str]:
    """By row number, the label that the other rows suggest in place of a doubtful one; "" where it is no class."""
    if learned is None:
        return {}
    found = suspects(learned)
    one_class = bool(learned.labels) and learned.targets.ndim == 1
    return {
        int(learned.rows[place]): learned.labels[int(instead)] if one_class else ""
        for place, instead in zip(found.places, found.instead, strict=True)
    }


def find_slices(
    prepared: Prepared,
    trained: Trained,
    *,
    findings: Sequence[Finding],
    doubted: Mapping[int, str],
    examples: bool,
) -> Slices:
    """Search the rows that may be acted upon, and tell of the test rows beside them."""
    problem, fitted, crossed = trained.rows.problem, trained.fitted, trained.crossed
    task, split, table = problem.task, prepared.split, prepared.table
    everything = task.encode(prepared.typed[table.target])
    if crossed is None:
        name, ids = "validation", np.array(split.validation, np.int64)
        outputs, probe = fitted.outputs["validation"], fitted.probe_outputs["validation"]
        train = np.array(split.train, np.int64)
        vectors = _vectors(trained, "validation")
    else:
        name, ids, outputs, probe = "out-of-fold", crossed.rows, crossed.outputs, crossed.probe
        train, vectors = crossed.rows, None
    decision = fitted.model.decision

    def facts(rows: Array, near: Array | None = None) -> Facts:
        marks = {said: np.isin(rows, some) for said, some in _marks(findings).items()}
        return facts_of(prepared.typed[rows.tolist()], table, vectors=near, marks=marks)

    part = Part(
        facts=facts(ids, vectors),
        ids=ids,
        errors=errors_of(task.outcome(everything[ids], outputs, decision)),
        rival=errors_of(task.outcome(everything[ids], probe, Decision())),
    )
    test_ids = np.array(split.test, np.int64)
    tested = task.outcome(everything[test_ids], fitted.outputs["test"], decision)
    test = Part(facts=facts(test_ids, _vectors(trained, "test")), ids=test_ids, errors=errors_of(tested))
    units = prepared.clusters.labels[ids]
    near_train = None if crossed is not None else _vectors(trained, "train")
    return told(
        discover(part.facts, part.errors, units=units, seed=prepared.seed),
        part,
        name=name,
        task=table.task,
        train=facts(train, near_train),
        train_ids=train,
        suspects=set(doubted),
        test=test,
        cells=examples,
    )


def _vectors(trained: Trained, part: str) -> Array | None:
    """The joined frozen vectors of a part's texts; None without text."""
    problem = trained.rows.problem
    frozen = trained.fitted.frozen[part]
    width = frozen.shape[1] - problem.inputs[part].dense.shape[1]
    return np.asarray(frozen[:, :width]) if width else None


def _marks(findings: Sequence[Finding]) -> dict[str, Array]:
    """Rows by what the audit says of them."""
    return {
        f"listed by the audit under {finding.kind.replace('_', ' ')}"
        + (f" ({', '.join(finding.columns)})" if finding.columns else ""): np.array(finding.rows, np.int64)
        for finding in findings
        if finding.kind in MARKED and finding.rows
    }
