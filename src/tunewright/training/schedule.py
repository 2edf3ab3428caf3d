"""Learning-rate schedule: linear warm-up, then linear decay to a tenth."""

from __future__ import annotations

WARMUP = 0.06
FLOOR = 0.1


def schedule(step: int, total: int) -> float:
    """Share of the peak learning rate at a step, counted from zero.

    Args:
        step: update about to be made.
        total: updates planned; beyond them the floor holds, since epochs differ by a batch or two.

    >>> [round(schedule(step, 100), 2) for step in (0, 5, 6, 99)]
    [0.17, 1.0, 1.0, 0.11]
    """
    warmup = max(round(total * WARMUP), 1)
    if step < warmup:
        return (step + 1) / warmup
    return FLOOR + (1 - FLOOR) * max(total - step, 0) / max(total - warmup, 1)
