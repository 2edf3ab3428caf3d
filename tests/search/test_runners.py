"""Trials in processes of their own (FAULTS 7): killed ones are tried again, none is stuck, none is left behind."""

import multiprocessing
import os
import time
from dataclasses import replace

import pytest

from tunewright.errors import TrainingError
from tunewright.records import Trial, to_json
from tunewright.runfolder import Journal, read_entries
from tunewright.runfolder.context import RunContext
from tunewright.search.attempt import Job
from tunewright.search.course import Setup
from tunewright.search.options import SearchOptions
from tunewright.search.runners import Processes
from tunewright.search.space import Dimension
from tunewright.search.strategies import Bayesian, Grid, Random, fits
from tunewright.search.study import run_study

RATE = Dimension(name="rate", low=0.0, high=1.0)
KIND = Dimension(name="kind", choices=("calm", "deadly"))
SETUP = Setup(dimensions=(RATE,), standard={"rate": 0.5}, metric="accuracy", sign=1, seed=3)
OPTIONS = SearchOptions(strategy="random", trials=6, prune=False, finalists=1, seeds=2, workers=2)

# Processes import what they run by name, so it lies in a module of its own.
MODULE = '''
import os, signal, time
from pathlib import Path
from dataclasses import dataclass

@dataclass
class Make:
    """Makes an objective that behaves as `how` says and leaves its marks in a folder."""

    folder: str
    how: str

    def __call__(self):
        if self.how == "broken":
            raise OSError("no such model")
        Path(self.folder, f"made-{os.getpid()}").write_text(os.environ["OMP_NUM_THREADS"])
        return self.objective

    def objective(self, params, *, seed, report):
        folder = Path(self.folder)
        mark = folder / f"tried-{params['rate']:.6f}-{seed}"
        with mark.open("a") as file:
            file.write(f"{os.getpid()}\\n")
        tries = len(mark.read_text().split())
        if self.how == "meet":  # goes on only once another trial is under way
            start = time.monotonic()
            while len(list(folder.glob("tried-*"))) < 2 and time.monotonic() - start < 60:
                time.sleep(0.01)
        if self.how == "once" and tries == 1 and params["rate"] == 0.5:
            report(0, 0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        if params.get("kind") == "deadly":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "raise" and params["rate"] == 0.5:
            raise RuntimeError("out of memory")
        report(0, 0.5)
        if self.how == "lag":
            report(1, params["rate"])
        if self.how == "hang":
            time.sleep(600)
        return 1 - (params["rate"] - 0.7) ** 2
'''


@pytest.fixture
def make(tmp_path, monkeypatch):
    """(how) to a maker of objectives."""
    (tmp_path / "objectives_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import objectives_of_a_test

    (tmp_path / "marks").mkdir()
    return lambda how="": objectives_of_a_test.Make(str(tmp_path / "marks"), how)


def study_of(maker, *, options=OPTIONS, setup=SETUP, run=None):
    study = run_study(_never, setup, options, run or RunContext(), elsewhere=maker)
    assert multiprocessing.active_children() == []
    return study


def _never(params, *, seed, report):
    raise AssertionError("it ran here")


def tries(tmp_path):
    return {path.name: path.read_text().split() for path in (tmp_path / "marks").glob("tried-*")}


def test_the_study_is_of_the_same_kind_and_two_run_at_a_time(make, tmp_path):
    study = study_of(make("meet"))
    assert [one.number for one in study.trials] == list(range(6))
    assert {one.state for one in study.trials} == {"complete"} and study.trials[0].params == {"rate": 0.5}
    assert len(study.best.seeds) == 2 and study.why_ended == "the 6 trials of the plan"
    made = list((tmp_path / "marks").glob("made-*"))
    assert len(made) == 2  # each made its objective once
    assert {path.read_text() for path in made} == {str(max((os.cpu_count() or 1) // 2, 1))}
    pids = {pid for one in tries(tmp_path).values() for pid in one}
    assert len(pids) == 2 and str(os.getpid()) not in pids


def test_what_random_tries_does_not_depend_on_the_workers(make):
    alone = run_study(make().objective, SETUP, replace(OPTIONS, workers=1), RunContext())
    assert [one.params for one in study_of(make()).trials] == [one.params for one in alone.trials]
    assert [one.score for one in study_of(make()).trials] == [one.score for one in alone.trials]


def test_a_killed_trial_is_tried_again_with_the_same_values(make, tmp_path):
    with Journal(tmp_path / "journal") as journal:
        study = study_of(make("once"), run=RunContext(decide=journal.decide))
    assert {one.state for one in study.trials} == {"complete"} and len(study.trials) == 6
    assert study.trials[0].steps == ((0, 0.5),)  # of the second try alone
    assert len(tries(tmp_path)["tried-0.500000-3"]) == 2
    names = [entry.data["name"] for entry in read_entries(tmp_path / "journal")]
    assert len(names) == len(set(names)) == 7


def test_a_trial_that_always_kills_its_process_has_failed_and_none_is_stuck(make, tmp_path):
    setup = replace(SETUP, dimensions=(RATE, KIND), standard={"rate": 0.5, "kind": "deadly"})
    study = study_of(make(), setup=setup, options=replace(OPTIONS, trials=4))
    states = {one.params["kind"]: one.state for one in study.trials}
    assert states == {"deadly": "failed", "calm": "complete"}
    failed = [one for one in study.trials if one.state == "failed"]
    assert all("died 3 times, at last with signal 9" in one.why and one.score is None for one in failed)
    counted = tries(tmp_path)
    assert all(len(counted[f"tried-{one.params['rate']:.6f}-3"]) == 3 for one in failed)
    assert study.best.params["kind"] == "calm"


def test_where_every_process_dies_the_search_ends_with_an_error(make):
    setup = replace(SETUP, dimensions=(RATE, KIND), standard={"rate": 0.5, "kind": "deadly"})
    with pytest.raises(TrainingError, match=r"All 1 failed: Its process died 3 times"):
        study_of(make(), setup=setup, options=replace(OPTIONS, trials=1))


def test_an_error_in_a_trial_is_its_own_affair(make, tmp_path):
    study = study_of(make("raise"))
    assert [one.state for one in study.trials].count("failed") == 1
    assert study.trials[0].why == "RuntimeError: out of memory"
    assert len(tries(tmp_path)["tried-0.500000-3"]) == 1


def test_a_process_that_cannot_begin_ends_the_search_at_once(make):
    with pytest.raises(TrainingError, match=r"One could not: OSError: no such model"):
        study_of(make("broken"))
    assert multiprocessing.active_children() == []


def test_laggards_are_given_up_over_the_pipe(make):
    study = study_of(make("lag"), options=replace(OPTIONS, trials=14, prune=True))
    pruned = [one for one in study.trials if one.state == "pruned"]
    assert pruned and all(one.steps[-1] == (1, one.params["rate"]) for one in pruned)
    assert max(one.params["rate"] for one in pruned) < max(one.params["rate"] for one in study.trials)


@pytest.mark.parametrize("finished", [0, 3])
def test_an_interrupted_search_leaves_no_process_and_goes_on(make, tmp_path, finished):
    class Interrupted(BaseException):
        pass

    def interrupt(event):
        if len(read_entries(tmp_path / "journal")) >= finished:
            raise Interrupted

    with Journal(tmp_path / "journal") as journal, pytest.raises(Interrupted):
        run_study(_never, SETUP, OPTIONS, RunContext(decide=journal.decide, observe=interrupt), elsewhere=make())
    assert multiprocessing.active_children() == []
    before = [entry.data["value"] for entry in read_entries(tmp_path / "journal")]
    with Journal(tmp_path / "journal") as journal:
        study = study_of(make(), run=RunContext(decide=journal.decide))
    assert [one.number for one in study.trials] == list(range(6))
    assert all(value in to_json(study)["trials"] for value in before) and before
    names = [entry.data["name"] for entry in read_entries(tmp_path / "journal")]
    assert len(names) == len(set(names)) == 7


def test_a_journal_with_holes_is_filled(make, tmp_path):
    """Trial 1 was under way when the search was killed; trials 0 and 2 had ended."""
    first = study_of(make())
    with Journal(tmp_path / "journal") as journal:
        for number in (0, 2):
            journal.decide(f"trial {number}", lambda one=first.trials[number]: to_json(one))
    for path in (tmp_path / "marks").glob("tried-*"):
        path.unlink()
    with Journal(tmp_path / "journal") as journal:
        study = study_of(make(), run=RunContext(decide=journal.decide))
    assert [one.params for one in study.trials] == [one.params for one in first.trials]
    assert len(tries(tmp_path)) == 4 + 1  # trials 1, 3, 4, 5 and the finalist's second seed


def test_a_trial_that_hangs_ends_with_the_search(make, tmp_path):
    class Interrupted(BaseException):
        pass

    started = time.monotonic()
    with pytest.raises(Interrupted), Processes(make("hang"), 2, 1) as runner:
        for number in (0, 1):
            runner.begin(Job(name=str(number), number=number, params={"rate": number / 2}, seed=0, prunable=False))
        while len(tries(tmp_path)) < 2 and time.monotonic() - started < 60:
            time.sleep(0.02)
        raise Interrupted
    assert multiprocessing.active_children() == []
    assert time.monotonic() - started < 60


# Proposals while others are under way


def test_grid_does_not_try_what_is_under_way():
    space = (KIND,)
    first = Grid().propose(space, (), seed=0, number=1)
    second = Grid().propose(space, (), [first], seed=0, number=2)
    assert {first["kind"], second["kind"]} == set(KIND.choices)
    assert Grid().propose(space, (), [first, second], seed=0, number=3) is None


@pytest.mark.parametrize("strategy", [Random(), Bayesian(), Bayesian(sampler="gp")], ids=["random", "tpe", "gp"])
def test_proposals_beside_others_lie_in_the_space_and_follow_from_them(strategy):
    past = [
        Trial(number=n, params={"rate": n / 10}, score=-((n / 10 - 0.7) ** 2), seconds=1.0, state="complete")
        for n in range(10)
    ]
    running = [{"rate": 0.7}, {"rate": 9.0}]  # the second lies outside, as standard values may
    one = strategy.propose([RATE], past, running, seed=1, number=12)
    assert fits(one, [RATE]) and one == strategy.propose([RATE], past, running, seed=1, number=12)


def test_tpe_keeps_away_from_what_is_under_way():
    past = [
        Trial(number=n, params={"rate": n / 10}, score=-((n / 10 - 0.7) ** 2), seconds=1.0, state="complete")
        for n in range(11)
    ]
    crowd = [{"rate": 0.7}] * 6

    def distance(running):
        drawn = [Bayesian().propose([RATE], past, running, seed=seed, number=12)["rate"] for seed in range(20)]
        return sum(abs(rate - 0.7) for rate in drawn) / 20

    assert distance(crowd) > distance(())
