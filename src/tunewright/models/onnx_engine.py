"""A network as an ONNX graph, run by onnxruntime on the CPU; the graph is looked through before anything runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from tunewright.errors import ModelError
from tunewright.models.feeds import OUTPUTS, Feed, check_names, outputs_in_batches
from tunewright.models.names import show

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs

Array = np.ndarray[Any, np.dtype[Any]]
_DOMAINS: Final = frozenset(["", "ai.onnx", "com.microsoft"])  # the standard's operators, and onnxruntime's own
_READERS: Final = frozenset(["EPContext", "PythonOp", "PythonOpGrad"])  # operators that load files or run code
_DEEPEST: Final = 16  # graphs within graphs


@dataclass(frozen=True, slots=True, eq=False)
class OnnxEngine:
    """An onnxruntime session of a graph with the names of `feeds`."""

    kind: ClassVar[str] = "onnx"

    session: Any

    def outputs(self, inputs: Inputs) -> Array:
        """(n, K) float32 outputs of n rows, in their order."""
        return outputs_in_batches(self._compute, inputs)

    def _compute(self, arrays: Feed) -> Array:
        return np.asarray(self.session.run([OUTPUTS], arrays)[0])


def open_onnx(path: Path, *, inputs: Sequence[str]) -> OnnxEngine:
    """Open a graph that passes `check_graph`.

    Args:
        path: the file.
        inputs: names of the arrays that it will be fed.

    Raises:
        ModelError: it is hostile, damaged, of another network, or has operators that this onnxruntime lacks.
    """
    check_graph(path)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they come as exceptions too
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)  # 0: one per physical core
    options.add_session_config_entry("session.force_spinning_stop", "1")  # idle threads leave the cores to others
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's own exceptions share no base class of theirs
        raise ModelError(
            f"An exported graph must load in onnxruntime {onnxruntime.__version__}. {path} does not: "
            f"{show(str(problem))}. Export the bundle again with this release."
        ) from problem
    found, outputs = ([one.name for one in some] for some in (session.get_inputs(), session.get_outputs()))
    check_names(path, inputs=inputs, found=found, outputs=outputs)
    return OnnxEngine(session)


def check_graph(path: Path) -> None:
    """Refuse an ONNX file that keeps weights in other files, or has operators that load files or run code.

    Raises:
        ModelError: names the tensor or the operator.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model(path, load_external_data=False)
    except (DecodeError, ValueError, OSError) as problem:
        raise ModelError(f"An ONNX graph must be readable. {path} is not. Export the bundle again.") from problem
    for graph in (model.graph, *model.functions):
        for node in _nodes(graph, 0, path):
            if node.op_type in _READERS or node.domain not in _DOMAINS | {one.domain for one in model.functions}:
                raise ModelError(
                    f"An ONNX graph must consist of operators of the standard and of onnxruntime. {path} has "
                    f"{show(f'{node.domain}.{node.op_type}')}. Refused; export the bundle again."
                )
    for tensor in _tensors(model):
        if tensor.external_data or tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ModelError(
                f"An ONNX graph must hold its weights itself. {path} takes {show(tensor.name)} from another file. "
                "Refused; export the bundle again."
            )


def _nodes(graph: Any, depth: int, path: Path) -> Iterator[Any]:
    """Every operator of a graph or function, those of the graphs within it too."""
    if depth > _DEEPEST:
        raise ModelError(f"Graphs must nest at most {_DEEPEST} deep. Those of {path} nest deeper. Refused.")
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner, depth + 1, path)


def _tensors(part: Any) -> Iterator[Any]:
    """Every tensor in a protobuf message, wherever it stands: initialisers, attributes, sparse parts, training info."""
    if part.DESCRIPTOR.name == "TensorProto":
        yield part
        return
    for field, value in part.ListFields():
        if field.message_type is not None:
            for inner in value if isinstance(value, list) or hasattr(value, "add") else (value,):
                yield from _tensors(inner)
