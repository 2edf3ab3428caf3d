"""A search from its first trial to its winner: order, journal, interruptions, failures, time, finalists, directions."""

import math
import os
import time
from dataclasses import replace

import pytest

from tunewright.errors import PlanError, TrainingError
from tunewright.events import Event
from tunewright.records import Study, from_json, to_json
from tunewright.runfolder import Journal, read_entries
from tunewright.runfolder.context import RunContext
from tunewright.search.attempt import GivenUp
from tunewright.search.course import Setup
from tunewright.search.options import SearchOptions
from tunewright.search.space import Dimension
from tunewright.search.study import run_study

RATE = Dimension(name="rate", low=1e-5, high=1e-1, log=True)
KIND = Dimension(name="kind", choices=("head", "full"))
EPOCHS = Dimension(name="epochs", low=1, high=4, whole=True, when={"kind": ("full",)})
STANDARD = {"rate": 1e-3, "kind": "full", "epochs": 2.0}
SETUP = Setup(dimensions=(RATE, KIND, EPOCHS), standard=STANDARD, metric="accuracy", sign=1, seed=7)
OPTIONS = SearchOptions(strategy="random", trials=9, prune=False, finalists=2, seeds=3)


def truth(params, seed=0):
    """Best near 1e-2, a little luck by seed."""
    luck = math.sin(1000 * seed + 100 * math.log10(params["rate"])) / 100
    return 0.9 - 0.05 * (math.log10(params["rate"]) + 2) ** 2 - 0.1 * (params["kind"] == "head") + luck


class Fake:
    """An objective that reports an epoch or two, counts its calls, and fails or stops where it is told to."""

    def __init__(self, score=truth, *, dies=None, seconds=0.0, epochs=2):
        self.score, self.dies, self.seconds, self.epochs = score, dies, seconds, epochs
        self.calls = []

    def __call__(self, params, *, seed, report):
        self.calls.append((dict(params), seed))
        if len(self.calls) - 1 == self.dies:
            raise KeyboardInterrupt
        value = self.score(params, seed)
        for epoch in range(self.epochs):
            time.sleep(self.seconds / self.epochs)
            report(epoch, value - 0.1 / (epoch + 1))
        return value


def study_of(objective=None, *, options=OPTIONS, setup=SETUP, run=None):
    return run_study(objective or Fake(), setup, options, run or RunContext())


def timeless(study):
    """A study without what clocks say."""
    told = to_json(study)
    for one in told["trials"]:
        del one["seconds"]
    del told["seconds"]
    return told


def test_the_first_trial_has_the_standard_values():
    fake = Fake()
    study = study_of(fake)
    assert study.trials[0].params == STANDARD and fake.calls[0] == (STANDARD, 7)
    assert [one.number for one in study.trials] == list(range(9))
    assert all(seed == 7 for _, seed in fake.calls[:9])
    assert study.why_ended == "the 9 trials of the plan"


@pytest.mark.parametrize("strategy", ["grid", "random", "bayesian"])
@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_search_is_the_same_twice_and_survives_json(strategy, sampler):
    if sampler == "gp" and strategy != "bayesian":
        return
    options = replace(OPTIONS, strategy=strategy, sampler=sampler, trials=7)
    one, two = study_of(options=options), study_of(options=options)
    assert timeless(one) == timeless(two)
    assert from_json(Study, to_json(one)) == one
    assert one.strategy == strategy and len(one.trials) == 7


def test_a_grid_ends_with_its_last_combination():
    space = (KIND, Dimension(name="rate", choices=(1e-3, 1e-2)))
    setup = replace(SETUP, dimensions=space, standard={"kind": "full", "rate": 1e-3})
    study = study_of(setup=setup, options=replace(OPTIONS, strategy="grid"))
    assert len({tuple(sorted(map(str, one.params.items()))) for one in study.trials}) == len(study.trials) == 4
    assert study.why_ended == "the last combination of the grid"
    assert study.best.params == {"kind": "full", "rate": 1e-2}


def test_an_endless_grid_is_refused_before_the_first_trial():
    fake = Fake()
    space = tuple(Dimension(name=f"d{n}", low=0, high=1) for n in range(12))
    with pytest.raises(PlanError, match="at most 100,000 combinations"):
        study_of(fake, setup=replace(SETUP, dimensions=space), options=replace(OPTIONS, strategy="grid"))
    assert not fake.calls


# The journal


def journalled(path, objective, **more):
    with Journal(path) as journal:
        return study_of(objective, run=RunContext(decide=journal.decide), **more)


def test_a_journal_cut_anywhere_in_its_last_record_loses_one_trial_at_most(tmp_path, monkeypatch):
    from tunewright.runfolder import disk

    monkeypatch.setattr(disk, "fsync", lambda fd: None)
    options = replace(OPTIONS, strategy="grid", trials=4, finalists=1, seeds=2)  # its proposals need the past
    setup = replace(SETUP, dimensions=(KIND, Dimension(name="rate", choices=(1e-3, 1e-2, 1e-1))))
    expected = timeless(journalled(tmp_path / "whole", Fake(), options=options, setup=setup))
    whole = (tmp_path / "whole").read_bytes()
    lines = whole.splitlines(keepends=True)
    assert len(lines) == 5  # four trials and one repeat
    # Only the third trial's record was on its way; what follows it was never written.
    kept, last = b"".join(lines[:2]), lines[2]
    for cut in range(len(last) + 1):
        path = tmp_path / f"cut-{cut}"
        path.write_bytes(kept + last[:cut])
        again = Fake()
        assert timeless(journalled(path, again, options=options, setup=setup)) == expected
        complete = cut >= len(last) - 1  # all but the line's end is enough
        assert len(again.calls) == (2 if complete else 3)
        with Journal(path) as journal:
            for number in range(10):
                journal.append("more", {"n": number})
        assert [entry.data["n"] for entry in read_entries(path)[-10:]] == list(range(10))
        os.unlink(path)


@pytest.mark.parametrize("dies", [0, 1, 4, 7, 8, 10])
def test_interrupted_in_any_trial_and_continued_it_ends_the_same(tmp_path, dies):
    options = replace(OPTIONS, strategy="bayesian", trials=8, prune=True, finalists=2, seeds=3)
    expected = timeless(study_of(options=options))
    calls = Fake()
    study_of(calls, options=options)
    path = tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt):
        journalled(path, Fake(dies=dies), options=options)
    assert len(read_entries(path)) == dies
    again = Fake()
    assert timeless(journalled(path, again, options=options)) == expected
    assert again.calls == calls.calls[dies:]


def test_interrupted_again_and_again_it_ends_the_same(tmp_path):
    options = replace(OPTIONS, strategy="bayesian", trials=7, finalists=1, seeds=2)
    for _ in range(7):
        with pytest.raises(KeyboardInterrupt):
            journalled(tmp_path / "journal", Fake(dies=1), options=options)
    assert timeless(journalled(tmp_path / "journal", Fake(), options=options)) == timeless(study_of(options=options))


def test_a_finished_search_is_read_back_without_a_trial_or_a_proposal(tmp_path, monkeypatch):
    from tunewright.search import strategies

    options = replace(OPTIONS, strategy="bayesian")
    first = journalled(tmp_path / "journal", Fake(), options=options)
    monkeypatch.setattr(strategies, "ask", lambda *args: pytest.fail("asked again"))
    again = Fake()
    assert journalled(tmp_path / "journal", again, options=options) == first
    assert not again.calls


def test_every_trial_is_on_disk_before_the_next_begins(tmp_path):
    seen = []

    def counting(params, seed):
        seen.append(len(read_entries(tmp_path / "journal")))
        return truth(params, seed)

    journalled(tmp_path / "journal", Fake(counting))
    assert seen == list(range(9 + 2 * 2))


def test_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch):
    import datetime

    from tunewright.runfolder import journal as journal_module

    days = iter(range(0, -1000, -1))
    later = lambda: (datetime.datetime(2030, 1, 1) + datetime.timedelta(days=next(days))).isoformat()  # noqa: E731
    monkeypatch.setattr(journal_module, "_now", later)
    with pytest.raises(KeyboardInterrupt):
        journalled(tmp_path / "journal", Fake(dies=5))
    assert timeless(journalled(tmp_path / "journal", Fake())) == timeless(study_of())


# Failures


class Crash(RuntimeError):
    """What a library throws: out of memory, a matrix that is singular."""


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        (lambda: math.nan, "undefined"),
        (lambda: -math.inf, "undefined"),
        (lambda: math.inf, "undefined"),
        (lambda: _throw(TrainingError("Losses must be finite.\nGot NaN.")), "Losses must be finite. Got NaN."),
        (lambda: _throw(MemoryError()), "MemoryError"),
        (lambda: _throw(Crash("CUDA out of memory")), "Crash: CUDA out of memory"),
        (lambda: _throw(ValueError("x" * 5000)), "ValueError: xxx"),
        (lambda: _throw(ZeroDivisionError("division by zero")), "ZeroDivisionError: division by zero"),
    ],
)
def test_failures_are_recorded_with_why_and_never_win(tmp_path, fails, says):
    def score(params, seed):
        return fails() if params["kind"] == "full" else truth(params, seed)

    study = journalled(tmp_path / "journal", Fake(score, epochs=0))
    assert {one.state for one in study.trials} == {"complete", "failed"}
    for one in study.trials:
        assert (one.state == "failed") == (one.params["kind"] == "full") == (one.score is None)
        assert not one.why or (says in one.why and len(one.why) < 400 and "\n" not in one.why)
    assert study.best.params["kind"] == "head" and math.isfinite(study.best.score)


def _throw(error):
    raise error


def test_a_mistake_of_the_program_is_no_failed_trial():
    with pytest.raises(AttributeError):
        study_of(Fake(lambda params, seed: params.no_such_thing))


def test_epochs_whose_metric_is_undefined_leave_no_step(tmp_path):
    def objective(params, *, seed, report):
        report(0, math.nan)
        report(1, -math.inf)
        report(2, 0.5)
        return 0.6

    study = journalled(tmp_path / "journal", objective)
    assert all(one.steps == ((2, 0.5),) and one.state == "complete" for one in study.trials)


def test_all_failing_is_an_error_that_says_why():
    with pytest.raises(TrainingError) as ended:
        study_of(Fake(lambda params, seed: _throw(TrainingError(f"Bad {params['kind']}."))))
    said = str(ended.value)
    assert "All 9 failed" in said and "Bad full." in said and "Bad head." in said and said.count("Bad full.") == 1
    assert "Narrow the space" in said


def test_a_huge_loss_is_a_score_like_any_other():
    """Squared errors of national budgets pass a thousand million."""
    setup = replace(SETUP, metric="root_mean_squared_error", sign=-1)
    study = study_of(Fake(lambda params, seed: 1e13 * (truth(params, seed) - 2), epochs=0), setup=setup)
    assert all(one.state == "complete" and one.score > 1e12 for one in study.trials)
    assert study.best.score == pytest.approx(min(one.score for one in study.trials), rel=0.2)


# Time


def test_a_budget_too_small_for_one_trial_is_a_wrong_plan():
    fake = Fake(seconds=0.2)
    with pytest.raises(PlanError, match=r"budget.minutes must allow one trial. 0.001 minutes"):
        study_of(fake, setup=replace(SETUP, minutes=0.001))
    assert len(fake.calls) == 1


@pytest.mark.parametrize("strategy", ["random", "bayesian"])
def test_the_time_budget_is_kept_within_a_tenth_and_the_finalists_get_their_share(strategy):
    study_of(options=replace(OPTIONS, strategy=strategy, trials=7))  # what is loaded once is loaded
    seconds, fake = 1.5, Fake(seconds=0.05)
    started = time.monotonic()
    study = study_of(
        fake,
        setup=replace(SETUP, minutes=seconds / 60),
        options=replace(OPTIONS, strategy=strategy, trials=10_000, finalists=2, seeds=3),
    )
    took = time.monotonic() - started
    assert 0.75 * seconds <= study.seconds <= 1.1 * seconds
    assert took <= 1.1 * seconds + 0.3  # what follows the trials is not theirs
    assert study.why_ended == "the 0.025 minutes of the budget"
    assert len(study.best.seeds) >= 2
    assert {one.state for one in study.trials} <= {"complete", "stopped"}


def test_a_trial_that_passes_the_budget_is_stopped_where_it_reports():
    calls = []

    def objective(params, *, seed, report):
        calls.append(params)
        for epoch in range(200):
            time.sleep(0.02 if len(calls) == 3 else 0.0)
            report(epoch, 0.5)
        return 0.5

    study = study_of(objective, setup=replace(SETUP, minutes=0.6 / 60))
    assert [one.state for one in study.trials] == ["complete", "complete", "stopped"]
    assert study.trials[2].score is None and 1 < len(study.trials[2].steps) < 60
    assert study.seconds < 0.8 and "minutes of the budget" in study.why_ended


def test_without_a_budget_time_does_not_count():
    assert len(study_of().trials) == 9


# Finalists


def test_finalists_get_further_seeds_and_the_best_mean_wins():
    def lucky(params, seed):
        """The standard values are lucky with the search's own seed, and poor otherwise."""
        if params == STANDARD:
            return 0.99 if seed == 7 else 0.5
        return truth(params)

    fake = Fake(lucky)
    study = study_of(fake)
    repeats = fake.calls[9:]
    assert [seed for _, seed in repeats] == [8, 8, 9, 9]  # all have a second seed before one has a third
    assert study.trials[0].score == 0.99 == max(one.score for one in study.trials)
    assert study.best.params != STANDARD and len(study.best.seeds) == 3
    assert study.best.score == pytest.approx(sum(study.best.seeds) / 3)
    assert study.seed_spread > 0.1


def test_what_has_fewer_seeds_cannot_win():
    """A finalist that fails with another seed stands there with its first, lucky score."""

    def fragile(params, seed):
        if params == STANDARD:
            return 0.99 if seed == 7 else math.nan
        return truth(params)

    study = study_of(Fake(fragile))
    assert study.best.params != STANDARD and len(study.best.seeds) == 3


def test_one_seed_and_one_finalist_repeat_nothing():
    fake = Fake()
    study = study_of(fake, options=replace(OPTIONS, finalists=1, seeds=1))
    assert len(fake.calls) == 9 and study.seed_spread is None
    assert study.best.score == max(one.score for one in study.trials) and study.best.seeds == (study.best.score,)


def test_seeds_stay_below_their_bound():
    fake = Fake()
    study_of(fake, setup=replace(SETUP, seed=2**32 - 1))
    assert {seed for _, seed in fake.calls} == {2**32 - 1, 0, 1}


# Directions, pruning, telling


def test_where_lower_is_better_records_hold_natural_units():
    setup = replace(SETUP, metric="log_loss", sign=-1)
    higher, lower = study_of(), study_of(Fake(lambda params, seed: truth(params, seed)), setup=setup)
    assert not lower.greater_is_better and higher.greater_is_better
    for one, other in zip(higher.trials, lower.trials, strict=True):
        assert other.score == -one.score and other.params == one.params
        assert other.steps == tuple((epoch, -value) for epoch, value in one.steps)
    assert lower.best.params == higher.best.params and lower.best.score == -higher.best.score
    assert lower.best.seeds == tuple(-one for one in higher.best.seeds)
    assert lower.seed_spread == higher.seed_spread
    assert [(one.effect, one.matters) for one in lower.impact] == [(one.effect, one.matters) for one in higher.impact]


def test_laggards_are_pruned_and_finalists_are_not():
    fake = Fake(epochs=3)
    study = study_of(fake, options=replace(OPTIONS, trials=16, prune=True))
    pruned = [one for one in study.trials if one.state == "pruned"]
    assert 3 <= len(pruned) <= 13 and study.trials[0].state == "complete"
    assert all(one.score is None and one.steps[-1][0] in (1, 2) for one in pruned)
    assert max(one.score for one in study.trials if one.score is not None) >= max(
        truth(one.params, 7) for one in study.trials
    )
    assert len(study.best.seeds) == 3


def test_pruning_can_be_switched_off():
    assert {one.state for one in study_of(options=replace(OPTIONS, trials=16)).trials} == {"complete"}


def test_the_search_tells_of_every_trial_and_finalist():
    heard: list[Event] = []
    study_of(run=RunContext(observe=heard.append), setup=replace(SETUP, metric="log_loss", sign=-1))
    texts = [event.text for event in heard]
    assert len(texts) == 9 + 4
    assert texts[0].startswith("Trial 1 of 9: log_loss -0.8") and texts[0].endswith("complete.")
    assert texts[-1].startswith("Finalist of trial")


def test_impact_is_sorted_and_names_what_was_varied():
    study = study_of(options=replace(OPTIONS, trials=24))
    assert [one.effect for one in study.impact] == sorted((one.effect for one in study.impact), reverse=True)
    assert {one.name for one in study.impact} == {"rate", "kind", "epochs"}
    assert study.impact[0].name == "rate" and study.impact[0].matters


def test_giving_up_knows_its_state():
    assert GivenUp("pruned").state == "pruned"
