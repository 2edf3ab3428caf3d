"""`model.train: auto`: what is tried, when it ends, where the next rung starts, and that a resume changes nothing."""

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from tunewright.learning import finetune, ladder, recipes
from tunewright.learning.finetune import Start, fine_tune
from tunewright.learning.fit import fit, fit_probe_of, weights_digest
from tunewright.learning.ladder import climb
from tunewright.learning.recipes import choose
from tunewright.models.options import ModelOptions
from tunewright.models.outputs import predict_outputs
from tunewright.records import Score, from_json, to_json
from tunewright.records.training import TrainedModel
from tunewright.runfolder.context import RunContext
from tunewright.training.loop import Interrupted
from tunewright.training.options import TrainingOptions

NOBODY = np.zeros(10_000, bool)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Journal:
    """Decisions as a run keeps them: through JSON, and only once."""

    def __init__(self):
        self.kept, self.asked, self.events = {"precision": '{"precision": "float32", "why": "so"}'}, [], []
        self.run = RunContext(decide=self.decide, observe=self.events.append)

    def decide(self, name, make):
        self.asked.append(name)
        if name not in self.kept:
            self.kept[name] = json.dumps(make(), allow_nan=False)
        return json.loads(self.kept[name])


@pytest.fixture
def foot(learned):
    """Judging, choices of `auto`, and the start of a small text problem."""
    _, judging, fitted = learned("text")
    training = TrainingOptions(epochs=3, learning_rate=2e-3)
    choices = choose(judging.problem, ModelOptions(), training, minutes=1e6)
    assert choices.rungs == ("layers:1", "full") and choices.method == "full"
    return judging, choices, Start(fitted.frozen, fit_probe_of(judging, fitted.frozen, strength=None), "float32")


def up(foot, journal=None, *, spent=1.0, suspects=None, **changes):
    judging, choices, start = foot
    run = (journal or Journal()).run
    return climb(judging, replace(choices, **changes), start, run, suspects=suspects, spent=spent)


def names(climbed):
    return [(rung.name, rung.verdict) for rung in climbed.rungs]


def answers(judging, tuned):
    return predict_outputs(tuned.network, judging.problem.inputs["validation"], device=torch.device("cpu"))


def digest(tuned):
    return weights_digest(tuned.network)


def trial_with(monkeypatch, **recipe):
    """The trial rung, with another recipe."""
    real = ladder._trial_of

    def other(choices, name):
        found = real(choices, name)
        return replace(found, recipe=replace(found.recipe, **recipe))

    monkeypatch.setattr(ladder, "_trial_of", other)


def below_probe(foot):
    """The same, as if the probe had been worse than whatever is trained."""
    judging, choices, start = foot
    return judging, choices, replace(start, probe=replace(start.probe, metric=0.01))


def test_a_trial_that_was_no_better_leaves_no_trace(foot, monkeypatch):
    """All layers then train from the probe, to the very bits they would have without the ladder."""
    judging, choices, start = foot
    trial_with(monkeypatch, learning_rate=3.0)
    climbed = up(foot)
    assert climbed.rungs[1].metric < start.probe.metric
    assert [name for name, _ in names(climbed)] == ["probe", "layers:1", "full"]
    plain = fine_tune(judging, replace(choices, rungs=()), start, RunContext())
    assert digest(climbed.tuned) == digest(plain)
    assert [e.metric for e in climbed.tuned.state.history] == [e.metric for e in plain.state.history]
    assert climbed.tuned.method == "full"


def test_a_trial_that_was_better_is_where_the_next_rung_starts(foot, monkeypatch):
    began, real = [], finetune.train

    def watched(network, training, validation, recipe, *, start, around):
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        state = real(network, training, validation, recipe, start=start, around=around)
        began.append((start, weights, {name: value.clone() for name, value in network.state_dict().items()}))
        return state

    heard, hear_all = [], finetune._hear_all
    monkeypatch.setattr(finetune, "train", watched)
    monkeypatch.setattr(
        finetune,
        "_hear_all",
        lambda hear, before, history: hear_all(lambda curve: heard.append(curve) or hear(curve), before, history),
    )
    climbed = up(below_probe(foot), suspects=NOBODY[: len(foot[0].problem.targets["train"])])
    (_, _, tried), (start, weights, _) = began
    trained = {name: value for name, value in weights.items() if name.replace("layer.1", "layer.0") in tried}
    assert start.epoch == 1 and trained
    for name, value in tried.items():  # the trial's network has the upper layer only
        inner = name.replace("encoder.model.layer.0", "encoder.model.encoder.layer.1")
        torch.testing.assert_close(weights[inner], value, rtol=0, atol=0)
    history = climbed.tuned.state.history
    assert [e.epoch for e in history] == [0, 1, 2, 3][: len(history)] and len(history) > 2
    assert history[1] == start and history[1].metric == climbed.rungs[1].metric
    assert [e.seconds for e in history] == sorted(e.seconds for e in history)
    assert climbed.tuned.state.best == max(e.metric for e in history[1:])
    assert climbed.tuned.facts.epochs == 3
    # What is told meanwhile is told of the whole curve: its first point is the probe.
    assert [[e.epoch for e in curve] for curve in heard] == [[0, 1, 2], [0, 1, 2, 3]][: len(history) - 2]
    assert history[-1].updates == history[1].updates == 8


def test_what_is_kept_is_the_best_on_validation(foot):
    judging, _, start = foot
    climbed = up(foot)
    best = max(start.probe.metric, *(e.metric for e in climbed.tuned.state.history))
    outputs = answers(judging, climbed.tuned)
    assert judging.judge(outputs) == pytest.approx(best)


def test_answers_that_are_all_right_leave_nothing_to_train(foot, monkeypatch):
    judging, choices, start = foot
    monkeypatch.setattr(finetune, "train", lambda *a, **k: pytest.fail("nothing was to be trained"))
    climbed = up((judging, choices, replace(start, probe=replace(start.probe, metric=1.0))))
    assert names(climbed) == [("probe", "stopped")] and climbed.tuned.method == "head"
    assert climbed.tuned.state.best_epoch == 0 and len(climbed.tuned.state.history) == 1
    np.testing.assert_allclose(
        answers(judging, climbed.tuned), start.probe.outputs(start.frozen["validation"]), atol=1e-3
    )


@pytest.mark.parametrize(
    ("low", "high", "n", "verdict"),
    [
        (-0.01, 0.02, 5000, "promoted"),  # a gain is possible
        (0.01, 0.02, 5000, "promoted"),  # a gain is there
        (-0.02, 0.004, 5000, "stopped"),  # less than half a point at best
        (-0.02, -0.01, 600, "stopped"),
        (-0.02, 0.004, 599, "promoted"),  # three rows would be half a point
        (0.0, 0.0, 100, "promoted"),
    ],
)
def test_the_next_rung_is_begun_unless_a_gain_is_excluded(foot, low, high, n, verdict):
    gain = Score(value=(low + high) / 2, low=low, high=high, n=n)
    found, why = ladder._verdict(foot[0], gain, 0.9)
    assert found == verdict and "exclude" in why
    assert ladder._verdict(foot[0], None, 0.9)[0] == "promoted"


def test_a_gain_that_is_excluded_ends_the_climb(foot, monkeypatch):
    monkeypatch.setattr(ladder, "FEWEST_ROWS", 1)
    trial_with(monkeypatch, learning_rate=3.0)
    climbed = up(foot)
    assert names(climbed) == [("probe", "promoted"), ("layers:1", "stopped")]
    assert climbed.rungs[1].gain.high < 0.005 and "0.005 is excluded" in climbed.rungs[1].why
    assert climbed.tuned.method == "head" and climbed.tuned.state.best_epoch == 0
    assert digest(climbed.tuned) == digest(fine_tune(foot[0], foot[1], foot[2], RunContext(), stop_after=0))


def test_the_budget_ends_the_climb_and_what_was_better_stays(foot):
    climbed = up(below_probe(foot), minutes=1e-6)
    assert names(climbed) == [("probe", "promoted"), ("layers:1", "stopped")]
    assert "0 s of budget.minutes are left" in climbed.rungs[1].why
    assert climbed.tuned.method == "layers:1" and climbed.tuned.state.best_epoch == 1
    assert climbed.tuned.state.best == climbed.rungs[1].metric
    assert names(up(below_probe(foot), minutes=1000.0))[2][0] == "full"


@pytest.mark.parametrize(
    ("fewest", "minutes", "epochs", "rungs"),
    [
        (10_000, None, "auto", ("full",)),  # whatever the trial gave, it would not end the climb
        (10_000, 5.0, "auto", ("layers:1", "full")),  # it says how long the next one takes
        (10, None, "auto", ("layers:1", "full")),
        (10, None, 1, ("full",)),  # one epoch is not divided
    ],
)
def test_the_rung_between_is_tried_where_it_can_decide(learned, monkeypatch, fewest, minutes, epochs, rungs):
    monkeypatch.setattr(recipes, "FEWEST_ROWS", fewest)
    found = choose(learned("text")[1].problem, ModelOptions(), TrainingOptions(epochs=epochs), minutes=minutes)
    assert found.rungs == rungs and found.method == "full"
    assert ("then full" in found.notes[0]) == bool(rungs[1:])


def test_without_the_rung_between_auto_is_full_to_the_bit(learn, make_rows):
    frame, fits = make_rows("text", 90), []
    for train in ("auto", "full"):
        fits.append(learn("text", frame, model={"train": train}, training={"epochs": 2})[2].trained)
    auto, full = fits
    assert auto.digest == full.digest and auto.method == full.method
    assert [rung.name for rung in auto.rungs] == ["probe", "full"] and full.rungs == ()


def test_decisions_are_journalled_and_not_made_again(foot):
    journal = Journal()
    first = up(foot, journal)
    asked = ["rung probe", "rung layers:1 prefix layers:1", "rung layers:1 memory", "rung layers:1", "rung full memory"]
    assert journal.asked == asked
    again = up(foot, journal)
    assert digest(again.tuned) == digest(first.tuned) and again.rungs[:2] == first.rungs[:2]
    told = json.loads(journal.kept["rung layers:1"]) | {"verdict": "stopped", "why": "the journal says so"}
    journal.kept["rung layers:1"] = json.dumps(told)
    stopped = up(foot, journal)
    assert [rung.why for rung in stopped.rungs][1:] == ["the journal says so"]
    assert any("the journal says so" in event.text for event in journal.events)


@pytest.mark.parametrize("checks", [5, 8, 10, 20])
@pytest.mark.parametrize("better", [False, True])
def test_stopped_anywhere_and_continued_it_ends_at_the_same_bits(foot, tmp_path, checks, better):
    """In the trial, between the rungs, and in the last one; whether or not that starts from the trial."""
    foot = below_probe(foot) if better else foot
    expected = up(foot)
    journal, asked = Journal(), iter(range(10_000))
    calm = replace(journal.run, checkpoints=tmp_path)
    journal.run = replace(calm, stop=lambda: signal.SIGTERM if next(asked) == checks else None)
    with pytest.raises(Interrupted):
        up(foot, journal)
    journal.run = calm
    continued = up(foot, journal)
    assert digest(continued.tuned) == digest(expected.tuned)
    assert [e.metric for e in continued.tuned.state.history] == [e.metric for e in expected.tuned.state.history]
    assert names(continued) == names(expected)


def test_a_run_tells_its_rungs(learn, make_rows, monkeypatch):
    monkeypatch.setattr(recipes, "FEWEST_ROWS", 10)
    _, judging, fitted = learn("text", make_rows("text", 150), model={"train": "auto"}, training={"epochs": 2})
    trained = fitted.trained
    assert [rung.name for rung in trained.rungs] == ["probe", "layers:1", "full"]
    assert from_json(TrainedModel, json.loads(json.dumps(to_json(trained), allow_nan=False))) == trained
    probe, trial, _ = trained.rungs
    assert probe.gain is None and probe.metric == trained.history[0].metric
    assert trial.gain.n == len(judging.problem.targets["validation"])
    assert trial.gain.low <= trial.gain.value <= trial.gain.high and trial.gain.value == pytest.approx(
        trial.metric - probe.metric
    )
    assert all(rung.seconds > 0 for rung in trained.rungs) and trained.method == "full"
    assert trained.diagnosis is not None


def test_what_is_named_or_settled_or_a_table_has_no_ladder(learned, learn, make_rows):
    assert learned("text")[2].trained.rungs == ()  # `full`
    assert learned("table")[2].trained.rungs == ()
    _, judging, fitted = learn("text", make_rows("text", 90), model={"train": "auto"}, training={"epochs": 2})
    choices = choose(judging.problem, ModelOptions(), TrainingOptions(epochs=2), minutes=9.0)
    plain = choose(judging.problem, ModelOptions(), TrainingOptions(), ladder=False)
    assert plain.rungs == () and plain.method == "full" and "model.train: full;" in plain.notes[0]
    assert "layers:1, then full" in choices.notes[0]
    again = fit(judging, choices, RunContext(), fitted.settled)
    assert again.trained.rungs == () and again.trained.method == "full"
