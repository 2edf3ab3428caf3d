"""A network as OpenVINO's own format, run by OpenVINO on the CPU."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from tunewright.errors import MissingExtra, ModelError
from tunewright.models.feeds import OUTPUTS, Feed, check_names, outputs_in_batches
from tunewright.models.names import show

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs

Array = np.ndarray[Any, np.dtype[Any]]
MISSING: Final = "OpenVINO is not installed, and this format needs it. Run: pip install 'tunewright[openvino]'"
_LONGEST: Final = 64 << 20  # bytes of a graph without its weights


@dataclass(frozen=True, slots=True, eq=False)
class OpenvinoEngine:
    """A compiled model of a graph with the names of `feeds`."""

    kind: ClassVar[str] = "openvino"

    compiled: Any

    def outputs(self, inputs: Inputs) -> Array:
        """(n, K) float32 outputs of n rows, in their order."""
        return outputs_in_batches(self._compute, inputs)

    def _compute(self, arrays: Feed) -> Array:
        return np.asarray(self.compiled(arrays)[OUTPUTS])


def open_openvino(graph: Path, weights: Path, *, inputs: Sequence[str]) -> OpenvinoEngine:
    """Open a graph (xml) with its weights (bin).

    Args:
        graph: the file of operators.
        weights: the file of numbers.
        inputs: names of the arrays that it will be fed.

    Raises:
        ModelError: it is hostile, damaged, of another network, or of a newer OpenVINO.
        MissingExtra: OpenVINO is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise MissingExtra(MISSING) from error
    _check(graph)
    threads = int(os.environ.get("OMP_NUM_THREADS") or 0)  # 0: all cores
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    try:
        core = openvino.Core()
        model = core.read_model(model=str(graph), weights=str(weights))
        compiled = core.compile_model(model, "CPU", options)
    except RuntimeError as problem:
        raise ModelError(
            f"An exported graph must load in OpenVINO {openvino.__version__}. {graph} does not: "
            f"{show(str(problem))}. Export the bundle again with this release."
        ) from problem
    found, outputs = ([name for one in some for name in one.names] for some in (compiled.inputs, compiled.outputs))
    check_names(graph, inputs=inputs, found=found, outputs=outputs)
    return OpenvinoEngine(compiled)


def _check(graph: Path) -> None:
    """A graph is plain XML: no document type, whose entities could name other files."""
    if graph.stat().st_size > _LONGEST:
        raise ModelError(f"A graph must have at most {_LONGEST >> 20} MiB. {graph} has more. Export the bundle again.")
    text = graph.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ModelError(f"A graph must be plain XML. {graph} declares a document type. Refused.")
