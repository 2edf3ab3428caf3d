"""Which engine a bundle is made for, and opening it: one line per engine in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tunewright.errors import ModelError
from tunewright.models.engine import Engine, TorchEngine
from tunewright.models.feeds import feed_names
from tunewright.models.names import show
from tunewright.models.safety import check_model_folder
from tunewright.models.weights import check_finite, check_safetensors

if TYPE_CHECKING:
    from tunewright.models.heads import Head
    from tunewright.models.network import Network

HEAD: Final = "head.safetensors"
ONNX: Final = "model.onnx"
OPENVINO: Final = ("openvino_model.xml", "openvino_model.bin")


def open_engine(folder: Path, about: Mapping[str, Any]) -> tuple[Engine, str]:
    """The engine of a bundle whose files were held to their digests, and the precision that it computes in.

    Raises:
        ModelError: an engine that does not exist, or files that are hostile or do not fit together.
        MissingExtra: the engine's library is not installed.
    """
    kind = about.get("engine", TorchEngine.kind)  # a run's own bundle does not name it
    if kind not in ENGINES:
        raise ModelError(
            f"A bundle must be for one of the engines {', '.join(ENGINES)}. {folder} is for {show(str(kind))}. "
            "Use the release that wrote it, or a newer one."
        )
    return ENGINES[kind](folder, about)


def _torch(folder: Path, about: Mapping[str, Any]) -> tuple[Engine, str]:
    from tunewright.models.precision import DTYPES, pick_device

    device = pick_device()
    precision = _usable(about["precision"], device)
    network = _network(folder, about)
    if network.encoder is not None:
        network.encoder.to(DTYPES[precision])
    return TorchEngine(network.to(device).eval(), device), precision


def _onnx(folder: Path, about: Mapping[str, Any]) -> tuple[Engine, str]:
    from tunewright.models.onnx_engine import open_onnx

    return open_onnx(folder / ONNX, inputs=_inputs(about)), str(about["precision"])


def _openvino(folder: Path, about: Mapping[str, Any]) -> tuple[Engine, str]:
    from tunewright.models.openvino_engine import open_openvino

    graph, weights = (folder / name for name in OPENVINO)
    return open_openvino(graph, weights, inputs=_inputs(about)), str(about["precision"])


def _inputs(about: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the arrays that the bundle's preprocessing makes."""
    preprocessing = about["preprocessing"]
    return feed_names(len(preprocessing["texts"]), len(preprocessing["features"]))


ENGINES: Final[Mapping[str, Callable[[Path, Mapping[str, Any]], tuple[Engine, str]]]] = {
    "torch": _torch,
    "onnx": _onnx,
    "openvino": _openvino,
}


def _network(folder: Path, about: Mapping[str, Any]) -> Network:
    from tunewright.models.backbone import load_folder
    from tunewright.models.encoder import Encoder
    from tunewright.models.network import Network

    head = _head(folder, about["head"]["kind"])
    encoder = None
    if about["backbone"]:
        check_model_folder(folder)
        check_safetensors(folder / "model.safetensors")
        check_finite(folder / "model.safetensors")
        encoder = Encoder(load_folder(folder), about["pooling"])
    return Network(encoder, head)


def _head(folder: Path, kind: str) -> Head:
    """The head; its size comes from the checked tensors, so that no number in a text file can ask for memory."""
    from safetensors.torch import load_file

    from tunewright.models.heads import make_head

    outputs, inputs = check_safetensors(folder / HEAD)["linear.weight"].shape
    check_finite(folder / HEAD)
    head = make_head(kind, inputs=inputs, outputs=outputs, dropout=0.0)
    head.load_state_dict(load_file(folder / HEAD))
    return head


def _usable(precision: str, device: Any) -> str:
    """The precision the model was judged in, where this machine has it; float32 elsewhere."""
    from tunewright.models.precision import has_bfloat16

    return precision if precision == "float32" or has_bfloat16(device) else "float32"
