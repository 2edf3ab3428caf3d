"""Look at the machine: what a run would use here, and what is missing."""

from __future__ import annotations

import importlib.util
import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError
from tunewright.runfolder.home import home
from tunewright.version import __version__

LIBRARIES = ("torch", "transformers", "tokenizers", "scikit-learn", "polars", "numpy")
# Of each extra of the package the module that it is for.
EXTRAS = {name: name for name in ("openvino", "mlflow", "tensorboard", "trackio", "ray", "pandas")} | {"s3": "s3fs"}


def examine() -> dict[str, Any]:
    """Examine this machine; plain JSON values.

    Returns:
        `ok` (whether a run can work here), `problems` (sentences), `machine`, `precision`, `libraries`, `model`,
        `cache`, `extras` and `uses`, a sentence on what a run would use.
    """
    model, cache, precision = _model(), _cache(), _precision()
    problems = [
        *([] if model["ok"] else [model["state"]]),
        *([] if cache["writable"] else [f"The cache folder {cache['folder']} must be writable. Set TUNEWRIGHT_HOME."]),
    ]
    machine = _machine()
    where = f"the GPU {machine['cuda']}" if machine["cuda"] else f"{machine['threads']} CPU threads"
    return {
        "ok": not problems,
        "problems": problems,
        "machine": machine,
        "precision": precision,
        "libraries": _libraries(),
        "model": model,
        "cache": cache,
        "extras": {name: _extra(name, module) for name, module in EXTRAS.items()},
        "uses": f"A run here uses {where} in {precision['precision']}, and the embedded model minilm.",
    }


def _machine() -> dict[str, Any]:
    import psutil
    import torch

    memory = psutil.virtual_memory()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count() or 1,
        "logical_cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "memory_gb": round(memory.total / 1e9, 1),
        "memory_free_gb": round(memory.available / 1e9, 1),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _precision() -> dict[str, Any]:
    """What `fit` would decide, measured in the same way, on the embedded model."""
    import torch

    from tunewright.models.backbone import load_folder, locate
    from tunewright.models.precision import has_bfloat16, measure_precision, pick_device

    device = pick_device()
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    bfloat16 = {name: bool(value) for name, value in capabilities.items() if "bf16" in name or "amx" in name}
    try:
        chosen = measure_precision(load_folder(locate("minilm").folder), device)
    except ModelError:
        chosen = {"precision": "float32", "why": "not measured, since there is no model to measure it on"}
    return {**chosen, "bfloat16_instructions": has_bfloat16(device), "capabilities": bfloat16}


def _libraries() -> dict[str, str]:
    return {"tunewright": __version__, **{name: version(name) for name in LIBRARIES}}


def _model() -> dict[str, Any]:
    from tunewright.models.backbone import locate

    try:
        found = locate("minilm")
    except ModelError as problem:
        return {"ok": False, "state": str(problem), "folder": None}
    return {
        "ok": True,
        "state": f"found, {found.parameters:,} weights, digest as published",
        "folder": str(found.folder),
    }


def _cache() -> dict[str, Any]:
    folder = home()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return {
        "folder": str(folder),
        "mb": round(sum(path.stat().st_size for path in files) / 1e6, 1),
        "writable": _writable(folder),
    }


def _writable(folder: Path) -> bool:
    """Whether a file can be made there; where there is no such folder yet, in the nearest one that exists."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _extra(name: str, module: str) -> dict[str, Any]:
    installed = _version(module) if importlib.util.find_spec(module) is not None else None
    return {"version": installed, "install": None if installed else f"pip install {_package(name)}"}


def _version(name: str) -> str:
    """Of what can be imported by that name, which may come in a smaller package than the one called so."""
    for package in (name, f"{name}-skinny"):
        with suppress(PackageNotFoundError):
            return version(package)
    return "unknown"


def _package(name: str) -> str:
    """`'tunewright[name]'` where this release has that extra, else the plain package."""
    try:
        ours = metadata("tunewright").get_all("Provides-Extra") or []
    except PackageNotFoundError:
        ours = []
    return f"'tunewright[{name}]'" if name in ours else name
