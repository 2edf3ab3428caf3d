"""What a diagnosis is fed with, and verdicts on runs of the tiny model with planted pathologies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from tunewright.learning.finetune import Start, fine_tune
from tunewright.learning.fit import fit
from tunewright.learning.frozen import frozen_features
from tunewright.learning.recipes import choose
from tunewright.learning.watching import blind_score, draw_sample
from tunewright.models.options import ModelOptions
from tunewright.runfolder.context import RunContext
from tunewright.training import loop
from tunewright.training.options import TrainingOptions


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def in_float32(name, make):
    return {"precision": "float32", "why": "a test says so"} if name == "precision" else make()


@pytest.mark.parametrize(("rows", "doubtful", "held"), [(1000, 0, 150), (1000, 400, 150), (50, 3, 200), (7, 7, 3)])
def test_the_sample_is_small_and_always_the_same(rows, doubtful, held):
    suspects = np.random.default_rng(0).permutation(rows) < doubtful
    sample, again = (draw_sample(suspects, validation_rows=held, seed=1) for _ in range(2))
    assert len(sample.rows) <= min(held, max(rows // 5, 64), rows)
    assert len(set(sample.rows.tolist())) == len(sample.rows) and sample.drawn.any()
    np.testing.assert_array_equal(sample.rows, again.rows)
    np.testing.assert_array_equal(sample.suspects, suspects[sample.rows])
    assert sample.suspects[~sample.drawn].all()


def test_a_blind_answer_scores_what_chance_does(learned):
    _, judging, _ = learned("text")
    balanced = replace(judging, metric="accuracy")
    targets = judging.problem.targets["validation"]
    majority = np.bincount(targets).max() / len(targets)
    assert majority <= blind_score(balanced) <= majority + 0.25
    assert blind_score(replace(judging, metric="f1_macro")) > 0.25  # a constant answer has a macro F1 of 0.17


def test_a_diagnosis_changes_no_weight(learn, make_rows):
    judging = learn("text", make_rows("text", 100), training={"dropout": 0.2})[1]
    problem = judging.problem
    choices = choose(problem, ModelOptions(name=problem.backbone.folder, train="full"), TrainingOptions(epochs=2))
    choices = replace(choices, recipe=replace(choices.recipe, dropout=0.2))
    run = RunContext(decide=in_float32)
    frozen = frozen_features(problem, choices.pooling, "float32", run)
    from tunewright.learning.fit import fit_probe_of

    start = Start(frozen, fit_probe_of(judging, frozen, strength=None), "float32")
    tuned = [
        fine_tune(judging, choices, start, run, suspects=suspects)
        for suspects in (None, np.zeros(len(problem.inputs["train"]), bool))
    ]
    states = [one.network.state_dict() for one in tuned]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert tuned[0].facts is None and tuned[0].state.history[1].train_metric is None
    assert all(epoch.train_metric is not None for epoch in tuned[1].state.history)
    assert [e.metric for e in tuned[0].state.history] == [e.metric for e in tuned[1].state.history]


def test_every_kind_of_row_is_diagnosed(learned):
    for kind in ("text", "pair", "multilabel", "table", "mixed"):
        trained = learned(kind)[2].trained
        assert trained.diagnosis is not None and trained.diagnosis.evidence, kind
        assert trained.history[0].train_metric is not None


def rows_of(make_rows, seed, rows=300, noise=0.0, shuffled=False):
    rng = np.random.default_rng([seed, 3])
    frame = make_rows("text", rows, seed)
    labels = frame["y"].to_numpy().copy()
    wrong = rng.random(rows) < noise
    labels[wrong] = [f"team {(int(label[-1]) + 1) % 3}" for label in labels[wrong]]
    if shuffled:
        labels = rng.permutation(labels)
    return frame.with_columns(y=pl.Series(labels)), wrong


def verdict(learn, frame, *, rate=1.0, wrong=None, **training):
    """Fit the tiny model, with wrong rows taken for suspects; what is heard on the way, and the verdict."""
    model = {"model": {"train": training.pop("train", "full")}}
    options = {"epochs": 4, "learning_rate": 2e-3 * rate, "probe_C": 3} | training
    heard = []
    prepared, judging, _ = learn("text", frame, training={"epochs": 1}, model={"train": "head", "head": "linear"})
    problem = judging.problem
    choices = choose(problem, ModelOptions(name=problem.backbone.folder, **model["model"]), TrainingOptions(**options))
    suspects = np.zeros(len(prepared.split.train), bool) if wrong is None else wrong[list(prepared.split.train)]
    context = RunContext(decide=in_float32, observe=heard.append)
    found = fit(judging, choices, context, suspects=suspects).trained.diagnosis
    told = [event for event in heard if event.what == "note" and "verdict" in event.data]
    return found, told


@pytest.mark.parametrize("seed", [0, 1])
def test_a_healthy_run_is_good(learn, make_rows, seed):
    found, told = verdict(learn, rows_of(make_rows, seed)[0])
    assert found.verdict == "good", found
    assert told == []


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_labels_teach_nothing(learn, make_rows, seed):
    found, _ = verdict(learn, rows_of(make_rows, seed, shuffled=True)[0])
    assert found.verdict in ("learning nothing", "memorising noise"), found


@pytest.mark.parametrize("seed", [0, 1])
def test_too_high_a_learning_rate_is_told_at_once(learn, make_rows, seed):
    found, told = verdict(learn, rows_of(make_rows, seed)[0], rate=100)
    assert found.verdict == "unstable" and "lower_learning_rate" in found.advice, found
    assert told and told[0].data["verdict"] == "unstable"


def test_too_low_a_learning_rate(learn, make_rows):
    found, _ = verdict(learn, rows_of(make_rows, 0)[0], rate=1e-3)
    assert found.verdict == "learning nothing" and found.advice == ("higher_learning_rate",), found


def test_noise_learned_by_heart(learn, make_rows):
    frame, wrong = rows_of(make_rows, 0, noise=0.3)
    found, _ = verdict(learn, frame, wrong=wrong, epochs=15, early_stopping=0, probe_C="auto")
    assert found.verdict == "memorising noise" and "check_labels" in found.advice, found


def test_batches_of_one_label(learn, make_rows, monkeypatch):
    frame = rows_of(make_rows, 0)[0]
    labels = [frame["y"][i] for i in range(300) if frame["part"][i] == "train"]
    order = np.argsort(labels, kind="stable")
    monkeypatch.setattr(
        loop, "training_batches", lambda lengths, rows, **_: [order[i : i + rows] for i in range(0, len(order), rows)]
    )
    found, _ = verdict(learn, frame)
    assert found.verdict == "unstable", found
