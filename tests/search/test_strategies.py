"""Conformance of every strategy of `STRATEGIES`, the grid's completeness, and what the bayesian one is worth."""

import math
import subprocess
import sys

import numpy as np
import pytest

from tunewright.errors import PlanError
from tunewright.records import Trial
from tunewright.search.space import Dimension, combinations
from tunewright.search.strategies import STRATEGIES, Bayesian, Grid, Random, fits

TRAIN = Dimension(name="model.train", choices=("head", "full", "lora"))
SPACES = {
    "numbers": (
        Dimension(name="lr", low=1e-5, high=1e-2, log=True),
        Dimension(name="epochs", low=1, high=9, whole=True),
        Dimension(name="decay", low=0.0, high=1.0),
    ),
    "mixed": (
        Dimension(name="lr", low=1e-5, high=1e-2, log=True),
        TRAIN,
        Dimension(name="dropout", choices=(0.0, 0.1, "auto")),
    ),
    "conditional": (
        # Written before what it depends on, and two steps deep.
        Dimension(name="rank", low=1, high=64, log=True, whole=True, when={"lr": (1e-4,)}),
        Dimension(name="lr", choices=(1e-5, 1e-4), when={"model.train": ("full", "lora")}),
        TRAIN,
    ),
    "one value": (Dimension(name="lr", low=0.1, high=0.1), Dimension(name="c", choices=("only",))),
}
KINDS = (*(kind() for kind in STRATEGIES), Bayesian(sampler="gp"))
every_strategy = pytest.mark.parametrize("strategy", KINDS, ids=lambda one: f"{one.kind}-{getattr(one, 'sampler', '')}")
every_space = pytest.mark.parametrize("space", SPACES)


def trial(number, params, score, **more):
    state = more.pop("state", "complete" if score is not None else "failed")
    return Trial(
        number=number,
        params={name: value if isinstance(value, str) else float(value) for name, value in params.items()},
        score=score,
        seconds=1.0,
        state=state,
        **more,
    )


def a_past(space, count, seed=0):
    """Trials with every state, a first one beyond the space, and scores that follow from nothing."""
    rng = np.random.default_rng(seed)
    past = [trial(0, {"lr": 5.0, "gone": "x"}, 0.5)]
    for number in range(1, count):
        params = Random().propose(SPACES[space], (), seed=seed, number=number)
        state = ("complete", "complete", "pruned", "failed", "stopped")[number % 5]
        score = float(rng.random()) if state == "complete" else None
        past.append(trial(number, params, score, state=state, steps=((0, 0.1), (1, float(rng.random())))))
    return past


@every_space
@every_strategy
@pytest.mark.parametrize("known", [0, 14])
def test_proposals_lie_in_the_space_and_conditions_hold(strategy, space, known):
    dimensions, past = SPACES[space], a_past(space, known) if known else []
    for number in range(max(known, 1), max(known, 1) + 3):
        params = strategy.propose(dimensions, past, seed=3, number=number)
        if params is None:
            assert isinstance(strategy, Grid)
            return
        assert fits(params, dimensions)
        assert {name for name in params} == {one.name for one in dimensions if one.holds(params)}
        whole = [one.name for one in dimensions if one.whole and one.name in params]
        assert all(float(params[name]).is_integer() for name in whole)
        past = [*past, trial(number, params, 0.5)]


@every_space
@every_strategy
def test_proposals_follow_from_seed_number_and_past_alone(strategy, space):
    dimensions, past = SPACES[space], a_past(space, 12)
    before = [str(one) for one in past]
    np.random.seed(1)
    one = strategy.propose(dimensions, past, seed=5, number=12)
    np.random.seed(2)
    strategy.propose(dimensions, past[:3], seed=6, number=3)  # a neighbour leaves no trace
    two = type(strategy)(**_knobs(strategy)).propose(list(dimensions), list(past), seed=5, number=12)
    assert one == two
    assert before == [str(one) for one in past]


def _knobs(strategy):
    return {"sampler": strategy.sampler} if isinstance(strategy, Bayesian) else {}


@pytest.mark.parametrize("strategy", [Random(), Bayesian(), Bayesian(sampler="gp")], ids=["random", "tpe", "gp"])
def test_seed_and_number_matter(strategy):
    space = SPACES["numbers"]
    drawn = [strategy.propose(space, (), seed=s, number=n)["lr"] for s in range(3) for n in range(1, 4)]
    assert len(set(drawn)) == len(drawn)


def test_proposals_are_the_same_in_another_process():
    code = (
        "from tunewright.search.space import Dimension; from tunewright.search.strategies import Bayesian;"
        "print(Bayesian().propose([Dimension(name='a', low=0, high=1), Dimension(name='b', choices=('x', 'y', 'z'))],"
        "(), seed=4, number=7))"
    )
    space = [Dimension(name="a", low=0, high=1), Dimension(name="b", choices=("x", "y", "z"))]
    here = Bayesian().propose(space, (), seed=4, number=7)
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(here)


@pytest.mark.parametrize("space", ["mixed", "conditional", "one value"])
def test_grid_visits_every_combination_once(space):
    dimensions, past = SPACES[space], []
    while (params := Grid().propose(dimensions, past, seed=1, number=len(past))) is not None:
        past.append(trial(len(past), params, None if len(past) % 3 else 0.5))  # a failure is not tried again
    every = combinations(dimensions)
    assert len(past) == len(every)
    assert {frozenset(one.params.items()) for one in past} == {frozenset(params.items()) for params in every}


def test_grid_counts_the_first_trial_where_it_is_a_combination():
    dimensions = (TRAIN,)
    past = [trial(0, {"model.train": "full"}, 0.5)]
    for number in (1, 2):
        past.append(trial(number, Grid().propose(dimensions, past, seed=0, number=number), 0.5))
    assert {one.params["model.train"] for one in past} == set(TRAIN.choices)
    assert Grid().propose(dimensions, past, seed=0, number=3) is None


def test_a_grid_cut_short_is_drawn_at_random():
    dimensions = SPACES["numbers"]
    first = [Grid().propose(dimensions, (), seed=seed, number=1)["lr"] for seed in range(12)]
    assert len(set(first)) >= 3


def test_an_endless_grid_is_refused():
    with pytest.raises(PlanError, match="at most 100,000 combinations"):
        Grid().propose([Dimension(name=f"d{n}", low=0, high=1) for n in range(12)], (), seed=0, number=1)


def test_random_ignores_the_past():
    dimensions = SPACES["mixed"]
    alone = Random().propose(dimensions, (), seed=2, number=9)
    assert alone == Random().propose(dimensions, a_past("mixed", 9), seed=2, number=9)


def surface(params):
    """Best at lr 3e-4 and one choice of three; a slope beside it."""
    distance = math.log10(params["lr"] / 3e-4)
    return -(distance**2) - {"head": 1.0, "full": 0.0, "lora": 0.5}[params["model.train"]] - 0.2 * params["decay"]


PLANTED = (Dimension(name="lr", low=1e-6, high=1e-1, log=True), TRAIN, Dimension(name="decay", low=0.0, high=1.0))


def best_of(strategy, seed, trials):
    past = []
    for number in range(trials):
        params = strategy.propose(PLANTED, past, seed=seed, number=number)
        past.append(trial(number, params, surface(params)))
    return max(one.score for one in past)


def test_bayesian_beats_random_on_a_planted_surface_on_average():
    def mean(strategy, seeds, trials):
        return np.mean([best_of(strategy, seed, trials) for seed in range(seeds)])

    assert mean(Bayesian(), 10, 30) > mean(Random(), 10, 30) + 0.02
    assert mean(Bayesian(sampler="gp"), 3, 11) > mean(Random(), 10, 11) + 0.1


def test_trials_beyond_the_space_do_not_disturb():
    """The first trial's standard values may lie outside; choices of an older space may be gone."""
    for params in ({"lr": 5.0}, {"lr": "auto"}, {"model.train": "probe"}, {"unknown": 1.0}):
        past = [trial(0, params, 0.9)]
        assert not fits(params, SPACES["mixed"])
        assert Bayesian().propose(SPACES["mixed"], past, seed=0, number=1) is not None
