"""What matters and what does not: planted effects, pure noise, known sizes, seeds, trials that were given up."""

import time

import numpy as np
import pytest

from tunewright.records import Trial
from tunewright.search.impact import FEWEST, impact
from tunewright.search.space import Dimension

SPACE = (
    Dimension(name="rate", low=1e-5, high=1e-3, log=True),
    Dimension(name="epochs", low=1, high=8, whole=True),
    Dimension(name="kind", choices=("a", "b", "c")),
    Dimension(name="dropout", low=0.0, high=0.5),
)
RATE, KIND = 0.05, 0.02  # half of what lies between the best and the worst


def planted(params):
    return RATE * (np.log10(params["rate"]) + 4) + KIND * "abc".index(params["kind"])


def bent(params):
    """Best in the middle."""
    return -0.4 * ((np.log10(params["rate"]) + 5) / 2 - 0.5) ** 2


def nothing(params):
    return 0.0


def made(seed, truth, *, trials=20, noise=0.01):
    rng = np.random.default_rng(seed)
    found = []
    for number in range(trials):
        params = {
            "rate": float(10 ** rng.uniform(-5, -3)),
            "epochs": float(rng.integers(1, 9)),
            "kind": str(rng.choice(["a", "b", "c"])),
            "dropout": float(rng.uniform(0, 0.5)),
        }
        score = float(0.8 + truth(params) + noise * rng.normal())
        found.append(Trial(number=number, params=params, score=score, seconds=1.0, state="complete"))
    return found


def of(trials, space=SPACE, *, spread=None, seed=0):
    return {one.name: one for one in impact(trials, space, spread=spread, seed=seed)}


def test_planted_effects_matter_and_the_rest_does_not():
    found = [of(made(seed, planted), seed=seed) for seed in range(30)]
    share = {name: np.mean([one[name].matters for one in found]) for name in ("rate", "epochs", "kind", "dropout")}
    assert share["rate"] == 1 and share["kind"] >= 0.9
    assert share["epochs"] <= 0.1 and share["dropout"] <= 0.1
    assert all(one["rate"].effect > one["kind"].effect for one in found)


def test_pure_noise_rarely_raises_an_alarm():
    """At most one search in twenty is meant to name something; 40 searches name at most 5 (chance of more: 1 %)."""
    alarms = [
        any(one.matters for one in impact(made(seed, nothing), SPACE, spread=None, seed=seed)) for seed in range(40)
    ]
    assert sum(alarms) <= 5


def test_an_effect_in_the_middle_of_a_range_is_seen():
    found = [of(made(seed, bent, trials=30), seed=seed)["rate"] for seed in range(15)]
    assert np.mean([one.matters for one in found]) >= 0.85


def test_intervals_cover_known_effects():
    found = [of(made(seed, planted), seed=seed) for seed in range(40)]
    assert np.mean([one["rate"].low <= RATE <= one["rate"].high for one in found]) >= 0.7
    assert np.mean([one["kind"].low <= KIND <= one["kind"].high for one in found]) >= 0.8
    assert np.mean([one["rate"].effect for one in found]) == pytest.approx(RATE, rel=0.2)
    assert np.mean([one["kind"].effect for one in found]) == pytest.approx(KIND, rel=0.2)


def test_more_trials_tell_more():
    few, many = (of(made(1, planted, trials=trials))["rate"] for trials in (12, 150))
    assert many.high - many.low < few.high - few.low
    assert many.effect == pytest.approx(RATE, rel=0.15)


def test_effects_are_in_units_of_the_metric():
    trials = made(2, planted)
    scaled = [Trial(**{**_fields(one), "score": 1000 * one.score}) for one in trials]
    one, thousand = of(trials), of(scaled)
    for name in one:
        assert thousand[name].effect == pytest.approx(1000 * one[name].effect, rel=1e-6)
        assert thousand[name].noise_floor == pytest.approx(1000 * one[name].noise_floor, rel=1e-6)
        assert thousand[name].matters == one[name].matters


def test_the_direction_of_the_metric_changes_nothing():
    trials = made(3, planted)
    turned = of([Trial(**{**_fields(one), "score": -one.score}) for one in trials])
    for name, one in of(trials).items():
        assert turned[name].effect == pytest.approx(one.effect, rel=1e-6)


def test_the_floor_rises_with_the_spread_of_seeds():
    trials = made(4, planted)
    calm, wild = of(trials), of(trials, spread=0.5)
    assert calm["rate"].matters and not wild["rate"].matters
    assert all(wild[name].noise_floor > calm[name].noise_floor for name in calm)
    assert all(one.noise_floor == pytest.approx(1.96 * 0.5 / 2**0.5) for one in wild.values())


def test_intervals_hold_the_effect_and_numbers_are_finite():
    for seed in range(5):
        for one in impact(made(seed, planted, trials=9), SPACE, spread=0.01, seed=seed):
            assert 0 <= one.low <= one.effect <= one.high
            assert np.isfinite([one.low, one.effect, one.high, one.noise_floor]).all()
            assert one.matters == (one.effect > one.noise_floor)


def test_equal_scores_mean_nothing():
    assert not any(one.matters for one in impact(made(0, nothing, noise=0.0), SPACE, spread=None, seed=0))


def test_too_few_trials_say_nothing():
    assert impact(made(0, planted, trials=FEWEST - 1), SPACE, spread=None, seed=0) == []
    assert impact(made(0, planted, trials=FEWEST), SPACE, spread=None, seed=0)


def test_failed_trials_and_those_beyond_the_space_are_left_out():
    trials = made(0, planted)
    failed = Trial(number=20, params=trials[0].params, score=None, seconds=1.0, state="failed", steps=((1, -9.0),))
    beyond = Trial(number=21, params={**trials[0].params, "rate": 5.0}, score=-9.0, seconds=1.0, state="complete")
    assert impact([*trials, failed, beyond], SPACE, spread=None, seed=0) == impact(trials, SPACE, spread=None, seed=0)


def test_what_was_not_varied_is_not_named():
    space = (*SPACE, Dimension(name="fixed", choices=("x",)))
    trials = [Trial(**{**_fields(one), "params": {**one.params, "fixed": "x"}}) for one in made(0, planted)]
    assert set(of(trials, space)) == {one.name for one in SPACE}


def test_a_conditional_effect_is_told_from_what_switches_it_on():
    space = (
        Dimension(name="kind", choices=("head", "full")),
        Dimension(name="rate", low=0.0, high=1.0, when={"kind": ("full",)}),
    )
    rng, trials = np.random.default_rng(0), []
    for number in range(40):
        full = number % 2
        params = {"kind": "full", "rate": float(rng.random())} if full else {"kind": "head"}
        score = 0.1 * params.get("rate", 0.5) + 0.005 * rng.normal()
        trials.append(Trial(number=number, params=params, score=float(score), seconds=1.0, state="complete"))
    found = of(trials, space)
    assert found["rate"].matters and found["rate"].effect == pytest.approx(0.05, rel=0.2)
    assert not found["kind"].matters


def test_trials_given_up_count_with_what_the_others_gained_from_there():
    trials = [Trial(**{**_fields(one), "steps": ((1, one.score - 0.3),)}) for one in made(5, planted, trials=40)]
    cut = [
        Trial(**{**_fields(one), "score": None, "state": "pruned"})
        if one.score < np.median([t.score for t in trials])
        else one
        for one in trials
    ]
    whole, some = of(trials), of(cut)
    assert some["rate"].effect == pytest.approx(whole["rate"].effect, rel=1e-6)


def test_a_gain_from_a_score_of_zero_counts():
    """R² and correlations of exactly 0 are scores like any other."""
    rates = np.linspace(0, 1, 10)
    trials = [
        Trial(number=n, params={"x": float(x)}, score=0.0, seconds=1.0, state="complete", steps=((1, -1.0),))
        for n, x in enumerate(rates)
    ]
    cut = Trial(number=10, params={"x": 0.5}, score=None, seconds=1.0, state="pruned", steps=((1, -1.0),))
    (found,) = impact([*trials, cut], [Dimension(name="x", low=0.0, high=1.0)], spread=None, seed=0)
    assert found.effect < 1e-6  # all stand at 0; taken at -1 the last would bend the curve


def test_a_thousand_trials_take_seconds():
    trials = made(0, planted, trials=1000)
    start = time.process_time()
    impact(trials, SPACE, spread=None, seed=0)
    assert time.process_time() - start < 10


def _fields(one):
    return {name: getattr(one, name) for name in ("number", "params", "score", "seconds", "state", "steps", "why")}
