"""What all charts are drawn with: lines, axes, labels that stay text."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from tunewright.report import words

Figure = dict[str, Any]
LABEL = 28  # characters of an axis label


def curve(x: Sequence[float], y: Sequence[float], *, name: str, colour: str) -> Figure:
    """A line with a mark at every point."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": text(name),
        "x": list(x),
        "y": [finite(value) for value in y],
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 7},
        "hovertemplate": "%{y:.4g}",
    }


def layout(*, height: int, x: str, y: str) -> Figure:
    """What all charts share: no frame, the page's colours and letters, titles of both axes."""
    axis = {"gridcolor": "--line", "zeroline": False, "linecolor": "--line", "automargin": True, "fixedrange": True}
    title = {"standoff": 10, "font": {"size": 13, "color": "--muted"}}
    return {
        "height": height,
        "autosize": True,
        "margin": {"l": 56, "r": 16, "t": 20, "b": 52},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "--ink", "size": 13, "family": "system-ui, -apple-system, Segoe UI, sans-serif"},
        "hoverlabel": {"bgcolor": "--ground", "bordercolor": "--line", "font": {"color": "--ink"}},
        "hovermode": "closest",
        "legend": {"orientation": "h", "x": 0, "y": 1.1, "yanchor": "bottom"},
        "xaxis": axis | {"title": title | {"text": text(x)}},
        "yaxis": axis | {"title": title | {"text": text(y)}},
    }


def ticks(labels: Sequence[str]) -> Figure:
    """Names at whole numbers of an axis."""
    texts = [text(words.cut(label, LABEL)) for label in labels]
    return {"tickmode": "array", "tickvals": list(range(len(labels))), "ticktext": texts}


def text(label: str) -> str:
    """A label that stays text: plotly reads a small HTML in it (b, br, a href)."""
    return html.escape(words.visible(label), quote=False)


def finite(value: float) -> float | None:
    """The value, or nothing where it cannot be drawn."""
    return value if math.isfinite(value) else None
