"""`small`: half of the layers, taught by the whole network on the train texts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tunewright.bundle.engines import HEAD
from tunewright.errors import ExportError
from tunewright.export.base import SMALLER, Budget, Source, Written
from tunewright.export.distilling import Lesson, distil, layer_list, thinned
from tunewright.export.torch_bf16 import float_arrays
from tunewright.learning.fit import weights_digest
from tunewright.runfolder import write_arrays, write_json

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs

MOST_ROWS = 20_000
_LAYERS = ("num_hidden_layers", "n_layers", "num_layers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A network with a share of the layers, distilled from the trained one; what it cost stands in its parity report.

    Args:
        share: of the layers that are kept, the first and the last among them.
        epochs: passes over the train texts.
        rate: learning rate.
        budget: what it may give up.
    """

    kind: ClassVar[str] = "small"
    what: ClassVar[str] = "torch network with half of the layers, distilled from the trained one on its train texts"
    share: float = 0.5
    epochs: int = 8
    rate: float = 2e-4
    budget: Budget = SMALLER

    def write(self, folder: Path, source: Source) -> Written:
        """Write `model.safetensors`, `config.json` and `head.safetensors`.

        Raises:
            ExportError: no text, a single layer, no train rows, or layers that cannot be left out.
        """
        model = source.model
        places = self._places(source)
        student = thinned(model.network, places)
        losses = distil(
            student,
            model.network,
            task=model.task,
            train=self._inputs(source),
            held_out=model.preprocessor.inputs(source.validation, model.tokenizer),
            lesson=Lesson(epochs=self.epochs, rate=self.rate),
            observe=source.observe,
        )
        assert student.encoder is not None
        write_arrays(folder / HEAD, float_arrays(student.head))
        weights = float_arrays(student.encoder.model)
        write_arrays(folder / "model.safetensors", weights, metadata={"format": "pt"})
        write_json(folder / "config.json", _config(source.folder / "config.json", places))
        return Written(
            about={"engine": "torch", "precision": "float32", "weights_digest": weights_digest(student)},
            detail={"layers": places, "rows": min(source.train.height, MOST_ROWS), "held_out_loss": losses},
        )

    def _places(self, source: Source) -> list[int]:
        encoder = source.model.network.encoder
        if encoder is None:
            raise ExportError("Layers are left out of a text encoder. This model reads a table alone. Export to onnx.")
        layers = len(layer_list(encoder.model))
        if layers < 2:
            raise ExportError(f"A smaller encoder needs two layers to leave one out. This one has {layers}.")
        if not source.train.height:
            raise ExportError(
                "A smaller network is taught on train texts. There are none to be found. "
                "Name a file with such rows as --data, or export to onnx-int8."
            )
        kept = max(round(layers * self.share), 1)
        return sorted({int(place) for place in np.linspace(0, layers - 1, kept).round()})

    def _inputs(self, source: Source) -> Inputs:
        """Train rows; evenly chosen where there are very many."""
        count = min(source.train.height, MOST_ROWS)
        places = np.linspace(0, source.train.height - 1, count).astype(int)
        return source.model.preprocessor.inputs(source.train[places.tolist()], source.model.tokenizer)


def _config(path: Path, places: list[int]) -> dict[str, Any]:
    """The encoder's configuration with that many layers."""
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for name in _LAYERS:
        if name in told:
            told[name] = len(places)
    if isinstance(told.get("layer_types"), list):
        told["layer_types"] = [told["layer_types"][place] for place in places]
    return told
