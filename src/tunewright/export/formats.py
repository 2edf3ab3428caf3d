"""The table of export formats."""

from __future__ import annotations

from typing import Final

from tunewright.data.names import suggest
from tunewright.errors import PlanError
from tunewright.export.base import Format
from tunewright.export.onnx import Onnx
from tunewright.export.onnx_int8 import OnnxInt8
from tunewright.export.openvino_int8 import OpenvinoInt8
from tunewright.export.safetensors_merged import SafetensorsMerged
from tunewright.export.small import Small
from tunewright.export.torch_bf16 import TorchBf16

# In the order in which `auto` prefers what is equally fast; it leaves out `small`, which is another network.
FORMATS: Final[tuple[Format, ...]] = (Onnx(), SafetensorsMerged(), TorchBf16(), OnnxInt8(), OpenvinoInt8(), Small())
TRIED: Final = tuple(one for one in FORMATS if one.kind != Small.kind)
AUTO: Final = "auto"


def format_of(kind: str) -> Format:
    """The format of that name.

    Raises:
        PlanError: there is none.

    >>> format_of("onnx").kind
    'onnx'
    """
    by_kind = {one.kind: one for one in FORMATS}
    if kind not in by_kind:
        names = [*by_kind, AUTO]
        raise PlanError(f"A format must be one of {', '.join(names)}. Got {kind!r}.{suggest(kind, names)}")
    return by_kind[kind]
