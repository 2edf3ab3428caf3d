"""`onnx-int8`: weights in 8 bits, activations rounded to 8 bits as they come, run by onnxruntime."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.bundle.engines import HEAD, ONNX
from tunewright.errors import ExportError
from tunewright.export.base import ROUNDED, Budget, Source, Written
from tunewright.export.onnx_graph import OPSET, quiet, write_graph
from tunewright.models.names import show


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxInt8:
    """The ONNX graph with matrix products and embeddings in 8 bits.

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
        from onnxruntime.quantization.shape_inference import quant_pre_process

        with tempfile.TemporaryDirectory() as scratch:
            full, folded = Path(scratch, "full.onnx"), Path(scratch, "folded.onnx")
            write_graph(source.model, full, opset=self.opset)
            try:
                with quiet():
                    # Constants are folded first: a weight that is transposed at run time would stay in 32 bits.
                    quant_pre_process(full, folded, skip_symbolic_shape=True)
                    quantize_dynamic(
                        folded, folder / ONNX, per_channel=self.per_channel, weight_type=QuantType.QInt8
                    )
            except Exception as problem:  # the quantizer raises whatever it stumbles over
                raise ExportError(
                    f"A graph must be quantizable. {source.model.backbone or 'This table model'} is not: "
                    f"{type(problem).__name__}: {show(str(problem))}. Export to onnx."
                ) from problem
        return Written(
            about={"engine": "onnx", "precision": "int8"},
            detail={"opset": self.opset, "per_channel": self.per_channel, "activations": "dynamic"},
            skipped=("model.safetensors", HEAD),
        )
