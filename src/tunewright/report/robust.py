"""What damage does to a model, as the report shows it."""

from __future__ import annotations

from typing import Any

from tunewright.metrics import in_words
from tunewright.records import Analysis, Robustness
from tunewright.report import charts
from tunewright.report.drawing import Figure

BARS = 15
FLIPS = 3  # answers that are shown of each kind of damage


def figures(found: Robustness) -> dict[str, Figure]:
    """A dot and an interval per damage, the worst on top, filled where a fall is shown; nothing where none acted."""
    lines = [one for one in found.damages if one.fall is not None]
    lines = sorted(lines, key=lambda one: -(one.fall.value if one.fall else 0.0))[:BARS]
    scores = {one.name: one.fall for one in lines if one.fall is not None}
    if not scores:
        return {}
    chart = charts.intervals(scores, metric=found.metric)
    for trace, one in zip(chart["data"], lines, strict=True):
        shown = one.verdict == "falls"
        colour = "--accent" if shown else "--muted"
        trace["marker"] |= {"color": colour, "symbol": "circle" if shown else "circle-open"}
        trace["error_x"]["color"] = colour
    layout = chart["layout"]
    layout["xaxis"]["title"] |= {"text": f"how much worse {in_words(found.metric)} gets"}
    layout["xaxis"] |= {"zeroline": True, "zerolinecolor": "--line"}
    return {"robustness": chart}


def view(found: Robustness, analysis: Analysis) -> dict[str, Any]:
    """Some answers that changed, each with its damaged text where that may be shown."""
    texts = {(one.damage, one.row): one.text for one in analysis.damaged}
    flips = [
        (one.name, flip, texts.get((one.name, flip.row), "")) for one in found.damages for flip in one.flips[:FLIPS]
    ]
    return {"flips": flips, "flips_sure": any(flip.confidence is not None for _, flip, _ in flips)}
