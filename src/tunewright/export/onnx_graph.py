"""A torch network as one ONNX file: encoder, pooling, joined features and head, with free batch and length."""

from __future__ import annotations

import copy
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from tunewright.errors import ExportError
from tunewright.models.engine import TorchEngine
from tunewright.models.feeds import FEATURES, OUTPUTS, feed_names
from tunewright.models.names import show

if TYPE_CHECKING:
    from torch import Tensor

    from tunewright.bundle.model import FittedModel

OPSET: Final = 18  # the lowest that torch's exporter writes without converting: the most runtimes read it
# Rows and tokens of the example that is traced: no two sizes are equal, none is 0 or 1, which would become constants.
_ROWS, _TOKENS = 3, (7, 5)


def write_graph(model: FittedModel, path: Path, *, opset: int = OPSET) -> None:
    """Write the model's network in float32; what stands beside it (words, trees) is no part of the graph.

    Raises:
        ExportError: torch or ONNX cannot express this network.
    """
    try:
        data = _graph(model, opset)
    except Exception as problem:  # torch.export, onnxscript and onnx each have their own, and none is documented
        said = (str(problem).splitlines() or [""])[0]
        raise ExportError(
            f"A network must be expressible in ONNX. {model.backbone or 'This table model'} is not: "
            f"{type(problem).__name__}: {show(said)}. "
            "Export to safetensors-merged or torch-bf16, which any backbone can."
        ) from problem
    path.write_bytes(data)


def _graph(model: FittedModel, opset: int) -> bytes:
    """The graph as a file holds it; the last one is kept: several formats begin with it, and tracing takes long."""
    assert isinstance(model.engine, TorchEngine)
    held = _LAST.get(model.engine)
    if held is None or held[0] != opset:
        _LAST.clear()
        held = _LAST[model.engine] = (opset, _trace(model, opset))
    return held[1]


def forget_graphs() -> None:
    """Give back the memory of the graph that is kept."""
    _LAST.clear()


# By the engine itself, which goes with its network: no longer wanted, the graph goes too.
_LAST: Final[WeakKeyDictionary[TorchEngine, tuple[int, bytes]]] = WeakKeyDictionary()


def _trace(model: FittedModel, opset: int) -> bytes:
    import onnx
    import torch

    example, network = _example(model), _flat(model)
    with torch.no_grad(), quiet():
        program = torch.onnx.export(
            network,
            kwargs=example,
            input_names=list(example),
            output_names=[OUTPUTS],
            dynamic_shapes={name: _axes(name) for name in example},
            opset_version=opset,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    _strip(graph)
    onnx.checker.check_model(graph)
    return bytes(graph.SerializeToString())


def write_folded_graph(model: FittedModel, path: Path, *, opset: int = OPSET) -> None:
    """The same with its constants folded, as quantizers want it: a weight transposed at run time would stay as it is.

    Raises:
        ExportError: torch or ONNX cannot express this network.
    """
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as scratch:
        write_graph(model, Path(scratch, "full.onnx"), opset=opset)
        with quiet():
            quant_pre_process(Path(scratch, "full.onnx"), path, skip_symbolic_shape=True)
    graph = onnx.load_model(path)
    del graph.graph.value_info[:]  # shapes that quantizers turn round and then trip over
    onnx.save_model(graph, path)


def head_nodes(path: Path) -> list[str]:
    """Names of the head's products, also as the quantizer will call them: they are few, and answers hang on them."""
    import onnx

    names = [node.name for node in onnx.load_model(path).graph.node if node.op_type == "Gemm"]
    return [*names, *(f"{name}_MatMul" for name in names)]


@contextmanager
def refused_as(model: FittedModel, instead: str) -> Iterator[None]:
    """What a quantizer stumbles over, as the error that it is.

    Raises:
        ExportError: anything went wrong inside.
    """
    try:
        with quiet():
            yield
    except ExportError:
        raise
    except Exception as problem:  # quantizers and runtimes raise whatever it is, down to plain Exception
        said = (str(problem).splitlines() or [""])[0]
        raise ExportError(
            f"A network must be quantizable. {model.backbone or 'This table model'} is not: {type(problem).__name__}: "
            f"{show(said)}. Export to {instead}."
        ) from problem


def _flat(model: FittedModel) -> Any:
    """A copy of the network in float32, on the CPU."""
    from tunewright.models.graph import FlatNetwork

    return FlatNetwork(copy.deepcopy(model.network).float().cpu()).eval()


def _example(model: FittedModel) -> dict[str, Tensor]:
    """Arrays of the right kinds and of sizes that tell the axes apart, by their names and in the graph's order."""
    import torch

    from tunewright.models.network import joined_width

    segments = len(model.preprocessor.texts)
    encoder = model.network.encoder
    inside = joined_width(encoder.model.config.hidden_size, segments) if encoder is not None else 0
    width = model.network.head.linear.in_features - inside
    made = {}
    for name in feed_names(segments, width):
        if name == FEATURES:
            made[name] = torch.zeros(_ROWS, width)
        else:
            made[name] = torch.ones(_ROWS, _TOKENS[name.endswith("_2")], dtype=torch.int64)
    return made


def _axes(name: str) -> dict[int, str]:
    if name == FEATURES:
        return {0: "rows"}
    return {0: "rows", 1: "tokens_2" if name.endswith("_2") else "tokens"}


def _strip(graph: Any) -> None:
    """Take out where in the source every operator came from: it names folders of this machine."""
    del graph.metadata_props[:]
    parts = [graph.graph, *graph.functions]
    for part in parts:
        part.doc_string = ""
        del part.metadata_props[:]
        for node in part.node:
            node.doc_string = ""
            del node.metadata_props[:]
        del part.value_info[:]
        values = [*part.input, *part.output, *part.initializer] if part is graph.graph else []
        for value in values:
            value.doc_string = ""
            del value.metadata_props[:]


@contextmanager
def quiet() -> Iterator[None]:
    """The exporter's notes are for its authors: deprecations within itself, rewrites that it counts."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels):
            one.setLevel(level)
