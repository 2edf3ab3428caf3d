"""What the plan says about the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tunewright.planfile.checks import at_least, matches

TRAINABLE = r"head|lora|full|auto|layers:[1-9][0-9]{0,2}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Which backbone, what of it trains, and what stands on top.

    Args:
        name: minilm (embedded), a folder, or a hub id.
        train: head (backbone frozen), layers:N (the N topmost layers; what those under them give is computed once and
            kept on disk, in at most the gigabytes of the environment's TUNEWRIGHT_PREFIX_GB, 8 by default), lora, full,
            or auto: full, unless the probe answers all validation rows rightly; where there are 600 of them, or
            `budget.minutes` is set, the top half of the layers is tried before for an epoch, and full is not begun
            where that excludes a gain of half a point or would take too long. What is best on validation is kept.
            With folds and in the trials of a search auto is full.
        max_length: tokens per text, longer texts are cut; auto: from the lengths in the train rows.
        pooling: token vectors to one vector: mean, cls (the first token), max; auto: what the backbone was made with.
        head: linear, mlp (one hidden layer), or auto.
        precision: of the numbers that the backbone computes with, the weights that train being kept in float32 beside
            them: float32, bfloat16, or auto: bfloat16 where this machine is measured to be a tenth faster with it.

    >>> ModelOptions(train="layers:2").name
    'minilm'
    """

    name: str = field(default="minilm", metadata={"check": matches(r"\S(.*\S)?", "a name, a folder or a hub id")})
    train: str = field(
        default="auto", metadata={"check": matches(TRAINABLE, "head, layers:N, lora, full or auto", example="layers:2")}
    )
    max_length: int | Literal["auto"] = field(default="auto", metadata={"check": at_least(8, example=128)})
    pooling: Literal["auto", "mean", "cls", "max"] = "auto"
    head: Literal["auto", "linear", "mlp"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
