"""One trial: parameters handed to an objective, and a record of what came of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tunewright.errors import TunewrightError
from tunewright.records import Trial, from_json
from tunewright.search.options import Value

LONGEST = 300  # characters of why a trial failed
FAILURES = (TunewrightError, MemoryError, RuntimeError, ArithmeticError, ValueError)
Steps = Sequence[tuple[int, float]]


class GivenUp(Exception):
    """A trial need not go on; raised by what an objective reports to, to be let through by the objective."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Objective(Protocol):
    """Parameters to a score, higher is better."""

    def __call__(self, params: Mapping[str, Value], *, seed: int, report: Callable[[int, float], None]) -> float:
        """Evaluate; `report(epoch, score)` is told what stands on the way and may raise `GivenUp`.

        A score that is not finite says that there is none.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A trial to be run.

    Args:
        name: under which it is journalled.
        number: of the trial.
        params: its hyperparameters.
        seed: of what is random in it.
        prunable: whether it may be given up because it lags; finalists are not.
        thought: seconds that it took to propose it.
        begun: when that was done, by `time.monotonic()`.
    """

    name: str
    number: int
    params: Mapping[str, Value]
    seed: int
    prunable: bool
    thought: float = 0.0
    begun: float = 0.0


Verdict = Callable[[Job, Steps], str]


def attempt(objective: Objective, job: Job, verdict: Verdict) -> Trial:
    """Run one trial; what goes wrong in it is its own affair.

    Args:
        objective: parameters to a score.
        job: what is tried.
        verdict: after each step with a defined metric, or none, says why the trial is given up, or nothing.
    """
    started, steps = time.monotonic(), list[tuple[int, float]]()

    def report(epoch: int, value: float) -> None:
        if math.isfinite(value):
            steps.append((epoch, value))
        if state := verdict(job, steps):
            raise GivenUp(state)

    score, state, why = None, "complete", ""
    try:
        score = objective(job.params, seed=job.seed, report=report)
        if not math.isfinite(score):
            score, state, why = None, "failed", "The metric is undefined for what it predicts."
    except GivenUp as end:
        state = end.state
    except FAILURES as error:
        state, why = "failed", _why(error)
    seconds = round(job.thought + time.monotonic() - started, 3)
    made = {"number": job.number, "params": dict(job.params), "score": score, "seconds": seconds, "state": state}
    return from_json(Trial, {**made, "steps": steps, "why": why})


def _why(error: BaseException) -> str:
    """Why a trial failed, in one line; an error that is not ours is named."""
    said = " ".join(str(error).split())[:LONGEST]
    if isinstance(error, TunewrightError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
