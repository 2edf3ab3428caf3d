"""`improve.rounds`: diagnose, try what promises most for its cost, keep it only where validation rows show a gain.

Each round is a whole training of the changed plan, compared in pairs with what stands so far on the same validation
rows; the bar is divided by the number of rounds, so that trying often is not winning often. Test rows are not handed
to it. What it leaves is a plan: the model itself is then trained as if that plan had been given.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from tunewright.data.wording import agreeing
from tunewright.errors import TunewrightError
from tunewright.learning.fit import Fitted, fit
from tunewright.metrics import Outcome, difference, score
from tunewright.objective import reached
from tunewright.plan import Plan, with_values
from tunewright.records import Improvement, Round, Score, from_json, to_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import Prepared
from tunewright.stories.training.moves import Changes, Move, next_move
from tunewright.stories.training.slice_moves import KIND as SLICE_MOVE
from tunewright.stories.training.slice_moves import slice_moves
from tunewright.stories.training.station import judge

LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Improved:
    """What the rounds gave: the plan to train, and their record; no record where none were asked for."""

    plan: Plan
    improvement: Improvement | None = None


def improve(prepared: Prepared, plan: Plan, run: RunContext, *, doubtful: Sequence[int] = ()) -> Improved:
    """Run the rounds that the plan asks for.

    Args:
        prepared: the rows.
        plan: where it starts.
        run: every round is journalled; a continued run does not repeat it.
        doubtful: ids of rows whose label the audit doubts, for the diagnosis.
    """
    if plan.improve.rounds == 0:
        return Improved(plan=plan)
    loop = _Loop(prepared=prepared, plan=plan, run=run, doubtful=doubtful)
    why = loop.go()
    improvement = Improvement(metric=prepared.objective.metric, rounds=tuple(loop.rounds), why_ended=why)
    return Improved(plan=loop.plan, improvement=improvement)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stand:
    """A fitted plan: its choices, its answers on validation rows, what its diagnosis says."""

    outcome: Outcome
    fitted: Fitted
    advice: tuple[str, ...]
    seen: str


@dataclass(slots=True, kw_only=True, eq=False)
class _Loop:
    prepared: Prepared
    plan: Plan
    run: RunContext
    doubtful: Sequence[int]
    rounds: list[Round] = field(default_factory=list)
    spent: float = 0.0
    _stand: _Stand | None = None

    def go(self) -> str:
        """Walk the rounds; returns why there are no more."""
        most = self.plan.improve.rounds
        for number in range(1, most + 1):
            made = self.run.decide(f"improve {number}", partial(self.decision, number))
            found = from_json(_Decision, made)
            if found.round is None:
                return found.why_ended
            self.rounds.append(found.round)
            self.spent += found.round.seconds
            if found.round.kept:
                self.plan = with_values(self.plan, found.round.changes)
            self.run.tell("improve", _told(found.round, most))
        return f"{most} {agreeing(most, 'round', 'rounds')} of the plan"

    def decision(self, number: int) -> Any:
        """A round as it is journalled."""
        return to_json(self.round(number))

    def round(self, number: int) -> _Decision:
        """One round: look, pick, try, judge."""
        started = time.monotonic()
        if self.out_of_time():
            return _Decision(why_ended=f"the {self.plan.budget.minutes:g} minutes of the budget")
        stand = self.stand()
        if self.met(stand):
            return _Decision(why_ended="the objective is met on validation rows")
        picked = self.pick(stand)
        if picked is None:
            return _Decision(why_ended="nothing is left to try")
        move, changes = picked
        made = {"number": number, "seen": stand.seen, "move": move.kind, "changes": dict(changes)}
        try:
            other = self.train(with_values(self.plan, changes))
        except (TunewrightError, MemoryError) as error:
            made |= {"kept": False, "why": f"it failed: {error}", "seconds": time.monotonic() - started}
            return _Decision(round=from_json(Round, made))
        compared = difference(self.metric, other.outcome, stand.outcome, names=("changed", "as it was"))
        p_value = compared.p_value if compared.p_value is not None else 1.0
        kept = compared.verdict == "better" and p_value * self.plan.improve.rounds <= LEVEL
        if kept:
            self._stand = other
        made |= {"difference": to_json(compared.difference), "p_value": p_value, "kept": kept}
        made |= {"why": _why(compared.difference, kept=kept), "seconds": round(time.monotonic() - started, 3)}
        return _Decision(round=from_json(Round, made))

    @property
    def metric(self) -> str:
        return self.prepared.objective.metric

    def pick(self, stand: _Stand) -> tuple[Move, Changes] | None:
        """The next move."""
        tried = [one.move for one in self.rounds]
        more: tuple[Move, ...] = ()
        asked: tuple[str, ...] = ()
        if SLICE_MOVE not in tried:
            more, asked = slice_moves(
                self.prepared, stand.fitted, stand.outcome, doubtful=self.doubtful, cells=self.plan.report.examples
            )
        return next_move(
            self.plan,
            judge(self.prepared, self.plan)[1],
            advice=(*stand.advice, *asked),
            tried=tried,
            numbers=bool(self.prepared.table.features("number")),
            more=more,
        )

    def stand(self) -> _Stand:
        """The plan as it stands, trained; once, unless a continued run has to do it again."""
        if self._stand is None:
            self.run.tell("improve", "Training the plan as it stands, to compare with.")
            self._stand = self.train(self.plan)
        return self._stand

    def train(self, plan: Plan) -> _Stand:
        """Train a plan without the test rows and answer the validation rows."""
        blind = replace(self.prepared.split, test=())
        judging, choices = judge(self.prepared, plan, split=blind)
        rows = np.array(blind.train, np.int64)
        quiet = RunContext(stop=self.run.stop, memory_gb=self.run.memory_gb)
        fitted = fit(judging, choices, quiet, suspects=np.isin(rows, np.array(self.doubtful, np.int64)))
        task, targets = judging.problem.task, judging.problem.targets["validation"]
        found = fitted.trained.diagnosis
        return _Stand(
            outcome=task.outcome(targets, fitted.outputs["validation"], fitted.model.decision),
            fitted=fitted,
            advice=found.advice if found is not None else (),
            seen=found.text if found is not None else "",
        )

    def met(self, stand: _Stand) -> bool:
        """Whether the objective is reached on validation rows by the whole interval."""
        return reached(self.prepared.objective, score(self.metric, stand.outcome, seed=self.plan.seed)) == "met"

    def out_of_time(self) -> bool:
        """Whether another round like the last would pass the budget."""
        minutes = self.plan.budget.minutes
        if minutes is None or not self.rounds:
            return False
        return self.spent + self.rounds[-1].seconds > 60 * minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """A round, or why there is none."""

    round: Round | None = None
    why_ended: str = ""


def _told(one: Round, most: int) -> str:
    verdict = "kept" if one.kept else "not kept"
    return f"Round {one.number} of {most}: {one.move}, {verdict}: {one.why}"


def _why(found: Score, *, kept: bool) -> str:
    if kept:
        return "validation rows show the gain"
    if found.low == found.high == 0:
        return "no answer changed: what it would change was not kept"
    return "no gain beyond noise" if found.high >= 0 else "it is worse"
