"""What the model costs, as far as the plan limits it."""

from __future__ import annotations

from tunewright.objective import Limits
from tunewright.records import Efficiency


def limits_of(efficiency: Efficiency, limits: Limits) -> dict[str, float]:
    """Of what was measured, what is limited.

    Args:
        efficiency: what answering costs.
        limits: the plan's.

    Returns:
        latency_ms: median milliseconds for one row, preprocessing included; size_mb: megabytes of weights, words, trees
        and tokenizer; the JSON beside them is some kilobytes.
    """
    measured = {"latency_ms": efficiency.latency_ms["p50"], "size_mb": efficiency.size_mb}
    return {name: measured[name] for name in limits.given()}
