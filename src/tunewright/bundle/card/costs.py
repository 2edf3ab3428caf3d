"""What a model costs to use, and what making it took."""

from __future__ import annotations

from tunewright.bundle.card.markdown import prose, table
from tunewright.records import Efficiency, Evidence


def costs(evidence: Evidence) -> list[str]:
    """Efficiency, time and energy."""
    lines = _using(evidence.efficiency) if evidence.efficiency is not None else []
    stations = {name: seconds for name, seconds in evidence.seconds.items() if name != "total"}
    if stations:
        parts = ", ".join(f"{prose(name)} {seconds:.3g} s" for name, seconds in stations.items())
        lines += ["", f"Making it took {sum(stations.values()):.3g} s ({parts})."]
    if evidence.energy is not None:
        lines += ["", f"Energy: {prose(evidence.energy.text)}"]
    return lines


def _using(one: Efficiency) -> list[str]:
    peak = "not known" if one.process_peak_mb is None else f"{one.process_peak_mb:,.0f} MB"
    return table(
        [f"measured on {prose(one.machine)}, {one.precision}", ""],
        [
            ["one row, median of " + str(one.rounds), f"{one.latency_ms['p50']:.3g} ms"],
            ["one row, 95th percentile", f"{one.latency_ms['p95']:.3g} ms"],
            [f"{one.batch_rows:,} rows at once", f"{one.rows_per_second:,.0f} rows/s"],
            ["memory of the model while answering them", f"{one.memory_mb:,.0f} MB"],
            ["most memory of the process that made it", peak],
            ["size of the bundle", f"{one.size_mb:,.1f} MB"],
        ],
    )
