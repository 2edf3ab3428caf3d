"""Trials on two nodes that share nothing (FAULTS 7): killed ones are tried again, none is stuck or left behind."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tunewright.errors import RunError, TrainingError
from tunewright.remote.cluster import Room, connected, room_for
from tunewright.runfolder.context import RunContext
from tunewright.search import ray_runner
from tunewright.search.attempt import Job
from tunewright.search.course import Setup
from tunewright.search.options import SearchOptions
from tunewright.search.ray_runner import OnRay
from tunewright.search.space import Dimension
from tunewright.search.study import run_study

RATE = Dimension(name="rate", low=0.0, high=1.0)
SETUP = Setup(dimensions=(RATE,), standard={"rate": 0.5}, metric="accuracy", sign=1, seed=3)
OPTIONS = SearchOptions(strategy="random", trials=5, prune=False, finalists=1, seeds=2, workers=2)

# Marks lie where only the test looks; what an objective itself writes lies in its working directory.
MODULE = """
import os, signal, time
from dataclasses import dataclass
from pathlib import Path

@dataclass
class Make:
    marks: str
    how: str = ""

    def __call__(self):
        if self.how == "broken":
            raise OSError("no such model")
        if self.how == "meet":
            assert Path("model/config.json").read_text() == "{}"  # what travelled lies in the working directory
        return self.objective

    def objective(self, params, *, seed, report):
        mark = Path(self.marks, f"tried-{params['rate']:.6f}-{seed}")
        with mark.open("a") as file:
            told = os.getpid(), os.getcwd(), os.environ["TUNEWRIGHT_HOME"], os.environ["OMP_NUM_THREADS"]
            print(*told, file=file)
        Path("mine.txt").write_text(told[1])  # of the same name in every working directory
        tries = len(mark.read_text().splitlines())
        if self.how in ("once", "always") and params["rate"] == 0.5 and (tries == 1 or self.how == "always"):
            report(0, 0.1)
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "meet":
            start = time.monotonic()
            while len(list(Path(self.marks).glob("tried-*"))) < 2 and time.monotonic() - start < 60:
                time.sleep(0.01)
        report(0, 0.5)
        report(1, params["rate"])
        if self.how == "hang":
            time.sleep(600)
        return 1 - (params["rate"] - 0.7) ** 2
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    (tmp_path / "objectives_on_nodes.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)  # an objective that runs here writes here
    import objectives_on_nodes
    from ray import cloudpickle

    (tmp_path / "marks").mkdir()
    cloudpickle.register_pickle_by_value(objectives_on_nodes)  # the nodes cannot import it
    yield lambda how="": objectives_on_nodes.Make(str(tmp_path / "marks"), how)
    cloudpickle.unregister_pickle_by_value(objectives_on_nodes)
    sys.modules.pop("objectives_on_nodes")


@pytest.fixture
def ray(ray_cluster):
    with connected("ray") as found:
        yield found


def never(params, *, seed, report):
    raise AssertionError("it ran here")


def studied(ray, maker, *, options=OPTIONS, setup=SETUP, files=None):
    with OnRay(ray, maker, options.workers, Room(cpus=1), files or {}) as runner:
        return run_study(never, setup, options, RunContext(), runner=runner)


def marks(tmp_path):
    return {
        path.name: [line.split() for line in path.read_text().splitlines()]
        for path in (tmp_path / "marks").glob("tried-*")
    }


def timeless(study):
    trials = tuple(replace(one, seconds=0.0) for one in study.trials)
    return replace(study, trials=trials, seconds=0.0)


def test_two_nodes_give_the_study_that_one_process_gives(ray, make, ray_cluster, tmp_path):
    files = {"model/config.json": b"{}"}
    study = studied(ray, make("meet"), files=files)
    assert timeless(study) == timeless(run_study(make().objective, SETUP, replace(OPTIONS, workers=1), RunContext()))
    here = str(os.getpid())
    elsewhere = [one for tries in marks(tmp_path).values() for one in tries if one[0] != here]
    assert {home for _, _, home, _ in elsewhere} == {str(ray_cluster.base / name / "home") for name in "ab"}
    places = {cwd for _, cwd, _, _ in elsewhere}
    assert len(places) == 2 and str(Path.cwd()) not in places  # a working directory each, of nobody else
    assert {threads for *_, threads in elsewhere} == {"1"}
    assert not [place for place in places if Path(place).exists()]  # tidied up


def test_a_killed_one_is_tried_again(ray, make, tmp_path):
    study = studied(ray, make("once"))
    assert {trial.state for trial in study.trials} == {"complete"} and len(study.trials) == 5
    tries = marks(tmp_path)["tried-0.500000-3"]
    assert len(tries) == 2 and tries[0][0] != tries[1][0]


def test_one_that_always_dies_fails_and_the_others_go_on(ray, make, tmp_path):
    study = studied(ray, make("always"), options=replace(OPTIONS, trials=3))
    assert [trial.state for trial in study.trials] == ["failed", "complete", "complete"]
    assert "died 3 times" in study.trials[0].why and len(marks(tmp_path)["tried-0.500000-3"]) == 3


def test_what_is_under_way_is_ended_when_the_search_is_left(ray, make, tmp_path):
    with pytest.raises(KeyboardInterrupt), OnRay(ray, make("hang"), 2, Room(cpus=1)) as runner:
        runner.begin(Job(name="trial 0", number=0, params={"rate": 0.5}, seed=3, prunable=False))

        def interrupted(job, steps):
            if len(steps) == 2:
                raise KeyboardInterrupt
            return ""

        runner.finish(interrupted)
    (((pid, *_),),) = marks(tmp_path).values()
    psutil.wait_procs([psutil.Process(int(pid))] if psutil.pid_exists(int(pid)) else [], timeout=20)
    assert not psutil.pid_exists(int(pid))


def test_a_trial_for_which_there_is_never_room_is_given_up(ray, make, monkeypatch):
    monkeypatch.setattr(ray_runner, "WAIT", 3.0)
    with OnRay(ray, make(), 1, Room(cpus=64)) as runner:
        job = Job(name="trial 0", number=0, params={"rate": 0.5}, seed=3, prunable=False)
        runner.begin(job)
        assert [one.number for one in runner.running] == [0]
        ended, trial = runner.finish(lambda job, steps: "")
        assert ended.number == 0 and trial.state == "failed" and "64 free CPUs" in trial.why
        runner.begin(job)
        assert runner.finish(lambda job, steps: "stopped")[1].state == "stopped"  # the budget is kept meanwhile
        assert runner.running == []


def test_a_node_that_cannot_run_trials_ends_the_search_and_says_why(ray, make):
    with pytest.raises(TrainingError, match="OSError: no such model"):
        studied(ray, make("broken"))


def test_another_release_there_is_refused(ray, make, monkeypatch):
    monkeypatch.setattr(ray_runner, "__version__", "9.9.9")
    with pytest.raises(RunError, match=r"Here is 9\.9\.9, there"):
        studied(ray, make())


def test_a_search_by_way_of_a_client(ray_cluster, make):
    """As from a laptop: through the port of the cluster's client server."""
    with connected(ray_cluster.client) as ray:
        assert room_for(ray.nodes(), 2) == Room(cpus=1)
        study = studied(ray, make("once"))
    assert timeless(study) == timeless(run_study(make().objective, SETUP, replace(OPTIONS, workers=1), RunContext()))
