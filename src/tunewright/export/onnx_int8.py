"""`onnx-int8`: weights in 8 bits, activations rounded to 8 bits as they come, run by onnxruntime."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.bundle.engines import HEAD, ONNX
from tunewright.export.base import ROUNDED, Budget, Source, Written
from tunewright.export.onnx_graph import OPSET, head_nodes, refused_as, write_folded_graph


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxInt8:
    """The ONNX graph with matrix products and embeddings in 8 bits; the head's few weights stay in 32.

    The scale of the activations is taken from each batch as it comes, so a row's answer depends a little on the rows it
    is answered with; `company_difference` in the parity report says how much.

    Args:
        opset: version of the ONNX operators.
        per_channel: a scale for each column of a weight, in place of one for all of it.
        budget: what it may give up.
    """

    kind: ClassVar[str] = "onnx-int8"
    what: ClassVar[str] = "ONNX graph with 8-bit weights and dynamic 8-bit activations, run by onnxruntime"
    opset: int = OPSET
    per_channel: bool = True
    budget: Budget = ROUNDED

    def write(self, folder: Path, source: Source) -> Written:
        """Write `model.onnx`."""
        from onnxruntime.quantization import QuantType, quantize_dynamic

        with tempfile.TemporaryDirectory() as scratch, refused_as(source.model, instead="onnx"):
            folded = Path(scratch, "folded.onnx")
            write_folded_graph(source.model, folded, opset=self.opset)
            quantize_dynamic(
                folded,
                folder / ONNX,
                per_channel=self.per_channel,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=head_nodes(folded),
            )
        return Written(
            about={"engine": "onnx", "precision": "int8"},
            detail={"opset": self.opset, "per_channel": self.per_channel, "activations": "dynamic"},
            skipped=("model.safetensors", HEAD),
        )
