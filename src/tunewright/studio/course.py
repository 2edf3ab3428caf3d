"""What a run has told so far, as a page shows it: things in the order in which they came, and how it stands now.

The list only grows, so that a page which knows the first n things asks for the rest. Every kind of thing:

* `note`: time, station, text; `station`: name, seconds;
* `finding`: kind, severity, columns, rows_total, evidence, remedy;
* `training`: number, label, total (updates planned); `point`: training, step, train_loss;
  `epoch`: training, epoch, step, validation_loss, metric, metric_name;
  `rewind`: training, step: a continued run does again what followed its checkpoint, so points from there on go;
* `trial`: number, score, metric, state;
* `sitting`: a process began to work on the run, or went on with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.metrics import in_words

Thing = dict[str, Any]


@dataclass(slots=True)
class Training:
    """One call of the training loop: its number from 0, updates planned, the last update and epoch heard of."""

    number: int
    total: int
    step: int = -1
    epoch: int = -1


class Course:
    """Hears the events of a run, as `told.Tail` reads them.

    >>> course = Course()
    >>> course.hear({"station": "audit", "what": "done", "text": "", "data": {"seconds": 2.5}, "time": "now"})
    >>> course.things
    [{'is': 'station', 'name': 'audit', 'seconds': 2.5}]
    """

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self.now: Thing = {}
        self._training: Training | None = None
        self._trainings = 0
        self._went_on = False
        self._fold = ""

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take in an event."""
        self.now["heard"] = event["time"]
        if isinstance(memory := event.get("memory_mb"), int | float):
            self.now["memory_mb"] = memory
            self.now["peak_mb"] = max(memory, self.now.get("peak_mb", 0.0))
        station, data = event["station"], event["data"]
        hear = _HEARD.get(event["what"])
        if hear is not None:
            hear(self, station, data, event)

    def hear_all(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take in events in their order."""
        for event in events:
            self.hear(event)

    def _opened(self, station: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self._went_on = self._training is not None
        self.now |= {"name": data.get("name"), "memory_gb": data.get("memory_gb"), "since": event["time"]}
        self.now |= {"ended": None, "why": "", "peak_mb": 0.0, "station": None, "left": None}
        self._add("sitting", time=event["time"])

    def _note(self, station: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.now["station"] = station
        if station == "folds":
            self._fold = event["text"]
        if station == "search" and "state" in data:
            names = ("score", "metric", "state")
            self._add("trial", number=data.get("trial"), **{name: data.get(name) for name in names})
        if event["text"]:
            self._add("note", time=event["time"], station=station, text=event["text"])

    def _found(self, station: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        for one in data.get("findings", ()):
            self._add("finding", **one)

    def _done(self, station: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self._add("station", name=station, seconds=data.get("seconds"))
        self.now |= {"station": None, "left": None, "done": None, "total": None}

    def _progress(self, station: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        done, total = data.get("done"), data.get("total")
        self.now |= {"station": station, "done": done, "total": total, "left": data.get("seconds_left")}
        if station == "train" and isinstance(done, int) and isinstance(total, int):
            self._point(done, total, data)

    def _point(self, step: int, total: int, data: Mapping[str, Any]) -> None:
        training = self._of(step, total)
        if step > training.step:
            self._add("point", training=training.number, step=step, train_loss=data.get("train_loss"))
        epoch = data.get("epoch")
        if isinstance(epoch, int) and epoch > training.epoch:
            told = {name: data.get(name) for name in ("validation_loss", "metric")}
            told["metric_name"] = in_words(str(data.get("metric_name", "")))
            self._add("epoch", training=training.number, epoch=epoch, step=0 if epoch == 0 else step, **told)
            training.epoch = epoch
        training.step = step

    def _of(self, step: int, total: int) -> Training:
        """The training that an update belongs to: updates of one only count up, but where a run goes on."""
        now, went_on, self._went_on = self._training, self._went_on, False
        if now is not None and now.total == total and (step >= now.step or went_on):
            if step < now.step:
                self._rewind(now, step)
            return now
        self._training = now = Training(number=self._trainings, total=total)
        self._trainings += 1
        label = self._fold or f"Training {now.number + 1}"
        self._add("training", number=now.number, label=label, total=total)
        return now

    def _rewind(self, training: Training, step: int) -> None:
        self._add("rewind", training=training.number, step=step)
        mine = [one for one in self.things if one.get("training") == training.number and one["is"] == "epoch"]
        training.epoch = max((one["epoch"] for one in mine if one["step"] < step), default=-1)
        training.step = step - 1

    def _ended(self, station: str, data: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.now |= {"ended": event["what"], "station": None, "left": None, "why": event["text"]}

    def _add(self, kind: str, /, **what: Any) -> None:
        self.things.append({"is": kind, **what})


_HEARD = {
    "opened": Course._opened,
    "note": Course._note,
    "found": Course._found,
    "done": Course._done,
    "progress": Course._progress,
    "finished": Course._ended,
    "stopped": Course._ended,
    "failed": Course._ended,
}
