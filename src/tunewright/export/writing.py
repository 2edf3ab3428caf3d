"""An exported bundle on disk: what the format writes, what the bundle has beside its network, and the parity report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tunewright.bundle.format import write_sums
from tunewright.bundle.reading import ABOUT, SUMS, read_bundle
from tunewright.errors import DataError, ExportError, ModelError
from tunewright.export.adversarial import adversarial_rows
from tunewright.export.base import Budget, Format, Source, Written
from tunewright.export.parity import parity
from tunewright.records import Parity, to_json
from tunewright.runfolder import read_json, write_folder, write_json, write_text
from tunewright.runfolder.marker import MARKER

PARITY: Final = "parity.json"
CARD: Final = "README.md"
# What is written anew, or speaks of the folder as it was.
_OWN: Final = frozenset([ABOUT, PARITY, SUMS, MARKER, CARD, "modules.json", "sentence_bert_config.json"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An export that passed the gate, and what the format has to tell."""

    parity: Parity
    detail: dict[str, Any]


def write_export(
    out: Path, form: Format, source: Source, *, held_out: pl.DataFrame, budget: Budget | None = None
) -> Made:
    """Write an exported bundle under its final name, once it answers as the trained model does.

    Args:
        out: the folder; one that was written here before is replaced.
        form: the format.
        source: the bundle and the rows a format may use.
        held_out: typed rows for the gate.
        budget: in place of the format's own.

    Raises:
        ExportError: the network cannot be written so, or answers otherwise; nothing stands under the final name.
        MissingExtra: a library that the format needs is not installed.
    """
    allowed = budget or form.budget
    with write_folder(out) as temporary:
        written = form.write(temporary, source)
        _copy_rest(source.folder, temporary, written)
        about = read_json(source.folder / ABOUT)
        exported = {"format": form.kind, "from": about.get("weights_digest"), **written.detail}
        write_json(temporary / ABOUT, about | written.about | {"exported": exported})
        _write_tokenizer(temporary, source)
        write_sums(temporary)
        found = _gate(temporary, form, source, held_out, allowed)
        write_json(temporary / PARITY, to_json(found))
        write_text(temporary / CARD, _card(source.folder, form, found))
        write_sums(temporary)
    return Made(parity=found, detail=dict(written.detail))


def _gate(folder: Path, form: Format, source: Source, held_out: pl.DataFrame, budget: Budget) -> Parity:
    """The parity report of what was written.

    Raises:
        ExportError: over the budget.
    """
    trained = source.model
    hard = trained.preprocessor.conform(adversarial_rows(trained.preprocessor.table))
    try:
        found = parity(trained, read_bundle(folder), held_out=held_out, adversarial=hard, budget=budget)
    except (ModelError, DataError, ValueError, IndexError) as problem:  # unreadable, no numbers, other shapes
        raise ExportError(
            f"An export must be readable and answer. What {form.kind} wrote does not: {problem} Nothing was kept. "
            "Export to another format."
        ) from problem
    if not found.passed:
        raise ExportError(
            f"An export must answer as the model that was trained. On {found.rows} rows {form.kind} does not: "
            f"{'; '.join(found.why)}. Nothing was kept. Export to another format, or allow more with --budget if the "
            "metric alone is over."
        )
    return found


def _copy_rest(bundle: Path, folder: Path, written: Written) -> None:
    """Copy what the bundle has beside its network: tokenizer, words, trees, digests of rows, behaviours."""
    for path in sorted(bundle.iterdir()):
        wanted = path.name not in _OWN | set(written.skipped) and not path.name.startswith(".")
        if path.is_file() and wanted and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)


def _write_tokenizer(folder: Path, source: Source) -> None:
    """A `tokenizer.json`, which needs nothing but the tokenizers library, where the backbone came without one."""
    if source.model.tokenizer is not None and not (folder / "tokenizer.json").is_file():
        write_text(folder / "tokenizer.json", source.model.tokenizer.to_json())


def _card(bundle: Path, form: Format, found: Parity) -> str:
    """The bundle's model card with what the export changed."""
    card = (bundle / CARD).read_text("utf-8") if (bundle / CARD).is_file() else ""
    fall = found.metric_difference
    lines = [
        "## This export",
        "",
        f"`{form.kind}`: {form.what}. Held to {found.reference} on {found.rows} rows, {found.adversarial_rows} of them "
        f"made to be difficult: {found.label_agreement:.2%} of the held-out answers agree, and the largest difference "
        f"of a probability is {found.max_probability_difference:.2g}."
        + (f" {found.metric} differs by {fall.value:+.4f} ({fall.low:+.4f} to {fall.high:+.4f})." if fall else ""),
        "",
    ]
    return f"{card.rstrip()}\n\n" + "\n".join(lines)
