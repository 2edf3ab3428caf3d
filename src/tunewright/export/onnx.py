"""`onnx`: the network in float32 as one file that onnxruntime, and much else, runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.bundle.engines import HEAD, ONNX
from tunewright.export.base import EXACT, Budget, Source, Written
from tunewright.export.onnx_graph import OPSET, write_graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Onnx:
    """The network as an ONNX graph in float32.

    Args:
        opset: version of the ONNX operators.
        budget: what it may give up.
    """

    kind: ClassVar[str] = "onnx"
    what: ClassVar[str] = "ONNX graph in float32, run by onnxruntime; needs no torch"
    opset: int = OPSET
    budget: Budget = EXACT

    def write(self, folder: Path, source: Source) -> Written:
        """Write `model.onnx`."""
        write_graph(source.model, folder / ONNX, opset=self.opset)
        return Written(
            about={"engine": "onnx", "precision": "float32"},
            detail={"opset": self.opset},
            skipped=("model.safetensors", HEAD),
        )
