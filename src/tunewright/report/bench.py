"""The page of `bench`: what a server did at rising rates."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from tunewright.report import drawing
from tunewright.report.drawing import Figure
from tunewright.report.page import render_page


def render_bench(name: str, found: Mapping[str, Any]) -> str:
    """Render a measurement as one self-contained HTML file.

    Args:
        name: of the bundle.
        found: what `bench --json` prints.
    """
    figures = {"goodput": goodput_curve(found), "latency": latency_curve(found)}
    return render_page("bench.html", SimpleNamespace(run=name, found=found), {"figures": figures}, {})


def goodput_curve(found: Mapping[str, Any]) -> Figure:
    """Requests answered within the limit, and refused, by requests offered."""
    levels = found["levels"]
    rates = [one["rate"] for one in levels]
    good = drawing.curve(rates, [one["goodput"] for one in levels], name="answered in time", colour="--accent")
    refused = drawing.curve(rates, [one["refused"] for one in levels], name="refused at once", colour="--muted")
    refused["line"]["dash"] = "dot"
    return {
        "data": [good, refused],
        "layout": drawing.layout(height=320, x="requests offered per second", y="per second"),
    }


def latency_curve(found: Mapping[str, Any]) -> Figure:
    """Quantiles of the time of an answered request, by requests offered."""
    levels, data = found["levels"], []
    rates = [one["rate"] for one in levels]
    for name, colour, dash in (("p50", "--accent", "solid"), ("p95", "--accent", "dash"), ("p99", "--muted", "solid")):
        line = drawing.curve(rates, [one[name] for one in levels], name=name, colour=colour)
        line["line"]["dash"] = dash
        data.append(line)
    layout = drawing.layout(height=320, x="requests offered per second", y="ms, from when it was due")
    limit = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": found["limit_ms"], "y1": found["limit_ms"]}
    layout["shapes"] = [limit | {"line": {"color": "--muted", "width": 1, "dash": "dash"}}]
    return {"data": data, "layout": layout}
