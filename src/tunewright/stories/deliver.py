"""What a run hands over: the bundle with its card, the report, the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from tunewright.bundle.card import model_card
from tunewright.bundle.format import write_bundle
from tunewright.bundle.seen import SeenRows
from tunewright.plan import Plan
from tunewright.records import Evaluation, Explanation, Finding, Improvement, Study, to_json
from tunewright.runfolder import RunFolder
from tunewright.stories.explaining import explaining_json
from tunewright.stories.inspect import shortened
from tunewright.stories.knowledge import bundled_behaviours
from tunewright.stories.prepare import Prepared
from tunewright.stories.repair import Mended
from tunewright.version import __version__

if TYPE_CHECKING:
    import polars as pl

    from tunewright.learning.fit import Fitted

PACKAGES = ("torch", "transformers", "tokenizers", "scikit-learn", "polars", "numpy", "peft")
PARITY_ROWS = 512


def bundle(
    folder: RunFolder,
    prepared: Prepared,
    fitted: Fitted,
    evaluation: Evaluation,
    *,
    plan: Plan,
    raw: pl.DataFrame,
    explanation: Explanation,
) -> None:
    """Write the bundle and hold it to the model in memory on validation rows; `raw` are all rows as they were read.

    Raises:
        ExportError: what was written answers otherwise.
    """
    card = model_card(
        folder.path.name, table=prepared.table, trained=fitted.trained, evaluation=evaluation, split=prepared.split
    )
    write_bundle(
        folder.bundle,
        fitted.model,
        backbone_folder=fitted.backbone_folder,
        card=card,
        extra={
            "versions": versions(),
            "weights_digest": fitted.trained.digest,
            "plan_digest": plan.digest(),
            "data_fingerprint": prepared.table.fingerprint,
            "limits": plan.objective.limits.given(),
        },
        sample=prepared.typed[list(prepared.split.validation[:PARITY_ROWS])],
        behaviours=bundled_behaviours(plan),
        seen=SeenRows.of(raw[[*prepared.split.train, *prepared.split.validation]], fitted.model.preprocessor),
        explaining=explaining_json(explanation),
    )


def summary(
    folder: RunFolder,
    mended: Mended,
    fitted: Fitted,
    evaluation: Evaluation,
    *,
    plan: Plan,
    explanation: Explanation,
    findings: Sequence[Finding],
    study: Study | None,
    improvement: Improvement | None,
    seconds: Mapping[str, float],
    notes: Sequence[str],
) -> dict[str, Any]:
    """The object that `run --json` prints; with the run folder's other files it is all the report needs."""
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
        "explained_by": explanation.method,
        "expectations": to_json(explanation.expectations),
        "findings": [shortened(finding) for finding in to_json(tuple(findings))],
        "repairs": to_json(mended.repairs),
        "remedies": to_json(mended.trials),
        "search": study_json(study),
        "improvement": None if improvement is None else to_json(improvement),
        "seconds": {**seconds, "stages": fitted.trained.seconds},
        "notes": [*notes, *_cut(fitted)],
        "versions": versions(),
        "digests": {
            "plan": plan.digest(),
            "data": prepared.table.fingerprint,
            "weights": fitted.trained.digest,
        },
    }


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
