"""Robustness and efficiency as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewright.cli.text import LONGEST, table
from tunewright.records import Efficiency, Robustness, from_json
from tunewright.report import words


def robustness_lines(found: Mapping[str, Any] | None) -> list[str]:
    """What damage does to the metric, the worst first; `found` is a `Robustness` as JSON, or None.

    >>> robustness_lines(None)
    []
    """
    if found is None:
        return []
    one = from_json(Robustness, found)
    rows: list[tuple[str, ...]] = [("damage", "rows changed", "metric worse by", "other answers", "")]
    for line in sorted(one.damages, key=lambda line: -(line.fall.value if line.fall else 0.0)):
        fall = f"{words.value(line.fall)} ({words.interval(line.fall)})" if line.fall else "–"
        flipped = "–" if line.flipped is None else words.share(round(line.flipped.value * line.changed), line.changed)
        rows.append((line.name, words.count(line.changed), fall, flipped, line.verdict))
    return ["", words.visible(one.text), "", table(rows)]


def robustness_line(found: Mapping[str, Any] | None) -> list[str]:
    """The same in a sentence."""
    return [] if found is None else ["", f"damaged rows  {words.cut(found['text'], 2 * LONGEST)}"]


def efficiency_line(found: Mapping[str, Any] | None) -> list[str]:
    """What answering costs in a sentence; `found` is an `Efficiency` as JSON, or None."""
    if found is None:
        return []
    one = from_json(Efficiency, found)
    return [
        f"cost  one row {one.latency_ms['p50']:.3g} ms (95 %: up to {one.latency_ms['p95']:.3g} ms), "
        f"{one.rows_per_second:,.0f} rows/s, {one.memory_mb:,.0f} MB of memory, bundle {one.size_mb:,.1f} MB "
        f"({words.cut(one.machine, LONGEST)})"
    ]
