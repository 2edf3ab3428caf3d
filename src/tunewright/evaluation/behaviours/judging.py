"""Answers against what a behaviour asks of them: how far each case is off, and what came of it in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.evaluation.behaviours.kinds import Direction, Invariance, Must
from tunewright.planfile import show

SURE = 0.999  # a probability beyond which there is nowhere to go
_BARELY = 1e-12
Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Answers:
    """Predictions of m rows, as `Predictor.predict` gives them, and the task they are for."""

    frame: pl.DataFrame
    task: str

    def said(self, place: int) -> str:
        """One answer in words."""
        value = self.frame["prediction"][place]
        if self.task == "regression":
            return f"{value:.6g}"
        return show(value) if value else "no label"

    def numbers(self, label: str | None) -> Array:
        """(m,) probabilities of a label; regression: the predicted values."""
        if self.task == "regression":
            return self.frame["prediction"].cast(pl.Float64).to_numpy()
        return self.frame["probabilities"].struct.field(str(label)).to_numpy()

    def has(self, label: str) -> Array:
        """(m,) whether a label is said; of several labels a row, whether it is among them."""
        if self.task != "multilabel":
            return (self.frame["prediction"] == label).to_numpy()
        return np.array([f"|{label}|" in f"|{text}|" for text in self.frame["prediction"]], bool)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """(m,) how far each case is off, 0 where it passes; and a place to what came of it, in words."""

    off: Array
    said: Callable[[int], str]


def judge_must(must: Must, answers: Answers) -> Judged:
    """Off by how improbable the label was, or by how far the value lies outside."""
    if must.label is not None:
        label = must.label
        off = np.where(answers.has(label), 0.0, 1.0 + _BARELY - answers.numbers(label))
        return Judged(off, lambda place: f"{answers.said(place)} instead of {show(label)}")
    values = answers.numbers(None)
    low = -np.inf if must.at_least is None else must.at_least
    high = np.inf if must.at_most is None else must.at_most
    ends = [f"at least {low:g}"] * (must.at_least is not None) + [f"at most {high:g}"] * (must.at_most is not None)
    off = np.maximum(np.maximum(low - values, values - high), 0.0)
    return Judged(off, lambda place: f"{answers.said(place)} instead of {' and '.join(ends)}")


def judge_invariance(invariance: Invariance, before: Answers, after: Answers) -> Judged:
    """Off by the confidence in the other answer, or by how much more than allowed the value changed."""
    if before.task == "regression":
        change = np.abs(after.numbers(None) - before.numbers(None))
        off = np.maximum(change - invariance.tolerance, 0.0)
    else:
        other = before.frame["prediction"] != after.frame["prediction"]
        off = np.where(other.to_numpy(), after.frame["confidence"].to_numpy() + _BARELY, 0.0)
    return Judged(off, lambda place: f"{before.said(place)} became {after.said(place)}")


def judge_direction(direction: Direction, before: Answers, after: Answers) -> Judged:
    """Off by how far the change stays behind; a probability that is at its end has only to stay there."""
    up = direction.raises is not None
    label = direction.raises if up else direction.lowers
    old, new = before.numbers(label), after.numbers(label)
    change = new - old if up else old - new
    off = np.where(change > direction.by, 0.0, direction.by - change + _BARELY)
    regression = before.task == "regression"
    if not regression:
        at_end = np.minimum(old, new) >= SURE if up else np.maximum(old, new) <= 1 - SURE
        off = np.where(at_end, 0.0, off)
    what = "the value" if regression else f"the probability of {show(label)}"
    digits = ".6g" if regression else ".3f"

    def said(place: int) -> str:
        must = "rise" if up else "fall"
        enough = f" by more than {direction.by:g}" if direction.by else ""
        return f"{what} must {must}{enough} and went from {old[place]:{digits}} to {new[place]:{digits}}"

    return Judged(off, said)
