"""Improvement rounds: what is tried, what is kept, deaf to test rows, replayed from the journal."""

import json

import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import PlanError
from tunewright.metrics import Outcome
from tunewright.plan import read_plan
from tunewright.records import Comparison, Score, to_json
from tunewright.runfolder import Journal
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training import improving
from tunewright.stories.training.improving import improve
from tunewright.stories.training.moves import MOVES, next_move
from tunewright.stories.training.station import judge


@pytest.fixture
def plan_of(tiny_model):
    def make(rounds=2, **sections):
        given = {"data": {"target": "y"}, "splits": {"part": "part"}, "model": {"name": str(tiny_model)}}
        given |= {"training": {"epochs": 1}, "audit": {"apply": "none"}, "improve": {"rounds": rounds}}
        return read_plan(None, **{**given, **sections})

    return make


def improved(frame, plan, run=None):
    prepared = prepare(load_rows(plan, frame), plan)
    return improve(prepared, plan, run or RunContext())


def always(verdict, value):
    """A comparison that says what a test wants."""

    def compare(metric, a: Outcome, b: Outcome, **_):
        found = Score(value=value, low=value - 0.01, high=value + 0.01, n=a.rows)
        p = 1e-6 if verdict == "better" else 0.5
        return Comparison(metric=metric, a="a", b="b", difference=found, p_value=p, verdict=verdict)

    return compare


def timeless(improvement):
    return [{**one, "seconds": 0} for one in to_json(improvement.rounds)]


@pytest.mark.parametrize("kind", ["text", "table", "mixed"])
def test_rounds_try_different_things_and_say_what_they_gave(make_rows, plan_of, kind):
    done = improved(make_rows(kind, 120), plan_of(2))
    rounds = done.improvement.rounds
    assert rounds and len({one.move for one in rounds}) == len(rounds)
    for one in rounds:
        assert one.changes and one.difference.low <= one.difference.value <= one.difference.high
        assert one.kept == (one.difference.low > 0 and one.p_value <= 0.025)


def test_what_shows_a_gain_is_kept_and_the_next_round_starts_from_it(make_rows, plan_of, monkeypatch):
    monkeypatch.setattr(improving, "difference", always("better", 0.1))
    plan = plan_of(2)
    done = improved(make_rows("text", 120), plan)
    assert [one.kept for one in done.improvement.rounds] == [True, True]
    changed = {path: value for one in done.improvement.rounds for path, value in one.changes.items()}
    for path, value in changed.items():
        section, key = path.split(".")
        assert getattr(getattr(done.plan, section), key) == value
    assert done.improvement.why_ended == "2 rounds of the plan"


def test_what_shows_none_leaves_the_plan(make_rows, plan_of, monkeypatch):
    monkeypatch.setattr(improving, "difference", always("no evidence", 0.1))
    plan = plan_of(2)
    assert improved(make_rows("text", 120), plan).plan == plan


def test_it_ends_when_nothing_is_left(make_rows, plan_of, monkeypatch):
    monkeypatch.setattr(improving, "difference", always("worse", -0.1))
    plan = plan_of(20, model={"train": "head", "head": "linear", "name": plan_of().model.name})
    done = improved(make_rows("text", 120), plan)
    assert done.improvement.why_ended == "nothing is left to try"
    assert len(done.improvement.rounds) < len(MOVES)


def test_it_ends_when_the_objective_is_met(make_rows, plan_of):
    done = improved(make_rows("text", 120), plan_of(3, objective={"metric": "accuracy", "at_least": 0.01}))
    assert done.improvement.rounds == ()
    assert done.improvement.why_ended == "the objective is met on validation rows"


def test_it_ends_with_the_budget(make_rows, plan_of):
    done = improved(make_rows("text", 120), plan_of(3, budget={"minutes": 1e-4}))
    assert len(done.improvement.rounds) == 1 and "budget" in done.improvement.why_ended


def test_an_attempt_that_fails_is_one_that_is_not_kept(make_rows, plan_of, monkeypatch):
    from tunewright.errors import TrainingError

    real, calls = improving.fit, []

    def fit(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise TrainingError("It diverged.")
        return real(*args, **more)

    monkeypatch.setattr(improving, "fit", fit)
    done = improved(make_rows("text", 120), plan_of(1))
    (one,) = done.improvement.rounds
    assert not one.kept and one.difference is None and "It diverged." in one.why


def test_replaced_test_rows_change_nothing(make_rows, plan_of):
    frame, other = make_rows("text", 120), make_rows("text", 120, seed=9)
    test = pl.Series((frame["part"] == "test").to_list())
    changed = frame.with_columns(
        message=pl.when(test).then(other["message"]).otherwise(pl.col("message")),
        y=pl.when(test).then(other["y"]).otherwise(pl.col("y")),
    )
    one, two = improved(frame, plan_of(2)), improved(changed, plan_of(2))
    assert timeless(one.improvement) == timeless(two.improvement) and one.plan == two.plan


def test_a_continued_run_repeats_no_round(make_rows, plan_of, tmp_path, monkeypatch):
    frame, plan = make_rows("text", 120), plan_of(2)
    with Journal(tmp_path / "journal.jsonl") as journal:
        first = improved(frame, plan, RunContext(decide=journal.decide))
    monkeypatch.setattr(improving, "fit", lambda *args, **more: pytest.fail("trained again"))
    with Journal(tmp_path / "journal.jsonl") as journal:
        again = improved(frame, plan, RunContext(decide=journal.decide))
    assert again.improvement == first.improvement and again.plan == first.plan


def test_advice_comes_first(make_rows, plan_of):
    plan = plan_of(1)
    prepared = prepare(load_rows(plan, make_rows("text", 120)), plan)
    choices = judge(prepared, plan)[1]
    for move in MOVES:
        if move.change(plan, choices) is not None and move.answers:
            picked, changes = next_move(plan, choices, advice=move.answers[:1], tried=(), numbers=True)
            assert set(picked.answers) & set(move.answers[:1]) and changes


def test_every_move_makes_a_plan_that_can_be_read(make_rows, plan_of):
    from tunewright.plan import with_values

    plan = plan_of(1)
    for kind in ("text", "mixed", "table"):
        prepared = prepare(load_rows(plan, make_rows(kind, 120)), plan)
        choices = judge(prepared, plan)[1]
        for move in MOVES:
            changes = move.change(plan, choices)
            assert changes is None or with_values(plan, changes) != plan


def test_a_run_tells_of_its_rounds_and_trains_what_they_left(make_rows, tiny_model, tmp_path):
    sections = {"model": {"name": str(tiny_model)}, "training": {"epochs": 1}, "splits": {"part": "part"}}
    run = tw.run(make_rows("text", 120), target="y", out=tmp_path / "run", improve={"rounds": 1}, **sections)
    told = json.loads((tmp_path / "run" / "improvement.json").read_text())
    assert run.summary["improvement"] == told and len(told["rounds"]) == 1
    assert "Improvement" in run.report().read_text() and run.summary["seconds"]["improve"] > 0


def test_rounds_beside_folds_are_refused():
    with pytest.raises(PlanError, match=r"improve\.rounds: must be 0 beside splits\.folds"):
        read_plan("{improve: {rounds: 2}, splits: {folds: 3}}")
