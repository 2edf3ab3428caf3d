"""Charts of what a model's confidence is worth: calibration, the rows it answers, ranking curves."""

from __future__ import annotations

from tunewright.records import CalibrationBin, Curve, Trust
from tunewright.report import drawing
from tunewright.report.drawing import Figure


def trust_figures(trust: Trust | None) -> dict[str, Figure]:
    """Every chart the record has something for, by its name in the template."""
    if trust is None:
        return {}
    figures = {}
    if trust.calibration is not None:
        figures["calibration"] = calibration(trust.calibration.bins)
    if trust.coverage is not None:
        figures["coverage"] = _line(trust.coverage, x="share of the rows that are answered", y="right among them")
    if trust.roc is not None:
        figures["roc"] = _line(trust.roc, x="false positive rate", y="true positive rate", diagonal=True)
    if trust.precision_recall is not None:
        figures["precision_recall"] = _line(trust.precision_recall, x="recall", y="precision")
    return figures


def calibration(bins: tuple[CalibrationBin, ...]) -> Figure:
    """How many rows of similar confidence were right, with intervals; on the dotted diagonal confidence is honest."""
    line = drawing.curve(
        [one.confidence for one in bins], [one.right.value for one in bins], name="right", colour="--accent"
    )
    line["mode"] = "markers"
    line["error_y"] = {
        "type": "data",
        "symmetric": False,
        "array": [one.right.high - one.right.value for one in bins],
        "arrayminus": [one.right.value - one.right.low for one in bins],
        "color": "--accent",
        "thickness": 1,
        "width": 4,
    }
    layout = drawing.layout(height=300, x="confidence", y="right")
    return {"data": [_diagonal(), line], "layout": layout | {"showlegend": False}}


def _line(curve: Curve, *, x: str, y: str, diagonal: bool = False) -> Figure:
    line = drawing.curve(curve.x, curve.y, name=curve.name, colour="--accent")
    line["mode"] = "lines"
    data = [_diagonal(), line] if diagonal else [line]
    return {"data": data, "layout": drawing.layout(height=300, x=x, y=y) | {"showlegend": False}}


def _diagonal() -> Figure:
    line = drawing.curve([0.0, 1.0], [0.0, 1.0], name="", colour="--muted")
    line["mode"] = "lines"
    line["line"] |= {"dash": "dot", "width": 1}
    return line | {"hoverinfo": "skip"}
