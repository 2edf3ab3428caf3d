"""The report's charts as plotly figures in plain JSON: one function per chart, one palette, text never taken as markup.

Colours are the names of the page's CSS variables (`--accent`); the page's script puts in their values, so that charts
follow light, dark and print. Labels sit on numeric axes as tick texts: two long labels that are cut alike stay two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import wrap

from tunewright.metrics import in_words
from tunewright.metrics import metric as metric_of
from tunewright.records import Epoch, LearningCurve, Score
from tunewright.report import drawing, words
from tunewright.report.drawing import LABEL, Figure

POINTS = 3000  # SVG stays fluid up to about so many
CELLS = 14  # up to so many classes a heatmap writes its counts


def learning_curve(history: Sequence[Epoch], *, best: int) -> Figure:
    """Train and validation loss by epoch, with the best epoch marked."""
    epochs = [e.epoch for e in history]
    train = drawing.curve(epochs, [e.train_loss for e in history], name="train", colour="--muted")
    train["line"]["dash"] = "dot"
    validation = drawing.curve(epochs, [e.validation_loss for e in history], name="validation", colour="--accent")
    layout = drawing.layout(height=300, x="epoch", y="loss")
    return {"data": [train, validation], "layout": layout | _epoch_axis(layout, epochs, best)}


def metric_curve(history: Sequence[Epoch], *, best: int, metric: str) -> Figure:
    """The objective metric by epoch on validation and on sampled train rows, with the best epoch marked."""
    epochs = [e.epoch for e in history]
    line = drawing.curve(epochs, [e.metric for e in history], name="validation", colour="--accent")
    seen = [e for e in history if e.train_metric is not None]
    layout = drawing.layout(height=300, x="epoch", y=in_words(metric))
    if not seen:
        return {"data": [line], "layout": layout | {"showlegend": False} | _epoch_axis(layout, epochs, best)}
    values = [e.train_metric for e in seen if e.train_metric is not None]
    train = drawing.curve([e.epoch for e in seen], values, name="train sample", colour="--muted")
    train["line"]["dash"] = "dot"
    return {"data": [train, line], "layout": layout | _epoch_axis(layout, epochs, best)}


def rows_curve(curve: LearningCurve) -> Figure:
    """The probe's score by the rows it learned from, and where a power law puts it with more."""
    gain = curve.gain if metric_of(curve.metric).greater_is_better else _negative(curve.gain)
    last = curve.scores[-1]
    then = Score(value=last.value + gain.value, low=last.value + gain.low, high=last.value + gain.high, n=last.n)
    measured = drawing.curve(curve.rows, [one.value for one in curve.scores], name="measured", colour="--accent")
    beyond = drawing.curve([curve.rows[-1] + curve.extra], [then.value], name="by the power law", colour="--muted")
    beyond["marker"]["symbol"] = "circle-open"
    for line, scores in ((measured, curve.scores), (beyond, (then,))):
        line["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [drawing.finite(one.high - one.value) for one in scores],
            "arrayminus": [drawing.finite(one.value - one.low) for one in scores],
            "color": line["line"]["color"],
            "thickness": 1,
            "width": 4,
        }
    layout = drawing.layout(height=300, x="train rows", y=f"{in_words(curve.metric)}, probe")
    return {"data": [measured, beyond], "layout": layout}


def intervals(scores: Mapping[str, Score], *, metric: str) -> Figure:
    """A dot and a 95 % interval per name, the first (ours) on top and in the accent colour."""
    names = list(scores)
    data = []
    for place, (name, score) in enumerate(scores.items()):
        colour = "--accent" if place == 0 else "--muted"
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [drawing.finite(score.value)],
                "y": [place],
                "marker": {"color": colour, "size": 12, "symbol": "circle" if place == 0 else "circle-open"},
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [drawing.finite(score.high - score.value)],
                    "arrayminus": [drawing.finite(score.value - score.low)],
                    "color": colour,
                    "thickness": 2,
                    "width": 5,
                },
                "text": [f"{drawing.text(name)}: {words.value(score)} ({words.interval(score)})"],
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    layout = drawing.layout(height=90 + 44 * len(names), x=in_words(metric), y="")
    layout["yaxis"] |= drawing.ticks(names) | {"range": [len(names) - 0.5, -0.5], "showgrid": False}
    # Two short lines leave a narrow screen more room for the chart than one long line.
    layout["yaxis"]["ticktext"] = ["<br>".join(map(drawing.text, wrap(words.cut(name, LABEL), 18))) for name in names]
    return {"data": data, "layout": layout | {"showlegend": False}}


def confusion(labels: Sequence[str], matrix: Sequence[Sequence[int]], *, totals: Sequence[int]) -> Figure:
    """A confusion matrix as a heatmap (rows: truth), coloured by the share of the true class.

    Args:
        labels: class names, one per row and column.
        matrix: counts.
        totals: all rows of each true class, also those predicted as a class that is not drawn.
    """
    shares = [[n / total if total else 0.0 for n in row] for row, total in zip(matrix, totals, strict=True)]
    hover = [
        [
            f"true {drawing.text(labels[i])}<br>predicted {drawing.text(labels[j])}<br>{n:,} of {totals[i]:,}"
            for j, n in enumerate(row)
        ]
        for i, row in enumerate(matrix)
    ]
    heat = {
        "type": "heatmap",
        "z": shares,
        "zmin": 0,
        "zmax": 1,
        # Steep at the bottom: a class that loses 5 % of its rows to another has to be seen.
        "colorscale": [[0, "--heat-0"], [0.001, "--heat-1"], [0.1, "--heat-2"], [0.4, "--heat-3"], [1, "--heat-4"]],
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    size = 34 if len(labels) <= CELLS else 24
    layout = drawing.layout(height=max(260, 150 + size * len(labels)), x="predicted", y="true")
    layout["xaxis"] |= drawing.ticks(labels) | {"showgrid": False, "tickangle": -45 if len(labels) > 3 else 0}
    layout["yaxis"] |= drawing.ticks(labels) | {"showgrid": False, "range": [len(labels) - 0.5, -0.5]}
    if len(labels) <= CELLS:
        layout["annotations"] = _counts(matrix, shares)
    return {"data": [heat], "layout": layout}


def scatter(points: Sequence[tuple[float, float]], *, target: str) -> Figure:
    """Predicted against true values with the diagonal; evenly thinned to `POINTS` where there are more."""
    kept = [(t, p) for t, p in points if math.isfinite(t) and math.isfinite(p)]
    kept = kept[:: math.ceil(len(kept) / POINTS) or 1]
    low = min((min(pair) for pair in kept), default=0.0)
    high = max((max(pair) for pair in kept), default=1.0)
    diagonal = drawing.curve([low, high], [low, high], name="perfect", colour="--muted")
    diagonal |= {"mode": "lines", "hoverinfo": "skip"}
    diagonal["line"]["dash"] = "dot"
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "test row",
        "x": [t for t, _ in kept],
        "y": [p for _, p in kept],
        "marker": {"color": "--accent", "size": 6, "opacity": 0.45 if len(kept) > 200 else 0.7},
        "hovertemplate": "true %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
    }
    name = words.cut(target, LABEL)
    layout = drawing.layout(height=460, x=f"true {name}", y=f"predicted {name}") | {"showlegend": False}
    margin = 0.04 * (high - low) or 1.0
    for axis in ("xaxis", "yaxis"):
        layout[axis] |= {"range": [low - margin, high + margin]}
    return {"data": [diagonal, dots], "layout": layout}


def confused_pairs(
    labels: Sequence[str], matrix: Sequence[Sequence[int]], *, most: int
) -> list[tuple[str, str, int, int]]:
    """The most frequent confusions as (truth, predicted, count, rows of the true class), largest first.

    >>> confused_pairs(["a", "b"], [[8, 2], [0, 5]], most=3)
    [('a', 'b', 2, 10)]
    """
    pairs = [
        (labels[i], labels[j], n, sum(row)) for i, row in enumerate(matrix) for j, n in enumerate(row) if i != j and n
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], -pair[2] / pair[3]))[:most]


def most_confused(matrix: Sequence[Sequence[int]], *, most: int) -> list[int]:
    """Indices of the classes with the most mistakes, given or received, in label order.

    >>> most_confused([[9, 1, 0], [0, 9, 0], [0, 0, 9]], most=2)
    [0, 1]
    """
    wrong = [
        sum(row) - row[i] + sum(other[i] for j, other in enumerate(matrix) if j != i) for i, row in enumerate(matrix)
    ]
    return sorted(sorted(range(len(matrix)), key=lambda i: -wrong[i])[:most])


def _negative(score: Score) -> Score:
    return Score(value=-score.value, low=-score.high, high=-score.low, n=score.n)


def _epoch_axis(layout: Figure, epochs: Sequence[int], best: int) -> Figure:
    step = math.ceil(len(epochs) / 12) or 1
    axis = {"tickmode": "array", "tickvals": list(epochs[::step]), "showgrid": False}
    if len(epochs) == 1:
        axis["range"] = [epochs[0] - 1, epochs[0] + 1]
    line = {"type": "line", "x0": best, "x1": best, "y0": 0, "y1": 1, "yref": "paper"}
    mark = {"text": "best epoch", "x": best, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    return {
        "margin": layout["margin"] | {"t": 60},
        "xaxis": layout["xaxis"] | axis,
        "shapes": [line | {"line": {"color": "--muted", "width": 1, "dash": "dash"}}],
        "annotations": [mark | {"font": {"color": "--muted", "size": 12}}],
    }


def _counts(matrix: Sequence[Sequence[int]], shares: Sequence[Sequence[float]]) -> list[Figure]:
    return [
        {
            "x": j,
            "y": i,
            "text": f"{n:,}",
            "showarrow": False,
            "font": {"size": 12, "color": "--on-heat" if shares[i][j] > 0.3 else "--ink"},
        }
        for i, row in enumerate(matrix)
        for j, n in enumerate(row)
        if n
    ]
