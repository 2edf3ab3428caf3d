"""What the plan says about training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tunewright.planfile.checks import above, at_least, between

Parallel = Literal["auto", "replicated", "sharded"]
Checkpointing = bool | Literal["auto"]
AugmentKind = Literal["auto", "none", "token_dropout", "word_swap", "mixup"]
UnfreezeKind = Literal["none", "gradual"]
AveragingKind = Literal["none", "epochs", "ema"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How the weights are moved.

    Args:
        epochs: passes over the train rows, at most; auto: 4 where the backbone trains, 60 where only a head does.
        probe_C: inverse strength of the probe's penalty, scikit-learn's C for rows of unit length (values: one over the
            ridge penalty per row); auto: chosen on validation.
        batch_tokens: padded tokens per update; auto: from the data.
        learning_rate: the peak, after the warm-up; auto: from what trains.
        layer_decay: each layer below the top one learns at so many times the rate of the one above it, 0 < x <= 1; the
            head and the top layer learn at `learning_rate`.
        unfreeze: none; gradual: the first epoch trains the head and the top layer, each later one at least one layer
            more, and from the middle of the planned epochs on all of them train.
        averaging: none; epochs: the mean of the weights at the ends of epochs, begun anew by an epoch that beats it;
            ema: their exponential moving average over updates. The average is kept where validation rows find it better
            than every epoch's own weights; it never changes what is trained.
        ema_decay: share of the moving average that an update leaves, 0 < x < 1; auto: it looks back half an epoch.
        weight_decay: AdamW's, per unit of learning rate, on matrices only.
        dropout: share of activations dropped inside the backbone, 0 <= x < 1; auto: none, the probe start and early
            stopping regularise.
        head_dropout: share of the head's inputs dropped, 0 <= x < 1.
        label_smoothing: share of the target mass spread over all labels, 0 <= x < 1.
        early_stopping: epochs without a better validation metric before training stops; 0: never stops early.
        parallel: under `torchrun`, what each process keeps: all of the optimiser's state (replicated) or that of its
            part of the weights (sharded); auto: sharded where whole states would take a quarter of the free memory.
        gradient_checkpointing: whether the backbone's blocks are computed again for the backward pass, which takes a
            third more time and a fraction of the memory; auto: where not even one row has room without it.

    >>> TrainingOptions(epochs=2).learning_rate
    'auto'
    """

    epochs: int | Literal["auto"] = field(default="auto", metadata={"check": at_least(1, example=4)})
    probe_C: float | Literal["auto"] = field(default="auto", metadata={"check": above(0, example=10)})
    batch_tokens: int | Literal["auto"] = field(default="auto", metadata={"check": at_least(1, example=4096)})
    learning_rate: float | Literal["auto"] = field(default="auto", metadata={"check": above(0, example=2e-4)})
    layer_decay: float = field(default=1.0, metadata={"check": between(0, 1, ends="(]")})
    unfreeze: UnfreezeKind = "none"
    averaging: AveragingKind = "none"
    ema_decay: float | Literal["auto"] = field(
        default="auto", metadata={"check": between(0, 1, ends="()", example=0.99)}
    )
    weight_decay: float = field(default=0.01, metadata={"check": at_least(0)})
    dropout: float | Literal["auto"] = field(default="auto", metadata={"check": between(0, 1, ends="[)", example=0.1)})
    head_dropout: float = field(default=0.1, metadata={"check": between(0, 1, ends="[)")})
    label_smoothing: float = field(default=0.0, metadata={"check": between(0, 1, ends="[)")})
    early_stopping: int = field(default=2, metadata={"check": at_least(0)})
    parallel: Parallel = "auto"
    gradient_checkpointing: Checkpointing = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentOptions:
    """How train rows are changed anew in every epoch; the plan may give the kind alone, as in `augment: word_swap`.

    Args:
        kind: auto: nothing, unless the audit tried it and showed a gain (`audit.apply: verified`); none: nothing, and
            nothing is tried; token_dropout: tokens of the train texts are left out; word_swap: words are replaced by
            words of the train texts; mixup: the vectors of two rows are mixed, and their losses.
        strength: share of tokens or words, 0 < x < 1; mixup: both parameters of the Beta distribution that the
            mixing weights come from, x > 0; auto: 0.1, mixup 0.2.

    >>> AugmentOptions(kind="mixup").strength
    'auto'
    """

    kind: AugmentKind = field(default="auto", metadata={"alone": True})
    strength: float | Literal["auto"] = field(default="auto", metadata={"check": above(0, example=0.1)})
