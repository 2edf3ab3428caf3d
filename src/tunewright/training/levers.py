"""Which options of training could change nothing beside others: said before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.training.options import TrainingOptions

SOLVED = "a linear head trains alone: it is the probe, which is solved and has no epochs"


def idle_levers(training: TrainingOptions, *, method: str, head: str) -> Iterator[tuple[str, str]]:
    """(option, why) for unfreezing and averaging where they are asked for and could do nothing.

    Args:
        training: as the plan says.
        method: what trains, as in `model.train`.
        head: linear, mlp or auto.

    >>> list(idle_levers(TrainingOptions(unfreeze="gradual"), method="layers:1", head="linear"))
    [('unfreeze', 'only one layer trains: there is nothing to free later')]
    >>> list(idle_levers(TrainingOptions(unfreeze="gradual", averaging="ema"), method="lora", head="linear"))
    []
    """
    if training.unfreeze != "none":
        if method == "head":
            yield "unfreeze", "only a head trains: there are no layers to free"
        elif method == "layers:1":
            yield "unfreeze", "only one layer trains: there is nothing to free later"
        elif training.epochs == 1:
            yield "unfreeze", "there is one epoch: layers are freed from the second on"
    if training.averaging != "none":
        if method == "head" and head == "linear":
            yield "averaging", SOLVED
        elif training.averaging == "epochs" and training.epochs == 1:
            yield "averaging", "there is one epoch: its mean is itself"


def unfelt(training: TrainingOptions, *, method: str, labels: bool) -> Iterator[str]:
    """Sentences on numbers that change nothing here, and on what would.

    Args:
        training: as the plan says.
        method: what trains.
        labels: whether labels are predicted, and not values.

    >>> list(unfelt(TrainingOptions(label_smoothing=0.1), method="full", labels=False))
    ['training.label_smoothing changes nothing, since values are predicted.']
    """
    if training.layer_decay < 1 and method in ("head", "layers:1"):
        what = "a head" if method == "head" else "one layer"
        yield f"training.layer_decay changes nothing, since only {what} trains."
    if method == "head" and training.dropout not in ("auto", 0):
        yield "training.dropout changes nothing, since only a head trains; training.head_dropout would."
    if training.label_smoothing and not labels:
        yield "training.label_smoothing changes nothing, since values are predicted."
