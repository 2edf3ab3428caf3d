"""Whether bfloat16 pays on this machine: asked of the hardware, then measured on the network itself."""

from __future__ import annotations

import os
import time
from typing import Any, Literal

import torch

Precision = Literal["float32", "bfloat16"]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PAYS = 1.1
ROUNDS = 4
CLEAR = 1.3  # a ratio this far from what pays needs no more than two rounds
KERNELS = 64


def pick_device() -> torch.device:
    """The CUDA device where there is one, otherwise the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def keep_few_kernels() -> None:
    """Let oneDNN keep 64 compiled kernels, not 1,024; call it before the first batch of a run.

    Batches come in many shapes, each with some fifteen kernels of its own of up to a megabyte: 200 MB in an epoch of
    short texts, and no measurable speed. What the environment already says, or a process already uses, stays.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))


def measure_precision(model: Any, device: torch.device) -> dict[str, Any]:
    """Time a forward pass of the encoder in both precisions and say which to use.

    bfloat16 must be at least 1.1 times as fast to be chosen. Where the CPU has neither AMX nor AVX512-BF16 it is
    emulated and slower, so it is not even tried.

    Returns:
        {"precision": ..., "why": ...}: plain JSON, journalled by the caller before use.
    """
    if not has_bfloat16(device):
        return _choice(False, "this machine has no bfloat16 instructions")
    if device.type == "cuda":
        return _choice(True, "the GPU computes in bfloat16")
    ids = torch.full((32, 32), 100, dtype=torch.long)
    # Turn by turn, the fastest of each: on a busy machine one precision must not have all the bad moments.
    seconds, ratio = dict.fromkeys(DTYPES, float("inf")), PAYS
    for turn in range(ROUNDS):
        seconds = {name: min(seconds[name], _time(model.to(dtype), ids)) for name, dtype in DTYPES.items()}
        ratio = seconds["float32"] / seconds["bfloat16"]
        if turn and not PAYS / CLEAR < ratio < PAYS * CLEAR:
            break
    model.to(torch.float32)
    return _choice(ratio >= PAYS, f"measured on this CPU: bfloat16 runs {ratio:.1f} times as fast as float32")


def _choice(bfloat16: bool, why: str) -> dict[str, Any]:
    return {"precision": "bfloat16" if bfloat16 else "float32", "why": why}


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device has bfloat16 instructions."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if capabilities:
        return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "amx", "bf16", "sve_bf16"))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _time(model: Any, ids: torch.Tensor) -> float:
    best = float("inf")
    with torch.inference_mode():
        for _ in range(2):
            start = time.perf_counter()
            model(input_ids=ids)
            best = min(best, time.perf_counter() - start)
    return best
