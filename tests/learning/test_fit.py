"""`fit` from rows to a model, for every kind of row; and the seal: test rows change nothing (P2)."""

import gc
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from tunewright.errors import DataError
from tunewright.learning.fit import fit, weights_digest
from tunewright.learning.recipes import choose
from tunewright.metrics import metric as metric_of
from tunewright.models.options import ModelOptions
from tunewright.records import to_json
from tunewright.runfolder.context import RunContext
from tunewright.tasks import task_to_json
from tunewright.training.options import TrainingOptions

ALL = ["text", "pair", "multilabel", "table", "mixed"]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("kind", "task", "better_than"),
    [
        ("text", "multiclass", 0.6),
        ("pair", "regression", 0.2),
        ("multilabel", "multilabel", 0.7),
        ("table", "binary", 0.8),
        ("mixed", "multiclass", 0.5),
    ],
)
def test_every_kind_of_row_is_learned(learned, kind, task, better_than):
    prepared, judging, fitted = learned(kind)
    assert prepared.table.task == task == judging.problem.task.kind
    assert set(fitted.outputs) == {"validation", "test"}
    assert set(fitted.probe_outputs) == {"train", "validation", "test"}
    for part, outputs in fitted.outputs.items():
        assert outputs.shape == (len(getattr(prepared.split, part)), judging.problem.task.outputs)
        assert np.isfinite(outputs).all()
    outcome = judging.problem.task.outcome(
        judging.problem.targets["test"], fitted.outputs["test"], fitted.model.decision
    )
    assert metric_of(judging.metric).value(outcome) * judging.sign > better_than
    trained = fitted.trained
    assert trained.trainable <= trained.parameters
    assert trained.digest == weights_digest(fitted.model.network)
    best = max(value * judging.sign for value in trained.candidates.values()) * judging.sign
    assert metric_of(judging.metric).value(
        judging.problem.task.outcome(
            judging.problem.targets["validation"], fitted.outputs["validation"], fitted.model.decision
        )
    ) == pytest.approx(best)
    json.dumps(to_json(trained), allow_nan=False)


@pytest.mark.parametrize("kind", ALL)
def test_the_models_outputs_are_those_it_was_judged_by(learned, kind):
    _, judging, fitted = learned(kind)
    for part, outputs in fitted.outputs.items():
        np.testing.assert_array_equal(fitted.model.outputs(judging.problem.typed[part]), outputs)


def test_the_probe_is_what_fine_tuning_starts_from(learned):
    """The curve's first point, computed from frozen vectors, is the network's before any update."""
    _, judging, fitted = learned("text")
    outputs = torch.from_numpy(fitted.probe_outputs["validation"])
    loss = judging.loss(outputs, torch.from_numpy(judging.problem.targets["validation"]), 0.0).mean()
    assert fitted.trained.history[0].validation_loss == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.parametrize("method", ["head", "layers:1", "lora", "full"])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_every_method_ends_in_a_standard_model(learn, make_rows, method, head):
    model = {"train": method, "head": head}
    _, _, fitted = learn("text", make_rows("text", 60), model=model, training={"epochs": 1})
    names = set(fitted.model.network.state_dict())
    assert not any("lora" in name for name in names)
    assert {"head.linear.weight", "encoder.model.embeddings.word_embeddings.weight"} <= names
    assert fitted.trained.method == method
    assert not fitted.model.network.training


def test_a_linear_head_alone_is_the_probe(learn, make_rows):
    _, _, fitted = learn("text", make_rows("text", 60), model={"train": "head", "head": "linear"})
    assert fitted.trained.kept == "probe" and len(fitted.trained.history) == 1
    if fitted.model.lexical is None:
        np.testing.assert_allclose(fitted.outputs["test"], fitted.probe_outputs["test"], atol=1e-4)


def test_the_same_rows_make_the_same_model(learn, make_rows):
    frame = make_rows("mixed", 60)
    digests = [learn("mixed", frame)[2].trained.digest for _ in range(2)]
    assert digests[0] == digests[1]


def test_a_run_hears_what_is_decided_and_replays_it(learn, make_rows):
    asked = []

    def decide(name, make):
        asked.append(name)
        return {"precision": "float32", "why": "replayed"} if name == "precision" else make()

    events = []
    learn("text", make_rows("text", 60), run=RunContext(decide=decide, observe=events.append), training={"epochs": 1})
    assert asked == ["precision", "memory"]
    assert any("replayed" in event.text for event in events)
    assert any(event.station == "encode" and event.data.get("computed") for event in events)


def chosen(learned):
    """Everything that was fitted, chosen or stopped on."""
    prepared, judging, fitted = learned
    problem, lexical = judging.problem, fitted.model.lexical
    trained = replace(fitted.trained, seconds={}, history=tuple(replace(e, seconds=0) for e in fitted.trained.history))
    return {
        "columns": to_json(prepared.table),
        "task": task_to_json(problem.task),
        "preprocessing": problem.preprocessor.to_json(),
        "objective": to_json(prepared.objective),
        "decision": to_json(fitted.model.decision),
        "trained": to_json(trained),
        "share": fitted.model.lexical_share,
        "words": lexical and (lexical.vocabulary, lexical.idf.tobytes(), lexical.weight.tobytes()),
        "probe": [fitted.probe_outputs[part].tobytes() for part in ("train", "validation")],
        "outputs": fitted.outputs["validation"].tobytes(),
        "frozen": [fitted.frozen[part].tobytes() for part in ("train", "validation")],
        "head": [value.numpy().tobytes() for value in fitted.model.network.head.state_dict().values()],
    }


def with_other_test_rows(frame, other):
    """The same row ids in the same parts; whatever a test row says, its target included, is replaced."""
    return pl.concat(
        [other[i] if part == "test" else frame[i] for i, part in enumerate(frame["part"])], how="vertical_relaxed"
    )


@pytest.mark.parametrize("kind", ALL)
def test_test_rows_change_nothing_that_is_fitted_or_chosen(learn, make_rows, monkeypatch, tmp_path, kind):
    frame = make_rows(kind, 90)
    # Texts of quite other lengths: the company of every other text in a batch would change if they shared one.
    other = with_other_test_rows(frame, make_rows(kind, 90, seed=8))
    for name in ("message", "first"):
        if name in other.columns:
            changed = [f"{text} {text} {text} unheard of" for text in other[name]]
            kept = pl.when(pl.col("part") == "test").then(pl.Series(name, changed)).otherwise(pl.col(name))
            other = other.with_columns(kept.alias(name))
    assert (frame["part"] == other["part"]).all()
    results = []
    for number, rows in enumerate((frame, other)):
        monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / str(number)))
        results.append(learn(kind, rows))
    a, b = map(chosen, results)
    assert a.keys() == b.keys()
    assert [name for name in a if a[name] != b[name]] == []
    # The test rows were really others.
    assert (results[0][2].outputs["test"] != results[1][2].outputs["test"]).any()


def test_validation_rows_do_change_what_is_chosen(learn, make_rows):
    """The comparison above can fail."""
    frame = make_rows("text", 60)
    moved = frame.with_columns(part=pl.col("part").replace({"test": "validation", "validation": "test"}))
    a, b = chosen(learn("text", frame)), chosen(learn("text", moved))
    assert a["decision"] != b["decision"] and a["trained"] != b["trained"]


def test_a_train_part_of_one_label_is_refused(learn, make_rows):
    from tunewright.errors import DataError

    frame = make_rows("table", 100).with_columns(
        part=pl.when(pl.col("y") == "yes")
        .then(pl.Series(["validation", "test"] * 50))
        .otherwise(pl.Series(["train", "train", "test", "validation"] * 25))
    )
    with pytest.raises(DataError, match="two labels"):
        learn("table", frame)


def test_a_fit_leaves_no_network_to_the_collector(learn, make_rows):
    """What `give_back` relies on where it looks for no cycles: counting references is enough."""
    rows = make_rows("mixed")
    learn("mixed", rows)  # what is made once and kept, is made
    gc.collect()

    def held():
        return sum(issubclass(type(one), torch.nn.Module | torch.optim.Optimizer) for one in gc.get_objects())

    before = held()
    gc.disable()
    try:
        learn("mixed", rows)
        assert held() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_plan_may_say_the_precision(learn, make_rows, precision):
    asked, heard = [], []

    def decide(name, make):
        asked.append(name)
        return make()

    run = RunContext(decide=decide, observe=heard.append)
    _, _, fitted = learn("text", make_rows("text"), run, model={"precision": precision})
    assert fitted.trained.precision == fitted.model.precision == precision
    assert "precision" not in asked and any(precision in event.text for event in heard)


def test_validation_rows_on_which_the_metric_is_undefined_are_refused_before_training(learned):
    _, judging, _ = learned("text")
    problem = judging.problem
    alike = {**problem.targets, "validation": np.zeros_like(problem.targets["validation"])}
    judging.refuse_undefined()
    blind = replace(judging, problem=replace(problem, targets=alike), metric="roc_auc")
    with pytest.raises(DataError, match=r"roc_auc decides on validation rows.*all of one class"):
        fit(blind, choose(problem, ModelOptions(), TrainingOptions()), RunContext())
