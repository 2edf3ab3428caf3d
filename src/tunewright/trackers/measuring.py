"""Numbers from events: losses and metrics of a training, scores of a search, final scores with their intervals.

Texts of events are never looked at: no note, no finding and no cell reaches a tracker.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from tunewright.events import Event
from tunewright.trackers.base import Measure, Value

LONGEST = 500  # characters of a parameter


class Measuring:
    """Turns the events of one sitting into measures.

    The first training's are named `train/loss`, `validation/loss` and `validation/METRIC`; those of further ones
    (folds, rungs) begin with `training 2/`, and so on.

    >>> heard = {"done": 4, "total": 8, "epoch": 0, "train_loss": 0.5, "validation_loss": 0.7, "metric": 0.8}
    >>> event = Event(station="train", what="progress", data={**heard, "metric_name": "accuracy"})
    >>> [tuple(one) for one in Measuring().measures(event)]
    [('train/loss', 0.5, 4), ('validation/loss', 0.7, 0), ('validation/accuracy', 0.8, 0)]
    """

    def __init__(self) -> None:
        self._training = 0
        self._step = self._total = -1
        self._epoch: int | None = None
        self._goes_on = False

    def measures(self, event: Event) -> list[Measure]:
        """The numbers that an event tells; those that are not finite are left out."""
        told = list(self._told(event))
        return [one for one in told if isinstance(one.value, int | float) and math.isfinite(one.value)]

    def _told(self, event: Event) -> Iterator[Measure]:
        data = event.data
        if event.station == "run" and event.what == "opened":
            self._goes_on = bool(data.get("resumed"))
        if event.station == "train" and event.what == "progress" and "total" in data:
            yield from self._trained(data)
        if event.station == "search" and "state" in data:
            yield Measure(f"search/{data['metric']}", data["score"], data["trial"])

    def _trained(self, data: Mapping[str, Any]) -> Iterator[Measure]:
        step, epoch = data["done"], data["epoch"]
        if data["total"] != self._total or step < self._step:
            self._training += 1
            # The epochs before a checkpoint were logged by the sitting that made them.
            self._epoch = epoch if epoch and self._goes_on else None
            self._goes_on = False
        self._step, self._total = step, data["total"]
        first = "" if self._training == 1 else f"training {self._training}/"
        yield Measure(f"{first}train/loss", data["train_loss"], step)
        if epoch != self._epoch:
            self._epoch = epoch
            at = step if epoch else 0
            yield Measure(f"{first}validation/loss", data["validation_loss"], at)
            yield Measure(f"{first}validation/{data.get('metric_name', 'metric')}", data["metric"], at)


def final_scores(summary: Mapping[str, Any]) -> dict[str, float]:
    """The scores of a finished run or search, each with the ends of its interval.

    >>> final_scores({"metrics": {"test": {"accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 50}}}})
    {'final/test/accuracy': 0.9, 'final/test/accuracy/low': 0.8, 'final/test/accuracy/high': 0.95}
    """
    found: dict[str, float] = {}
    for part, scores in summary.get("metrics", {}).items():
        for name, score in scores.items():
            ends = {f"final/{part}/{name}": "value", f"final/{part}/{name}/low": "low"}
            ends[f"final/{part}/{name}/high"] = "high"
            found |= {key: score[end] for key, end in ends.items()}
    if "best" in summary and "metric" in summary:
        found[f"final/validation/{summary['metric']}"] = summary["best"]["score"]
    return {key: float(v) for key, v in found.items() if isinstance(v, int | float) and math.isfinite(v)}


def flat(plan: Mapping[str, Any]) -> dict[str, Value]:
    """The plan as `section.key` to value; what is deeper, and every list, as JSON, so that no name comes from the data.

    >>> flat({"seed": 3, "data": {"columns": {"a b": "text"}, "target": None}})
    {'seed': 3, 'data.columns': '{"a b": "text"}', 'data.target': 'none'}
    """
    found: dict[str, Value] = {}
    for section, value in plan.items():
        if isinstance(value, Mapping):
            found |= {f"{section}.{key}": _value(item) for key, item in value.items() if key != "schema"}
        else:
            found[section] = _value(value)
    return found


def _value(item: Any) -> Value:
    if item is None:
        return "none"
    if isinstance(item, bool | int) or (isinstance(item, float) and math.isfinite(item)):
        return item
    return (item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str))[:LONGEST]
