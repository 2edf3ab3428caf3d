"""`safetensors-merged`: the network as plain transformers weights, which sentence-transformers loads as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tunewright.bundle.engines import HEAD
from tunewright.bundle.reading import POOLING
from tunewright.errors import ExportError
from tunewright.export.base import EXACT, Budget, Source, Written
from tunewright.export.torch_bf16 import float_arrays
from tunewright.runfolder import write_arrays, write_json

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel

_MODULES = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
_POOLINGS = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token", "max": "pooling_mode_max_tokens"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetensorsMerged:
    """Weights in float32, adapters merged into them, in the layout of transformers and sentence-transformers.

    Args:
        budget: what it may give up.
    """

    kind: ClassVar[str] = "safetensors-merged"
    what: ClassVar[str] = "torch network in float32, in the layout of transformers and sentence-transformers"
    budget: Budget = EXACT

    def write(self, folder: Path, source: Source) -> Written:
        """Write `model.safetensors` and `head.safetensors`, and what tells sentence-transformers how to pool."""
        network = source.model.network
        write_arrays(folder / HEAD, float_arrays(network.head))
        if network.encoder is not None:
            weights = float_arrays(network.encoder.model)
            _check_merged(weights)
            write_arrays(folder / "model.safetensors", weights, metadata={"format": "pt"})
            _write_modules(folder, source.model)
        return Written(about={"engine": "torch", "precision": "float32"}, skipped=("model.safetensors", HEAD))


def _check_merged(weights: dict[str, object]) -> None:
    left = [name for name in weights if "lora_" in name or name.startswith("base_model.")]
    if left:
        raise ExportError(
            f"Adapters must be merged before they are exported. {len(left)} tensors are not, such as {left[0]}. "
            "Train again with this release."
        )


def _write_modules(folder: Path, model: FittedModel) -> None:
    """The files of sentence-transformers: mean, cls or max of the tokens, then unit length."""
    network = model.network
    assert network.encoder is not None
    width = int(network.encoder.model.config.hidden_size)
    modules = [
        {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{name}"}
        for place, (path, name) in enumerate(_MODULES)
    ]
    write_json(folder / "modules.json", modules)
    longest = model.preprocessor.max_length
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False})
    chosen = {key: mode == model.pooling for mode, key in _POOLINGS.items()}
    write_json(folder / POOLING, {"word_embedding_dimension": width, **chosen})
