"""Everything the training loop is told, with every `auto` already decided."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.training.augment import Augmentation
from tunewright.training.options import AveragingKind, Checkpointing, UnfreezeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A fine-tuning recipe.

    Args:
        epochs: passes over the train rows.
        batch_rows: rows per update, at most.
        batch_tokens: padded tokens per update, at most.
        learning_rate: peak for the body.
        head_learning_rate: the head's, relative to the body's.
        layer_decay: each layer's learning rate, relative to that of the one above it; 1: all alike.
        unfreeze: none, or gradual: layers are freed from the top, epoch by epoch.
        averaging: none, epochs or ema: which running mean of the weights is a candidate beside every epoch's own.
        ema_decay: share of the moving average that an update leaves.
        weight_decay: AdamW's, on matrices.
        clip: largest global gradient norm.
        dropout: in the body.
        label_smoothing: share of the target mass spread over all labels.
        early_stopping: epochs without a better metric before it stops.
        augment: how train rows are changed in every epoch, or None.
        keep_last: whether the last epoch is kept, however good it is.
        stop_after: epochs after which it ends and keeps what it has, where that is settled; None goes by the metric.
        parallel: auto | replicated | sharded: what each rank keeps of the optimiser's state, where there are several.
        stop_average: how many of the last epochs' ends are averaged there, any number for `ema`; 0: none, the weights
            are kept as they are.
        seed: of shuffling, dropout and augmentation.
        gradient_checkpointing: on, off, or where nothing fits without it.
    """

    epochs: int
    batch_rows: int
    batch_tokens: int
    learning_rate: float
    head_learning_rate: float = 1.0
    layer_decay: float = 1.0
    unfreeze: UnfreezeKind = "none"
    averaging: AveragingKind = "none"
    ema_decay: float = 0.99
    weight_decay: float = 0.01
    clip: float = 1.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    early_stopping: int = 2
    augment: Augmentation | None = None
    keep_last: bool = False
    stop_after: int | None = None
    parallel: str = "auto"
    stop_average: int = 0
    seed: int = 0
    gradient_checkpointing: Checkpointing = "auto"
