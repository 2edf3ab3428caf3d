"""A bundle on disk: standard transformers layout for the backbone, JSON and safetensors for the rest, no pickle.

::

    model.safetensors config.json tokenizer.json ...   the backbone; AutoModel.from_pretrained(bundle) loads it
    head.safetensors                                   the head
    lexical.safetensors lexical.json                   the linear model over n-grams, where validation chose to add it
    trees.safetensors                                  boosted trees over table columns, where validation chose them
    tunewright.json                                    task, decision, preprocessing, versions
    seen.safetensors                                   digests of the rows it learned from and was chosen on
    reference.safetensors                              the rows it was judged on, as numbers, to compare new rows with
    behaviours.json                                    what the expert asks of the model, where the plan has it
    explaining.json                                    how its explanations were checked, and which method is the best
    evidence.json                                      what the card says, for machines
    parity.json                                        the proof that what was written answers as what was trained
    README.md                                          the model card
    SHA256SUMS                                         digests of every file above
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.bundle.reading import (
    BEHAVIOURS,
    EVIDENCE,
    EXPLAINING,
    FORMAT,
    POOLING,
    REFERENCE,
    SEEN,
    SUMS,
    TREES,
    read_bundle,
)
from tunewright.bundle.reference import Reference
from tunewright.bundle.seen import SeenRows
from tunewright.errors import ExportError
from tunewright.models.lexical import Lexical
from tunewright.models.safety import sha256
from tunewright.records import Evidence, to_json
from tunewright.runfolder import write_arrays, write_folder, write_json, write_text
from tunewright.tasks import task_to_json

if TYPE_CHECKING:
    from torch import nn

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json")
MORE_TOKENIZER_FILES = ("merges.txt", "spm.model", "sentencepiece.bpe.model", "spiece.model", "added_tokens.json")
LARGEST_DIFFERENCE = 1e-6


def write_bundle(
    folder: Path,
    model: FittedModel,
    *,
    backbone_folder: Path | None,
    card: str,
    extra: dict[str, Any],
    sample: pl.DataFrame,
    behaviours: Mapping[str, Any] | None = None,
    seen: SeenRows | None = None,
    explaining: Mapping[str, Any] | None = None,
    reference: Reference | None = None,
    evidence: Evidence | None = None,
    expected: np.ndarray[Any, Any] | None = None,
) -> dict[str, Any]:
    """Write a bundle atomically, read it back, and hold it to the model in memory on `sample`, typed rows.

    Args:
        folder: where to; what is there is replaced.
        model: as it was trained.
        backbone_folder: whose tokenizer and configuration are copied; None without text.
        card: text of the model card.
        extra: what else is kept in tunewright.json.
        sample: typed rows on which what was written has to answer as the model does.
        behaviours: what is asked of the model, as plain JSON, to be tried whenever it is evaluated.
        seen: the rows it learned from, to be told again when they come back as test rows.
        explaining: how explanations of it were checked, as plain JSON.
        reference: the rows it was judged on, as numbers.
        evidence: what the card says, for machines.
        expected: (n, K) outputs of the model for `sample`, where somebody has asked for them before.

    Returns:
        The parity report.

    Raises:
        ExportError: the bundle answers otherwise than the model that was trained; nothing is left under the final name.
    """
    expected = model.outputs(sample) if expected is None else expected
    with write_folder(folder) as temporary:
        _write_files(temporary, model, backbone_folder, extra)
        write_text(temporary / "README.md", card)
        if behaviours is not None:
            write_json(temporary / BEHAVIOURS, behaviours)
        if seen is not None:
            write_arrays(temporary / SEEN, {"marks": seen.marks})
        if reference is not None:
            write_arrays(temporary / REFERENCE, reference.arrays())
        if explaining is not None:
            write_json(temporary / EXPLAINING, explaining)
        if evidence is not None:
            write_json(temporary / EVIDENCE, evidence)
        write_sums(temporary)
        parity = _parity(model, expected, read_bundle(temporary), sample)
        write_json(temporary / "parity.json", parity)
        write_sums(temporary)
    return parity


def _write_files(folder: Path, model: FittedModel, backbone_folder: Path | None, extra: dict[str, Any]) -> None:
    write_arrays(folder / "head.safetensors", _arrays(model.network.head))
    if model.lexical is not None:
        _write_lexical(folder, model.lexical)
    if model.trees is not None:
        write_arrays(folder / TREES, model.trees.arrays())
    if model.network.encoder is not None:
        assert backbone_folder is not None
        # What transformers looks for in the header before it reads a file.
        write_arrays(folder / "model.safetensors", _arrays(model.network.encoder.model), metadata={"format": "pt"})
        shutil.copyfile(backbone_folder / "config.json", folder / "config.json")
        for name in (*TOKENIZER_FILES, *MORE_TOKENIZER_FILES):
            if (backbone_folder / name).is_file():
                shutil.copyfile(backbone_folder / name, folder / name)
    about = {
        "format": FORMAT,
        "task": task_to_json(model.task),
        "decision": to_json(model.decision),
        "metric": model.metric,
        "precision": model.precision,
        "head": {"kind": model.head},
        "backbone": model.backbone,
        "pooling": model.pooling,
        "lexical_share": model.lexical_share,
        "trees_share": model.trees_share,
        "preprocessing": model.preprocessor.to_json(),
        **extra,
    }
    write_json(folder / "tunewright.json", about)


def _arrays(module: nn.Module) -> dict[str, np.ndarray[Any, Any]]:
    return {name: value.detach().float().cpu().numpy() for name, value in module.state_dict().items()}


def _write_lexical(folder: Path, lexical: Lexical) -> None:
    arrays = {"idf": lexical.idf, "weight": lexical.weight, "bias": lexical.bias}
    write_arrays(folder / "lexical.safetensors", {k: np.asarray(array, np.float32) for k, array in arrays.items()})
    write_json(folder / "lexical.json", {"vocabulary": lexical.vocabulary})


def _parity(
    model: FittedModel, expected: np.ndarray[Any, Any], written: FittedModel, sample: pl.DataFrame
) -> dict[str, Any]:
    got = written.outputs(sample)
    targets = np.zeros((len(expected), model.task.outputs), np.int64)
    targets = targets if model.task.kind == "multilabel" else targets[:, 0]
    before = model.task.outcome(targets, expected, model.decision)
    after = written.task.outcome(targets, got, written.decision)
    agreement = float(np.mean(np.all(np.atleast_2d(before.labels.T == after.labels.T), axis=0)))
    if before.probabilities is None or after.probabilities is None:
        difference = float(np.abs(before.labels - after.labels).max())
    else:
        difference = float(np.abs(before.probabilities - after.probabilities).max())
    passed = agreement == 1.0 and difference <= LARGEST_DIFFERENCE
    report = {
        "rows": len(expected),
        "label_agreement": agreement,
        "max_probability_difference": difference,
        "passed": passed,
    }
    if not passed:
        raise ExportError(
            f"A bundle must answer as the model that was trained. On {len(expected)} validation rows {agreement:.1%} "
            f"of the answers agree, the largest difference is {difference:.2g}. Nothing was kept; "
            "please report this with the plan."
        )
    return report


def write_sums(folder: Path) -> None:
    """List the digest of every file of a bundle, in place of an older list."""
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != SUMS and not p.name.startswith("."))
    names += [POOLING] if (folder / POOLING).is_file() else []
    write_text(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in names))
