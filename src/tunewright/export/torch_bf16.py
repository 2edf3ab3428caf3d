"""`torch-bf16`: the same network, its encoder's weights in 16 bits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tunewright.bundle.engines import HEAD
from tunewright.export.base import ROUNDED, Budget, Source, Written
from tunewright.runfolder import write_arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchBf16:
    """The torch network with its encoder in bfloat16: half the size, and faster where the hardware has the format.

    Where it has not, the rounded weights are computed with in float32, which loses no time and gains none.

    Args:
        budget: what it may give up.
    """

    kind: ClassVar[str] = "torch-bf16"
    what: ClassVar[str] = "torch network with its encoder in bfloat16, in the layout of transformers"
    budget: Budget = ROUNDED

    def write(self, folder: Path, source: Source) -> Written:
        """Write `model.safetensors` and `head.safetensors`."""
        import torch
        from safetensors.torch import save_file

        network = source.model.network
        write_arrays(folder / HEAD, float_arrays(network.head))
        if network.encoder is not None:
            half = {
                name: value.detach().cpu().to(torch.bfloat16 if value.is_floating_point() else value.dtype).contiguous()
                for name, value in network.encoder.model.state_dict().items()
            }
            save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
        return Written(about={"engine": "torch", "precision": "bfloat16"}, skipped=("model.safetensors", HEAD))


def float_arrays(module: Any) -> dict[str, Any]:
    """Every tensor of a module in float32."""
    return {name: value.detach().float().cpu().numpy() for name, value in module.state_dict().items()}
