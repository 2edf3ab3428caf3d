"""`model.train: auto` as a ladder: a cheap rung is tried, the next begun only while validation leaves it a chance.

The rungs are the probe, the top half of the layers for one epoch, and all layers for the epochs that are left; the one
in the middle is left out where it could not end the climb anyway (`recipes`). A rung that was better than the probe is
where the next one starts; where it was not, the next starts from the probe, and ends at the same bits as if nothing had
been tried. See docs/decisions/013.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from tunewright.errors import DataError
from tunewright.learning.decisions import fit_decision
from tunewright.learning.finetune import Below, Start, Tuned, fine_tune
from tunewright.learning.judging import Judging
from tunewright.learning.recipes import FEWEST_ROWS, Choices
from tunewright.learning.trial import tolerance
from tunewright.metrics import Outcome, difference
from tunewright.metrics import metric as metric_of
from tunewright.models.outputs import predict_outputs
from tunewright.models.precision import pick_device
from tunewright.records import Rung, Score, from_json, to_json
from tunewright.runfolder.context import RunContext
from tunewright.stats import figure

Array = np.ndarray[Any, np.dtype[Any]]
TRIAL_EPOCHS = 1
# What an epoch of all layers costs beside one of the top half, whose lower half is computed once: at most.
DEARER = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """Where the ladder ended, and what was seen on each rung."""

    tuned: Tuned
    rungs: tuple[Rung, ...]


def climb(
    judging: Judging, choices: Choices, start: Start, run: RunContext, *, suspects: Array | None, spent: float
) -> Climbed:
    """Climb from the probe as far as validation rows and the budget carry.

    Args:
        judging: the problem and the metric.
        choices: `rungs` and the recipe of the topmost one.
        start: the probe and what it was fitted on.
        run: every rung is journalled before what follows from it; a continued run does not judge again.
        suspects: as for `fine_tune`.
        spent: seconds that the probe has taken.
    """
    began = time.monotonic() - spent
    kept, rungs = None, [_journalled(run, "probe", lambda: _probe(judging, start, spent))]
    for name in choices.rungs[:-1]:
        if rungs[-1].verdict != "promoted":
            break
        tuned = _train(judging, _trial_of(choices, name), start, kept, _place(run, name), suspects)
        rungs.append(_journalled(run, name, partial(_trial, judging, choices, start, tuned, began=began)))
        if tuned.state.best > start.probe.metric:
            kept = tuned
    if rungs[-1].verdict == "promoted":
        name = choices.rungs[-1]
        top = _train(judging, replace(choices, method=name), start, kept, _place(run, name), suspects)
        rungs.append(_last(judging, start, top, since=0 if kept is None else kept.state.best_epoch))
        kept = top
    for rung in rungs:
        run.tell("train", told(rung, judging.metric))
    if kept is None:
        kept = fine_tune(judging, replace(choices, method="head"), start, run, stop_after=0, suspects=suspects)
    return Climbed(kept, tuple(rungs))


def told(rung: Rung, metric: str) -> str:
    """A rung in a sentence.

    >>> told(Rung(name="full", metric=0.9, gain=None, seconds=12.3, verdict="kept", why="it is the last"), "accuracy")
    'Rung full: accuracy 0.900 on validation, 12 s; kept: it is the last.'
    """
    value = "undefined" if rung.metric is None else figure(rung.metric)
    gain = ""
    if rung.gain is not None:
        gain = f" ({rung.gain.value:+.3f}, {rung.gain.low:+.3f} to {rung.gain.high:+.3f})"
    return f"Rung {rung.name}: {metric} {value} on validation{gain}, {rung.seconds:.0f} s; {rung.verdict}: {rung.why}."


def _journalled(run: RunContext, name: str, make: Callable[[], Rung]) -> Rung:
    return from_json(Rung, run.decide(f"rung {name}", lambda: to_json(make())))


def _place(run: RunContext, name: str) -> RunContext:
    """A rung's own place for checkpoints, and its decisions under its own name."""
    folder = None if run.checkpoints is None else run.checkpoints / f"rung-{name.replace(':', '-')}"
    return replace(run, checkpoints=folder, decide=lambda what, make: run.decide(f"rung {name} {what}", make))


def _trial_of(choices: Choices, name: str) -> Choices:
    """What trains on a rung that is tried: it ends after its epochs, with what they gave, good or bad."""
    recipe = replace(choices.recipe, epochs=TRIAL_EPOCHS, keep_last=True, averaging="none", unfreeze="none")
    return replace(choices, method=name, recipe=recipe)


def _train(
    judging: Judging, choices: Choices, start: Start, below: Tuned | None, run: RunContext, suspects: Array | None
) -> Tuned:
    """Train a rung from the one below it, or from the probe."""
    if below is not None:
        weights = {name: value.detach().clone() for name, value in below.network.state_dict().items()}
        start = replace(start, below=Below(weights, tuple(below.state.history)))
    return fine_tune(judging, choices, start, run, suspects=suspects)


def _probe(judging: Judging, start: Start, spent: float) -> Rung:
    """The lowest rung: nothing can be promoted past answers that are all right."""
    metric = metric_of(judging.metric)
    perfect = metric.bounds[1 if metric.greater_is_better else 0]
    done = perfect is not None and start.probe.metric >= judging.sign * perfect
    return Rung(
        name="probe",
        metric=judging.natural(start.probe.metric),
        gain=None,
        seconds=round(spent, 3),
        verdict="stopped" if done else "promoted",
        why="no validation row is left to gain" if done else "it is where training starts",
    )


def _trial(judging: Judging, choices: Choices, start: Start, tuned: Tuned, *, began: float) -> Rung:
    """A rung that was tried for a while: whether the next one is begun."""
    gain, seconds = _gain(judging, start, tuned), tuned.state.seconds
    verdict, why = _verdict(judging, gain, start.probe.metric)
    if verdict == "promoted" and choices.minutes is not None:
        left = 60 * choices.minutes - (time.monotonic() - began)
        needed = seconds / TRIAL_EPOCHS * DEARER * choices.recipe.epochs
        if needed > left:
            verdict = "stopped"
            why = f"the next rung takes about {needed:.0f} s, and {max(left, 0):.0f} s of budget.minutes are left"
    return Rung(
        name=tuned.method,
        metric=judging.natural(tuned.state.best),
        gain=gain,
        seconds=round(seconds, 3),
        verdict=verdict,
        why=why,
    )


def _verdict(judging: Judging, gain: Score | None, below: float) -> tuple[Literal["promoted", "stopped"], str]:
    """Promoted, unless the interval excludes a gain worth having and there are rows enough to believe it."""
    if gain is None:
        return "promoted", "the two cannot be compared on these rows"
    least = tolerance(judging.metric, np.array([below]))
    if gain.high >= least:
        return "promoted", f"a gain of {least:.2g} or more is not excluded"
    if gain.n < FEWEST_ROWS:
        return "promoted", f"{gain.n} rows are too few to exclude a gain of {least:.2g}"
    return "stopped", f"a gain of {least:.2g} is excluded"


def _last(judging: Judging, start: Start, tuned: Tuned, *, since: int) -> Rung:
    """The topmost rung, begun after epoch `since`: there is nothing to decide, but something to tell."""
    best = tuned.state.best_epoch
    return Rung(
        name=tuned.method,
        metric=judging.natural(tuned.state.best),
        gain=_gain(judging, start, tuned) if best else None,
        seconds=round(tuned.state.seconds, 3),
        verdict="kept" if best > since else "not kept",
        why=f"epoch {best} was the best" if best > since else "no epoch was better than where it started",
    )


def _gain(judging: Judging, start: Start, tuned: Tuned) -> Score | None:
    """Paired difference from the probe on the validation rows, each with a decision of its own; None if undefined."""
    task, inputs = judging.problem.task, judging.problem.inputs["validation"]
    targets = judging.problem.targets["validation"]

    def outcome(outputs: Array) -> Outcome:
        return task.outcome(targets, outputs, fit_decision(task, outputs, targets, judging.metric))

    ours = predict_outputs(tuned.network, inputs, device=pick_device())
    below = start.probe.outputs(start.frozen["validation"])
    try:
        return difference(judging.metric, outcome(ours), outcome(below), seed=judging.problem.seed).difference
    except DataError:
        return None
