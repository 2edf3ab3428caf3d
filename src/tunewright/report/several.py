"""Several runs on one page: a table, intervals, learning curves on one chart, what differs between their plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.metrics import in_words
from tunewright.records import Compared, Contrast, RunLine
from tunewright.report import charts, drawing, words
from tunewright.report.drawing import Figure

COLOURS = ("--accent", "--ink", "--muted")
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralPage:
    """What the page shows: a name for its title, and the runs."""

    run: str
    found: Contrast


def render_several(found: Contrast) -> str:
    """Render several runs as one self-contained HTML file that opens offline and makes no request."""
    from tunewright.report.page import render_page

    page = SeveralPage(run=" · ".join(one.name for one in found.runs), found=found)
    return render_page("several.html", page, view(found), {})


def view(found: Contrast) -> dict[str, Any]:
    """Charts, and each run beside its comparison with the first."""
    compared = {one.name: one for one in found.paired}
    return {
        "figures": figures(found),
        "rows": [(line, compared.get(line.name)) for line in found.runs],
        "same_data": len({line.data for line in found.runs}) == 1,
    }


def figures(found: Contrast) -> dict[str, Figure]:
    """Scores on each run's own test rows, paired differences from the first, curves of those that were trained."""
    made: dict[str, Figure] = {}
    scores = {line.name: line.score for line in found.runs if line.score is not None}
    if scores:
        made["scores"] = charts.intervals(scores, metric=found.metric)
    compared = {one.name: one.compared for one in found.paired if one.compared is not None}
    if compared:
        made["differences"] = _differences(compared, found)
    curves = [line for line in found.runs if line.metric == found.metric and _trained(line)]
    if curves:
        made["curves"] = _curves(curves, found.metric)
    return made


def _differences(compared: Mapping[str, Compared], found: Contrast) -> Figure:
    """A dot and an interval per run, filled where it is better or worse than the first."""
    chart = charts.intervals({name: one.difference for name, one in compared.items()}, metric=found.metric)
    for trace, one in zip(chart["data"], compared.values(), strict=True):
        colour, symbol = ("--muted", "circle-open") if one.verdict == "no evidence" else ("--accent", "circle")
        trace["marker"] |= {"color": colour, "symbol": symbol}
        trace["error_x"]["color"] = colour
    axis = chart["layout"]["xaxis"]
    axis["title"] |= {"text": f"{in_words(found.metric)}, difference from {_cut(found.runs[0].name)}"}
    chart["layout"]["xaxis"] = axis | {"zeroline": True, "zerolinecolor": "--line"}
    return chart


def _curves(lines: list[RunLine], metric: str) -> Figure:
    """The metric on validation rows by epoch, a line per run."""
    data = []
    for place, line in enumerate(lines):
        colour = COLOURS[place % len(COLOURS)]
        curve = drawing.curve(
            [epoch.epoch for epoch in line.history],
            [epoch.metric for epoch in line.history],
            name=words.cut(line.name, drawing.LABEL),
            colour=colour,
        )
        curve["line"]["dash"] = DASHES[place // len(COLOURS) % len(DASHES)]
        data.append(curve)
    layout = drawing.layout(height=380, x="epoch", y=f"{in_words(metric)}, validation part")
    return {"data": data, "layout": layout | {"showlegend": True, "margin": layout["margin"] | {"t": 60}}}


def _trained(line: RunLine) -> bool:
    return any(epoch.epoch > 0 for epoch in line.history)


def _cut(name: str) -> str:
    return drawing.text(words.cut(name, drawing.LABEL))
