"""Gradual unfreezing: how many layers train in an epoch."""

from __future__ import annotations


def free_layers(epoch: int, *, epochs: int, layers: int) -> int:
    """How many layers, counted from the top, train in an epoch beside the head.

    One in the first epoch, at least one more in each later one, and all of them once half of the planned epochs are
    done: where these are fewer than the layers, each epoch frees an even share.

    Args:
        epoch: counted from one.
        epochs: planned.
        layers: that could train, at least one.

    Source: Howard and Ruder 2018, Universal Language Model Fine-tuning, 3.3 (one layer an epoch).

    >>> [free_layers(epoch, epochs=4, layers=7) for epoch in (1, 2, 3, 4)]
    [1, 4, 7, 7]
    >>> [free_layers(epoch, epochs=20, layers=4) for epoch in (1, 2, 3, 4, 5)]
    [1, 2, 3, 4, 4]
    """
    half = epochs // 2
    if epoch > half:
        return layers
    return min(max(epoch, 1 + (layers - 1) * (epoch - 1) // half), layers)
