"""Learning with the help of another process: the same vectors to the bit, the same model but for rounding."""

from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch

from tunewright.learning import spread
from tunewright.learning.finetune import Start
from tunewright.learning.fit import fit_probe_of, outputs_of
from tunewright.learning.frozen import frozen_features
from tunewright.learning.ladder import climb
from tunewright.learning.recipes import choose
from tunewright.models.options import ModelOptions
from tunewright.models.outputs import predict_outputs
from tunewright.runfolder.context import RunContext
from tunewright.training.options import TrainingOptions
from tunewright.training.parallel import launch

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def crew(lead, tiny_model):
    with lead(tiny_model) as led:
        yield led.crew


@pytest.fixture
def helped(crew, monkeypatch):
    """A context with a crew that is worth calling for any number of rows; it gives the calls that were made."""
    calls = []

    def encoder(spec, **options):
        calls.append("training" if "stop" in options else "pass")
        return type(crew).encoder(crew, spec, **options)

    monkeypatch.setattr(crew, "encoder", encoder, raising=False)
    monkeypatch.setattr(spread, "WORTH", 1)

    @contextmanager
    def led():
        with monkeypatch.context() as patch:
            patch.setattr(launch, "_led", [crew])
            yield calls

    return led


def in_float32(name, make):
    return {"precision": "float32", "why": "a test says so"} if name == "precision" else make()


def own_home(monkeypatch, folder):
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(folder))  # nothing comes from a cache


@pytest.mark.parametrize("kind", ["text", "pair", "mixed"])
def test_frozen_features_are_the_same_bits(learned, helped, monkeypatch, tmp_path, kind):
    problem = learned(kind)[1].problem
    found = []
    for place, there in (("alone", nullcontext), ("helped", helped)):
        own_home(monkeypatch, tmp_path / place)
        with there() as calls:
            found.append(frozen_features(problem, "mean", "float32", RunContext()))
    assert calls == ["pass", "pass"]  # the test part in a pass of its own
    for part, features in found[0].items():
        np.testing.assert_array_equal(features, found[1][part])


def test_answers_of_a_trained_model_are_the_same_bits(learn, make_rows, helped):
    # A probe that is held back leaves something for fine-tuning to win.
    _, judging, fitted = learn("text", make_rows("text"), training={"probe_C": 0.1})
    assert fitted.trained.kept == "fine-tuned"
    with helped() as calls:
        found = outputs_of(fitted.model, judging.problem, fitted.model.pooling)
    assert calls == ["pass"]
    assert set(found) == set(fitted.outputs)
    for part, outputs in found.items():
        np.testing.assert_array_equal(outputs, fitted.model.outputs(judging.problem.typed[part]))


@pytest.mark.parametrize("kind", ["text", "mixed"])
def test_a_model_fitted_with_help_is_the_one_fitted_alone(
    learn, make_rows, learned, helped, kind, monkeypatch, tmp_path
):
    alone = learned(kind)[2]
    own_home(monkeypatch, tmp_path)
    with helped() as calls:
        fitted = learn(kind, make_rows(kind), training={"parallel": "sharded"})[2]
    assert calls == ["pass", "pass", "training", "pass"]
    assert fitted.settled.epochs == alone.settled.epochs
    for one, other in zip(fitted.trained.history, alone.trained.history, strict=True):
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=1e-4)
    for part, outputs in alone.outputs.items():
        np.testing.assert_allclose(fitted.outputs[part], outputs, atol=5e-3)


def test_frozen_layers_are_computed_by_all_in_every_epoch(learn, make_rows, helped):
    heard, given = [], {"model": {"train": "layers:1"}}

    def run(**options):
        return RunContext(decide=in_float32, **options)

    alone = learn("text", make_rows("text"), run(), **given)[2]
    with helped() as calls:
        fitted = learn("text", make_rows("text"), run(observe=heard.append), **given)[2]
    assert "training" in calls
    assert any("in every epoch, not once: training is spread" in event.text for event in heard)
    for part, outputs in alone.outputs.items():
        np.testing.assert_allclose(fitted.outputs[part], outputs, atol=5e-3)


def test_every_rung_of_the_ladder_is_spread(learned, helped):
    _, judging, fitted = learned("text")
    training = TrainingOptions(epochs=3, learning_rate=2e-3)
    choices = choose(judging.problem, ModelOptions(), training, minutes=1e6)
    start = Start(fitted.frozen, fit_probe_of(judging, fitted.frozen, strength=None), "float32")

    def up():
        return climb(judging, choices, start, RunContext(decide=in_float32), suspects=None, spent=1.0)

    alone = up()
    with helped() as calls:
        together = up()
    assert calls == ["training", "training"]
    assert [(r.name, r.verdict, r.metric) for r in alone.rungs] == [
        (r.name, r.verdict, r.metric) for r in together.rungs
    ]
    assert len(alone.rungs) == 3
    assert together.tuned.state.best_epoch == alone.tuned.state.best_epoch
    inputs = judging.problem.inputs["validation"]
    outputs = [predict_outputs(one.tuned.network, inputs, device=CPU) for one in (alone, together)]
    np.testing.assert_allclose(*outputs, atol=5e-3)


def test_without_an_encoder_nobody_is_called(learn, make_rows, helped):
    with helped() as calls:
        learn("table", make_rows("table"))
    assert calls == []
