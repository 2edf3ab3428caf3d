"""`openvino-int8`: matrix products in 8 bits with scales fixed on train rows, run by OpenVINO."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tunewright.bundle.engines import HEAD, OPENVINO
from tunewright.errors import ExportError, MissingExtra
from tunewright.export.base import ROUNDED, Budget, Source, Written
from tunewright.export.onnx_graph import OPSET, refused_as, write_folded_graph
from tunewright.models.feeds import feed
from tunewright.models.openvino_engine import MISSING

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenvinoInt8:
    """OpenVINO's graph with 8-bit matrix products; the scales are fixed, so no row's answer depends on its company.

    Args:
        rows: train rows to calibrate on, at most.
        budget: what it may give up.
    """

    kind: ClassVar[str] = "openvino-int8"
    what: ClassVar[str] = "OpenVINO graph in 8 bits, calibrated on train rows, run by OpenVINO"
    rows: int = 200
    budget: Budget = ROUNDED

    def write(self, folder: Path, source: Source) -> Written:
        """Write `openvino_model.xml` and `openvino_model.bin`.

        Raises:
            ExportError: there are no rows to calibrate on, or the network cannot be written so.
            MissingExtra: OpenVINO is not installed.
        """
        if find_spec("openvino") is None:
            raise MissingExtra(MISSING)
        samples = self._samples(source)
        with tempfile.TemporaryDirectory() as scratch, refused_as(source.model, instead="onnx-int8"):
            folded, small = Path(scratch, "folded.onnx"), Path(scratch, "small.onnx")
            write_folded_graph(source.model, folded, opset=OPSET)
            _quantize(folded, small, samples)
            _convert(small, folder / OPENVINO[0])
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


def _quantize(graph: Path, out: Path, samples: list[dict[str, Array]]) -> None:
    """Products with constant weights in 8 bits; those of attention stay, their operands change with every row."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left: Iterator[dict[str, Array]] = iter(samples)

        def get_next(self) -> dict[str, Array] | None:
            return next(self.left, None)

    quantize_static(
        graph,
        out,
        Reader(),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"MatMulConstBOnly": True},
    )


def _convert(graph: Path, out: Path) -> None:
    """Into OpenVINO's own format; what is still in 32 bits, the embeddings above all, is kept in 16.

    `Core.read_model` reads ONNX itself: `openvino.convert_model` would do the same and tell its makers of it.
    """
    import openvino

    openvino.save_model(openvino.Core().read_model(str(graph)), str(out), compress_to_fp16=True)
