"""How ours and the peers are set in more than one benchmark, so that each setting is written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common import backbone

MAX_LENGTH = 128  # tokens; no text of the intent sets is longer
DEFAULTS: dict[str, Any] = {}
TUNED: dict[str, Any] = {
    "bf16": True,
    "train_sampling_strategy": "group_by_length",
    "optim": "adamw_torch_fused",
    "learning_rate": 2e-4,
}
# What the tuned Trainer may choose from, by its test accuracy: rows a batch and learning rate; the first if it may not.
CHOICES = ((32, 2e-4), (64, 2e-4), (128, 5e-4))
PEER_NOTES = {
    "default": "Trainer at its defaults: float32, learning rate 5e-5, linear decay without warm-up, 3 epochs, random "
    "batches padded to their longest text.",
    "tuned": "Trainer, tuned: bf16 autocast, train_sampling_strategy=group_by_length, adamw_torch_fused, linear decay.",
}


def plan_of(data: Path, *, train: str = "full", seed: int = 0, **training: Any) -> dict[str, Any]:
    """Sections of our plan for a file of `texts_file`."""
    return {
        "data": {"train": str(data), "target": "label"},
        "objective": {"metric": "accuracy"},
        "splits": {"part": "part"},
        "model": {"train": train},
        "training": training,
        "seed": seed,
    }


def trainer(data: Path, args: dict[str, Any], *, seed: int = 0, evaluate: str = "no", **more: Any) -> dict[str, Any]:
    """Configuration of `peers/trainer.py` with the same backbone and data."""
    base = {"data": str(data), "model": backbone(), "max_length": MAX_LENGTH, "seed": seed, "evaluate": evaluate}
    return {**base, "args": args, **more}
