"""What a run hands over: the bundle with its card, the report, the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.bundle.card import model_card
from tunewright.bundle.format import write_bundle
from tunewright.bundle.reference import Reference, describe_rows, drawn
from tunewright.bundle.seen import SeenRows
from tunewright.data.masking import masked
from tunewright.records import Evidence, Expectation, Study, to_json
from tunewright.runfolder import RunFolder
from tunewright.stories.auditing.inspect import shortened
from tunewright.stories.auditing.knowledge import bundled_behaviours
from tunewright.stories.delivering.evidence import Gathered, evidence_of
from tunewright.stories.judging.explaining import explaining_json
from tunewright.stories.prepare import Prepared
from tunewright.version import __version__

if TYPE_CHECKING:
    import polars as pl

    from tunewright.evaluation.efficiency import Cost
    from tunewright.learning.fit import Fitted

PACKAGES = ("torch", "transformers", "tokenizers", "scikit-learn", "polars", "numpy", "peft")
PARITY_ROWS = 512


def parity_rows(prepared: Prepared) -> pl.DataFrame:
    """Typed validation rows that answering is timed on, and that the written bundle is held to."""
    return prepared.typed[list(prepared.split.validation[:PARITY_ROWS])]


def bundle(folder: RunFolder, got: Gathered, cost: Cost) -> Evidence:
    """Write the bundle and hold it to the model in memory on validation rows.

    Args:
        folder: of the run.
        got: what the run has found out.
        cost: what answering those rows costs, and the answers.

    Returns:
        What the card and evidence.json say.

    Raises:
        ExportError: what was written answers otherwise.
    """
    fitted, prepared, plan = got.trained.fitted, got.mended.prepared, got.plan
    evidence = evidence_of(got)
    seen = got.raw[[*prepared.split.train, *prepared.split.validation]]
    write_bundle(
        folder.bundle,
        fitted.model,
        backbone_folder=fitted.backbone_folder,
        card=model_card(evidence),
        extra={
            "versions": versions(),
            "weights_digest": fitted.trained.digest,
            "plan_digest": plan.digest(),
            "data_fingerprint": prepared.table.fingerprint,
            "limits": plan.objective.limits.given(),
        },
        sample=parity_rows(prepared),
        behaviours=bundled_behaviours(plan),
        seen=SeenRows.of(seen, fitted.model.preprocessor),
        explaining=explaining_json(got.explanation),
        evidence=evidence,
        expected=cost.outputs,
        reference=_reference(prepared, fitted, seed=plan.seed),
    )
    return evidence


def _reference(prepared: Prepared, fitted: Fitted, *, seed: int) -> Reference:
    """The validation and test rows, in the order of the file: nothing of the model was fitted on them."""
    held_out = np.sort(np.concatenate([prepared.split.validation, prepared.split.test]).astype(np.int64))
    return describe_rows(fitted.model, prepared.typed[held_out[drawn(len(held_out), seed=seed)].tolist()])


def summary(folder: RunFolder, got: Gathered, *, seconds: Mapping[str, float]) -> dict[str, Any]:
    """The object that `run --json` prints; with the run folder's other files it is all the report needs."""
    evaluation, mended, fitted = got.evaluation, got.mended, got.trained.fitted
    prepared = mended.prepared
    sizes = prepared.split.sizes()
    return {
        "run": str(folder.path),
        "bundle": str(folder.bundle),
        "report": str(folder.report_html),
        "verdict": to_json(evaluation.verdict),
        "data": {
            "rows": prepared.typed.height,
            **sizes,
            "train": sizes["train"] + mended.dropped,
            "dropped": mended.dropped,
        },
        "model": {
            "name": fitted.model.backbone or "table",
            "train": fitted.trained.method,
            "kept": fitted.trained.kept,
            "words": fitted.trained.words,
            "trees": fitted.trained.trees,
            "parameters": fitted.trained.parameters,
            "trainable": fitted.trained.trainable,
            "rungs": to_json(fitted.trained.rungs),
        },
        "overfitting": to_json(fitted.trained.diagnosis),
        "learning_curve": to_json(fitted.trained.learning_curve),
        "task": prepared.table.task,
        "metric": evaluation.metric,
        "metrics": to_json(evaluation.metrics),
        "baselines": to_json(evaluation.baselines),
        "comparisons": to_json(evaluation.comparisons),
        "slices": to_json(evaluation.slices),
        # The cases that failed are raw text: they stand in evaluation.json and, if the plan allows, in the report.
        "behaviours": [{**one, "failures": []} for one in to_json(evaluation.behaviours)],
        "robustness": to_json(evaluation.robustness),
        "efficiency": to_json(evaluation.efficiency),
        "energy": to_json(got.energy),
        "explained_by": got.explanation.method,
        "expectations": expectations_json(got.explanation.expectations),
        "findings": [shortened(finding) for finding in to_json(got.findings)],
        "repairs": to_json(mended.repairs),
        "remedies": to_json(mended.trials),
        "search": study_json(got.study),
        "improvement": None if got.improvement is None else to_json(got.improvement),
        "seconds": {**seconds, "stages": fitted.trained.seconds},
        "notes": [*got.trained.choices.notes, *_cut(fitted)],
        "versions": versions(),
        "digests": {
            "plan": got.plan.digest(),
            "data": prepared.table.fingerprint,
            "weights": fitted.trained.digest,
        },
    }


def expectations_json(expectations: Sequence[Expectation]) -> list[dict[str, Any]]:
    """What became of what was expected; a word of the data that looks like an address or a key is masked."""
    return [{**to_json(one), "name": masked(one.name)} for one in expectations]


def study_json(study: Study | None) -> dict[str, Any] | None:
    """A search as `tune --json` tells it."""
    if study is None:
        return None
    told = to_json(study)
    return {
        name: told[name]
        for name in ("best", "trials", "impact", "seconds", "metric", "why_ended", "greater_is_better", "seed_spread")
    }


def versions() -> dict[str, str]:
    """Versions of what took part."""
    return {"tunewright": __version__, **{name: version(name) for name in PACKAGES}}


def _cut(fitted: Fitted) -> list[str]:
    prepared = fitted.model.preprocessor
    cut = f"Texts are cut at {prepared.max_length} tokens: {prepared.cut_share:.1%} of the training texts lose some."
    return [cut] if prepared.texts else []
