"""A bundle on disk: standard transformers layout for the backbone, JSON and safetensors for the rest, no pickle.

::

    model.safetensors config.json tokenizer.json ...   the backbone; AutoModel.from_pretrained(bundle) loads it
    head.safetensors                                   the head
    tunewright.json                                    task, decision, preprocessing, versions
    parity.json                                        the proof that what was written answers as what was trained
    README.md                                          the model card
    SHA256SUMS                                         digests of every file above
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.bundle.preprocessor import Preprocessor
from tunewright.errors import ExportError, ModelError
from tunewright.models.safety import check_finite, check_model_folder, check_safetensors, sha256
from tunewright.models.tokens import TextTokenizer
from tunewright.records import from_json, to_json
from tunewright.runfolder import read_json, write_folder, write_json, write_text
from tunewright.tasks import Decision, task_from_json, task_to_json

if TYPE_CHECKING:
    from tunewright.models.network import Network

FORMAT = 1
SUMS = "SHA256SUMS"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "vocab.json")
MORE_TOKENIZER_FILES = ("merges.txt", "spm.model", "sentencepiece.bpe.model", "spiece.model", "added_tokens.json")
LARGEST_DIFFERENCE = 1e-6


def write_bundle(
    folder: Path, model: FittedModel, *, backbone_folder: Path | None, card: str, extra: dict[str, Any], sample: pl.DataFrame
) -> dict[str, Any]:
    """Write a bundle atomically, read it back, and hold it to the model in memory on `sample`, typed rows.

    Returns:
        The parity report.

    Raises:
        ExportError: the bundle answers otherwise than the model that was trained; nothing is left under the final name.
    """
    inputs = model.inputs(sample)
    expected = model.outputs(inputs)
    with write_folder(folder) as temporary:
        _write_files(temporary, model, backbone_folder, extra)
        write_text(temporary / "README.md", card)
        _write_sums(temporary)
        parity = _parity(model, expected, read_bundle(temporary), sample)
        write_json(temporary / "parity.json", parity)
        _write_sums(temporary)
    return parity


def read_bundle(folder: Path) -> FittedModel:
    """Read a bundle; every file is held to its digest before anything is loaded.

    Raises:
        ModelError: not a bundle, a file is missing, changed or hostile.
    """
    import torch

    from tunewright.models.precision import DTYPES, pick_device

    _check_sums(folder)
    about = read_json(folder / "tunewright.json")
    device = pick_device()
    precision = _usable(about["precision"], device)
    network = _network(folder, about)
    if network.encoder is not None:
        network.encoder.to(DTYPES[precision])
    network.to(device).eval()
    with torch.no_grad():
        network.head.load_state_dict(_head(folder))
    return FittedModel(
        network=network,
        preprocessor=Preprocessor.from_json(about["preprocessing"]),
        tokenizer=TextTokenizer(folder) if about["backbone"] else None,
        task=task_from_json(about["task"]),
        decision=from_json(Decision, about["decision"]),
        metric=about["metric"],
        precision=precision,
        head=about["head"]["kind"],
        backbone=about["backbone"],
        pooling=about["pooling"],
        device=device,
    )


def _write_files(folder: Path, model: FittedModel, backbone_folder: Path | None, extra: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    head = {name: value.detach().float().cpu().contiguous() for name, value in model.network.head.state_dict().items()}
    save_file(head, folder / "head.safetensors")
    if model.network.encoder is not None:
        assert backbone_folder is not None
        state = {k: v.detach().float().cpu().contiguous() for k, v in model.network.encoder.model.state_dict().items()}
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
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
        "head": {"kind": model.head, "inputs": head["linear.weight"].shape[1], "outputs": head["linear.weight"].shape[0]},
        "backbone": model.backbone,
        "pooling": model.pooling,
        "preprocessing": model.preprocessor.to_json(),
        **extra,
    }
    write_json(folder / "tunewright.json", about)


def _network(folder: Path, about: dict[str, Any]) -> Network:
    from tunewright.models.backbone import load_folder
    from tunewright.models.encoder import Encoder
    from tunewright.models.heads import make_head
    from tunewright.models.network import Network

    head = make_head(
        about["head"]["kind"], inputs=about["head"]["inputs"], outputs=about["head"]["outputs"], dropout=0.0
    )
    encoder = None
    if about["backbone"]:
        check_model_folder(folder)
        check_safetensors(folder / "model.safetensors")
        check_finite(folder / "model.safetensors")
        encoder = Encoder(load_folder(folder), about["pooling"])
    return Network(encoder, head)


def _head(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    check_safetensors(folder / "head.safetensors")
    check_finite(folder / "head.safetensors")
    return load_file(folder / "head.safetensors")


def _usable(precision: str, device: Any) -> str:
    """The precision the model was judged in, where this machine has it; float32 elsewhere."""
    from tunewright.models.precision import has_bfloat16

    return precision if precision == "float32" or has_bfloat16(device) else "float32"


def _parity(model: FittedModel, expected: np.ndarray[Any, Any], written: FittedModel, sample: pl.DataFrame) -> dict[str, Any]:
    got = written.outputs(written.inputs(sample))
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
            f"A bundle must answer as the model that was trained. On {len(expected)} validation rows {agreement:.1%} of the answers agree, "
            f"the largest difference is {difference:.2g}. Nothing was kept; please report this with the plan."
        )
    return report


def _write_sums(folder: Path) -> None:
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != SUMS and not p.name.startswith("."))
    write_text(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in names))


def _check_sums(folder: Path) -> None:
    if not (folder / SUMS).is_file() or not (folder / "tunewright.json").is_file():
        raise ModelError(
            f"A bundle is a folder with tunewright.json and SHA256SUMS. {folder} is none. Give the `bundle` folder of a run."
        )
    for line in (folder / SUMS).read_text("utf-8").splitlines():
        digest, _, name = line.partition("  ")
        path = folder / name
        if Path(name).name != name or path.is_symlink() or not path.is_file() or sha256(path) != digest:
            raise ModelError(
                f"Every file of a bundle must have the digest in SHA256SUMS. {path} is missing or was changed. "
                "Take the bundle from the run again."
            )
