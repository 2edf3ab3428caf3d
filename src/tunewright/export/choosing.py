"""`auto`: which of the formats that passed the gate is the best here, within what the plan allows, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, get_args

from tunewright.errors import ExportError
from tunewright.objective import Limits
from tunewright.records import Tried

Purpose = Literal["throughput", "latency"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
# Below it a difference is noise of a machine that does other things too, and a format that gives nothing up is kept.
FASTER: Final = 1.1


def choose(measured: Sequence[Tried], limits: Limits, purpose: Purpose) -> tuple[Tried, tuple[Tried, ...]]:
    """The chosen format, and all of them with what became of each.

    A format further down the list has to be 1.1 times as fast as the best above it.

    Args:
        measured: every format that was tried, those that give nothing up first; without a speed: it failed.
        limits: of one row's latency, and of the size.
        purpose: many rows at once, or one row at a time.

    Raises:
        ExportError: none is within the limits.

    >>> slow = Tried(format="onnx", state="", why="", rows_per_second=100.0, latency_ms=4.0, size_mb=90.0)
    >>> fast = replace(slow, format="onnx-int8", rows_per_second=250.0, latency_ms=2.0, size_mb=23.0)
    >>> choose([slow, fast], Limits(), "throughput")[0].format
    'onnx-int8'
    """
    judged = [_within(one, limits) if one.rows_per_second is not None else one for one in measured]
    fitting = [one for one in judged if one.state == "slower"]
    if not fitting:
        raise ExportError(
            "A format must answer as the trained model does and be within objective.limits. None is: "
            + " ".join(f"{one.format}: {one.why.rstrip('.')}." for one in judged)
            + " Widen the limits, allow more with --budget, or take a smaller backbone."
        )
    best = fitting[0]
    for one in fitting[1:]:
        if _speed(one, purpose) >= FASTER * _speed(best, purpose):
            best = one
    chosen = replace(best, state="chosen", why=_why(best, fitting, purpose))
    return chosen, tuple(chosen if one is best else one for one in judged)


def _within(one: Tried, limits: Limits) -> Tried:
    """A measured format with its state and the reason: over a limit, or slower than whatever will be chosen."""
    costs = {"latency_ms": one.latency_ms, "size_mb": one.size_mb}
    units = {"latency_ms": ("one row takes", "ms"), "size_mb": ("it has", "MB")}
    over = []
    for name, limit in limits.given().items():
        value = costs[name]
        if value is not None and value > limit:
            over.append(f"{units[name][0]} {value:.3g} {units[name][1]}, the limit is {limit:g}")
    if over:
        return replace(one, state="over a limit", why=" and ".join(over))
    return replace(one, state="slower", why=_told(one))


def _speed(one: Tried, purpose: Purpose) -> float:
    """The more the faster."""
    if purpose == "throughput":
        return one.rows_per_second or 0.0
    return 1.0 / max(one.latency_ms or float("inf"), 1e-9)


def _told(one: Tried) -> str:
    return f"{one.rows_per_second:,.0f} rows a second, {one.latency_ms:.2f} ms for one row, {one.size_mb:.0f} MB"


def _why(best: Tried, fitting: Sequence[Tried], purpose: Purpose) -> str:
    what = "many rows at once" if purpose == "throughput" else "one row at a time"
    others = [one for one in fitting if one is not best]
    if not others:
        return f"{_told(best)}: the only one that answers as the trained model does and is within the limits"
    ratio = _speed(best, purpose) / max(_speed(one, purpose) for one in others)
    if ratio >= 1:
        return f"{_told(best)}: {ratio:.1f} times as fast as the next for {what}, measured on this machine"
    return f"{_told(best)}: others are less than {FASTER:g} times as fast for {what}, and this one gives up less"
