"""Charts of a search as plotly figures in plain JSON, in the report's palette."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from tunewright.records import Impact, Study, Trial
from tunewright.report import drawing
from tunewright.report.drawing import Figure


def progress(study: Study) -> Figure:
    """Scores over time, and the best so far."""
    ends = list(accumulate(trial.seconds for trial in study.trials))
    points = [(end, *stood) for end, stood in zip(ends, map(_stood, study.trials), strict=True) if stood is not None]
    pick = max if study.greater_is_better else min
    whole = [(end, value) for end, value, done in points if done]
    best = list(accumulate((value for _, value in whole), pick))
    steps = drawing.curve([end for end, _ in whole], best, name="best so far", colour="--accent")
    steps |= {"mode": "lines"}
    steps["line"]["shape"] = "hv"
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "trial",
        "x": [end for end, *_ in points],
        "y": [drawing.finite(value) for _, value, _ in points],
        "marker": {
            "color": "--muted",
            "size": 9,
            "symbol": ["circle" if done else "circle-open" for *_, done in points],
        },
        "hovertemplate": "%{y:.4f} after %{x:.0f} s<extra></extra>",
    }
    layout = drawing.layout(height=320, x="seconds", y=f"{study.metric}, validation")
    return {"data": [steps, dots], "layout": layout}


def impact(found: Sequence[Impact], *, unit: str) -> Figure:
    """A dot and an interval per hyperparameter, and a tick where chance ends."""
    factor = 100 if unit else 1
    names = [one.name for one in found]
    places = list(range(len(found)))
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "effect",
        "x": [factor * one.effect for one in found],
        "y": places,
        "marker": {
            "color": "--accent",
            "size": 11,
            "symbol": ["circle" if one.matters else "circle-open" for one in found],
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [factor * (one.high - one.effect) for one in found],
            "arrayminus": [factor * (one.effect - one.low) for one in found],
            "color": "--accent",
            "thickness": 2,
            "width": 5,
        },
        "hovertemplate": "%{x:.2f}<extra></extra>",
    }
    floor = {
        "type": "scatter",
        "mode": "markers",
        "name": "chance alone",
        "x": [factor * one.noise_floor for one in found],
        "y": places,
        "marker": {"color": "--muted", "size": 16, "symbol": "line-ns-open", "line": {"color": "--muted", "width": 2}},
        "hovertemplate": "chance: %{x:.2f}<extra></extra>",
    }
    layout = drawing.layout(height=110 + 36 * len(found), x=f"effect{f' in{unit}' if unit else ''}", y="")
    layout["yaxis"] |= drawing.ticks(names) | {"range": [len(names) - 0.5, -0.5], "showgrid": False}
    return {"data": [dots, floor], "layout": layout}


def slice_of(study: Study, name: str) -> Figure:
    """Scores by the values of one hyperparameter."""
    points = [
        (trial.params[name], *stood) for trial in study.trials if name in trial.params and (stood := _stood(trial))
    ]
    x, ticks = _places([value for value, *_ in points])
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [drawing.finite(score) for _, score, _ in points],
        "marker": {
            "color": "--accent",
            "size": 9,
            "opacity": 0.8,
            "symbol": ["circle" if done else "circle-open" for *_, done in points],
        },
        "hovertemplate": "%{y:.4f}<extra></extra>",
    }
    layout = drawing.layout(height=280, x=name, y=study.metric) | {"showlegend": False}
    layout["xaxis"] |= ticks
    return {"data": [dots], "layout": layout}


def parallel(study: Study, names: Sequence[str]) -> Figure:
    """Every trial as a line through its values, each axis from 0 to 1, the score last."""
    scored = [(trial, stood[0]) for trial in study.trials if (stood := _stood(trial)) is not None]
    columns = [_unit_scale([trial.params.get(name) for trial, _ in scored]) for name in names]
    scores = [score for _, score in scored]
    sign = 1 if study.greater_is_better else -1
    rank, heights = _unit_scale([sign * score for score in scores]), _unit_scale(scores)
    data = []
    for place, (trial, score) in enumerate(scored):
        y = [column[place] for column in columns] + [heights[place]]
        strong = rank[place] or 0.0
        one = drawing.curve(
            list(range(len(y))), [-1.0 if at is None else at for at in y], name=str(trial.number), colour="--accent"
        )
        one |= {"y": y, "mode": "lines+markers", "opacity": 0.12 + 0.88 * strong**3, "connectgaps": True}
        one |= {"hovertemplate": f"trial {trial.number + 1}: {score:.4f}<extra></extra>"}
        data.append(one)
    layout = drawing.layout(height=340, x="", y="low to high") | {"showlegend": False}
    layout["xaxis"] |= drawing.ticks([*(name.rsplit(".", 1)[-1] for name in names), study.metric])
    layout["yaxis"] |= {"range": [-0.06, 1.06], "showticklabels": False}
    return {"data": data, "layout": layout}


def _stood(trial: Trial) -> tuple[float, bool] | None:
    """A trial's score, or where it stood when it was given up; and whether it ran to its end."""
    if trial.score is not None:
        return trial.score, True
    return (trial.steps[-1][1], False) if trial.steps and trial.state != "failed" else None


def _places(values: Sequence[float | str]) -> tuple[list[float], Figure]:
    """Where values go on an axis, and its ticks: choices in order, numbers on a log scale where they span much."""
    if any(isinstance(value, str) for value in values) or len(set(values)) <= 3:
        kinds = sorted(set(values), key=lambda value: (isinstance(value, str), value))
        ticks = drawing.ticks([value if isinstance(value, str) else f"{value:g}" for value in kinds])
        return [float(kinds.index(value)) for value in values], ticks | {"range": [-0.5, len(kinds) - 0.5]}
    numbers = [float(value) for value in values]
    wide = min(numbers) > 0 and max(numbers) / min(numbers) > 20
    return numbers, {"type": "log"} if wide else {}


def _unit_scale(values: Sequence[float | str | None]) -> list[float | None]:
    """Values between 0 and 1: choices by their order, numbers by rank."""
    known = sorted({value for value in values if value is not None}, key=lambda value: (isinstance(value, str), value))
    step = max(len(known) - 1, 1)
    return [None if value is None else known.index(value) / step for value in values]
