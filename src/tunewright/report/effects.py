"""What a remedy did, in words."""

from __future__ import annotations

from tunewright.metrics import metric as metric_of
from tunewright.records import RemedyTrial, Score


def effect(trial: RemedyTrial) -> str:
    """The effect with its interval: in points where the metric lies between two bounds, otherwise in its own units.

    >>> score = Score(value=0.0123, low=-0.004, high=0.0286, n=20)
    >>> said = {"remedy": "clip", "rule": "gain", "metric": "accuracy", "p_value": 0.1, "kept": True, "why": ""}
    >>> effect(RemedyTrial(effect=score, **said))
    '+1.2 points (−0.4 to +2.9)'
    """
    low, high = metric_of(trial.metric).bounds
    points = low is not None and high is not None
    said = [_signed(100 * end, 1) if points else _signed(end, 3) for end in _ends(trial.effect)]
    return f"{said[0]}{' points' if points else ''} ({said[1]} to {said[2]})"


def _ends(score: Score) -> tuple[float, float, float]:
    return score.value, score.low, score.high


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}" if abs(value) < 1000 else f"{value:+,.0f}"
    return text.replace("-", "−")
