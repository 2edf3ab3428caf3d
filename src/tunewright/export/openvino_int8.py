"""`openvino-int8`: weights and activations in 8 bits, calibrated on train rows, run by OpenVINO."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tunewright.bundle.engines import HEAD, OPENVINO
from tunewright.errors import ExportError, MissingExtra
from tunewright.export.base import ROUNDED, Budget, Source, Written
from tunewright.export.onnx_graph import OPSET, quiet, write_graph
from tunewright.models.feeds import feed
from tunewright.models.names import show
from tunewright.models.openvino_engine import MISSING

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenvinoInt8:
    """OpenVINO's graph with 8-bit arithmetic; the scales are fixed on train rows, so no row depends on its company.

    Args:
        rows: train rows to calibrate on, at most.
        budget: what it may give up.
    """

    kind: ClassVar[str] = "openvino-int8"
    what: ClassVar[str] = "OpenVINO graph in 8 bits, calibrated on train rows, run by OpenVINO"
    rows: int = 300
    budget: Budget = ROUNDED

    def write(self, folder: Path, source: Source) -> Written:
        """Write `openvino_model.xml` and `openvino_model.bin`.

        Raises:
            ExportError: there are no rows to calibrate on.
            MissingExtra: OpenVINO or NNCF is not installed.
        """
        try:
            import nncf
            import openvino
        except ImportError as error:
            raise MissingExtra(MISSING) from error
        samples = self._samples(source)
        with tempfile.TemporaryDirectory() as scratch:
            write_graph(source.model, Path(scratch, "full.onnx"), opset=OPSET)
            try:
                with quiet():
                    model = openvino.convert_model(Path(scratch, "full.onnx"))
                    small = nncf.quantize(
                        model,
                        nncf.Dataset(samples),
                        model_type=nncf.ModelType.TRANSFORMER,
                        subset_size=len(samples),
                    )
                    openvino.save_model(small, folder / OPENVINO[0], compress_to_fp16=False)
            except Exception as problem:  # OpenVINO and NNCF raise plain RuntimeError and more
                raise ExportError(
                    f"A graph must be quantizable by NNCF. {source.model.backbone or 'This table model'} is not: "
                    f"{type(problem).__name__}: {show(str(problem))}. Export to onnx-int8."
                ) from problem
        return Written(
            about={"engine": "openvino", "precision": "int8"},
            detail={"calibrated_on": len(samples), "activations": "static"},
            skipped=("model.safetensors", HEAD),
        )

    def _samples(self, source: Source) -> list[dict[str, Array]]:
        """One batch per row, so that no padding is counted: evenly over the train rows."""
        if not source.train.height:
            raise ExportError(
                "8-bit activations are calibrated on train rows. There are none to be found. "
                "Name a file with such rows as --data, or export to onnx-int8."
            )
        count = min(self.rows, source.train.height)
        places = np.linspace(0, source.train.height - 1, count).astype(int)
        model = source.model
        inputs = model.preprocessor.inputs(source.train[places.tolist()], model.tokenizer)
        return [feed(inputs, np.array([row])) for row in range(count)]
