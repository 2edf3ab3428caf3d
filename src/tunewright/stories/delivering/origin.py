"""Where a model comes from and how hubs file it: base model, licence, language, task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.detectors.language_mix import usual_language
from tunewright.models.backbone import MINILM_HUB_ID
from tunewright.records import Origin, Table

if TYPE_CHECKING:
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained

# ISO 639-1. What our lists of small words or the script do not tell apart (Danish and Norwegian) has no code here.
CODES = {
    "English": "en", "German": "de", "French": "fr", "Spanish": "es", "Italian": "it", "Portuguese": "pt",
    "Dutch": "nl", "Swedish": "sv", "Polish": "pl", "Turkish": "tr", "Greek": "el", "Hebrew": "he", "Thai": "th",
    "Korean": "ko", "Georgian": "ka", "Armenian": "hy", "Tamil": "ta",
}  # fmt: skip
LICENCES = {"minilm": "apache-2.0"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_MOST_TEXTS = 2000


def origin_of(trained: Trained, prepared: Prepared) -> Origin:
    """What is known; a path of this machine is not told."""
    backbone, table = trained.rows.problem.backbone, prepared.table
    base = None if backbone is None else _hub_id(backbone.name)
    return Origin(
        base_model=base,
        base_digest=None if backbone is None else backbone.digest,
        license=None if backbone is None else LICENCES.get(backbone.name),
        language=_language(prepared),
        pipeline_tag=pipeline_tag(table),
        tags=("tunewright", "fine-tuned", table.task),
    )


def pipeline_tag(table: Table) -> str:
    """What hubs call the task: theirs of texts holds scores of texts, too."""
    if table.pair is not None and table.task == "regression":
        return "sentence-similarity"
    if table.features("text"):
        return "text-classification"
    return "tabular-regression" if table.task == "regression" else "tabular-classification"


def _hub_id(name: str) -> str | None:
    if name == "minilm":
        return MINILM_HUB_ID
    # A folder may look like a hub id; one that is there is a folder, and nobody else's business.
    return name if _HUB_ID.fullmatch(name) and not Path(name).exists() else None


def _language(prepared: Prepared) -> str | None:
    """That of most texts of the first text column, among rows that are not test rows."""
    texts = prepared.table.features("text")
    if not texts:
        return None
    seen = [*prepared.split.train, *prepared.split.validation][:_MOST_TEXTS]
    return CODES.get(usual_language(prepared.typed[texts[0]][seen]) or "")
