"""The YAML header of a model card, as the Hugging Face hub reads it.

Source: huggingface.co/docs/hub/model-cards (metadata, model-index).
"""

from __future__ import annotations

import re
from typing import Any

from tunewright.data.masking import masked
from tunewright.records import Evidence, Score
from tunewright.stats import rounded

# Names that the hub's own metrics have; others go by ours.
HUB_METRICS = {
    "f1_macro": "f1", "f1_micro": "f1", "f1_weighted": "f1", "f1_samples": "f1", "precision_macro": "precision",
    "recall_macro": "recall", "matthews_corrcoef": "matthews_correlation", "mean_absolute_error": "mae",
    "r2": "r_squared", "spearman": "spearmanr", "brier": "brier_score",
}  # fmt: skip


def header(evidence: Evidence) -> list[str]:
    """Lines from one `---` to the other, and an empty one; plain ASCII, whatever the names hold."""
    import yaml

    origin = evidence.origin
    known: dict[str, Any] = {
        "library_name": "tunewright",
        "license": origin.license,
        "language": origin.language,
        "pipeline_tag": origin.pipeline_tag,
        "tags": list(origin.tags),
        "base_model": origin.base_model,
        "base_model_relation": "finetune" if origin.base_model else None,
        "model-index": [_index(evidence)],
    }
    # On one line each, so that no name can hold the line that ends the header.
    written = yaml.safe_dump(
        {name: value for name, value in known.items() if value is not None},
        sort_keys=False,
        allow_unicode=False,
        width=2**30,
    )
    return ["---", *written.splitlines(), "---", ""]


def _index(evidence: Evidence) -> dict[str, Any]:
    data = evidence.data
    name = _plain(", ".join(data.files) or "in memory")
    scores = evidence.metrics.get("test", {})
    order = [evidence.metric, *(one for one in scores if one != evidence.metric)]
    return {
        "name": _plain(evidence.name) or "model",
        "results": [
            {
                "task": {"type": evidence.origin.pipeline_tag, "name": evidence.task},
                # What the hub knows by a revision is what we know by the digest of the rows' content.
                "dataset": {
                    "type": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "table",
                    "name": name,
                    "split": "test",
                    "revision": data.test_digest,
                },
                "metrics": [_metric(one, scores[one]) for one in order if one in scores],
            }
        ],
    }


def _metric(name: str, score: Score) -> dict[str, Any]:
    return {
        "type": HUB_METRICS.get(name, name),
        "value": float(f"{score.value:.6g}"),
        "name": f"{name}, 95 % interval and rows: {rounded(score)}",
    }


def _plain(text: str) -> str:
    """One line without secrets."""
    return " ".join(masked(text).split())
