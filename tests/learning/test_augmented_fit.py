"""Fits with augmentation: only what trains in the loop sees other rows, and only train rows become others."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from tunewright.errors import PlanError
from tunewright.learning import augmented
from tunewright.learning.recipes import choose
from tunewright.models.options import ModelOptions
from tunewright.plan import read_plan
from tunewright.stories.prepare import load_rows, prepare
from tunewright.training import loop
from tunewright.training.augment import AUGMENTATIONS
from tunewright.training.labelled import Texts
from tunewright.training.loop import Interrupted
from tunewright.training.options import AugmentOptions, TrainingOptions

KINDS = [one.kind for one in AUGMENTATIONS]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def words_of(fitted):
    lexical = fitted.lexical
    return lexical and (lexical.model.vocabulary, lexical.model.weight.tobytes())


@pytest.fixture(scope="module")
def clean(learn, make_rows):
    return learn("text", make_rows("text", 60))[2]


@pytest.mark.parametrize("kind", KINDS)
def test_fine_tuning_sees_other_rows_and_nothing_else_does(learn, make_rows, clean, kind):
    fitted = learn("text", make_rows("text", 60), augment={"kind": kind, "strength": 0.3})[2]
    assert fitted.trained.history[0].train_loss == clean.trained.history[0].train_loss, "the probe saw other rows"
    assert fitted.trained.history[1].train_loss != clean.trained.history[1].train_loss, "the loop saw the same rows"
    assert words_of(fitted) == words_of(clean)
    for part in ("train", "validation"):
        np.testing.assert_array_equal(fitted.probe_outputs[part], clean.probe_outputs[part])
        np.testing.assert_array_equal(fitted.frozen[part], clean.frozen[part])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", ["mixed", "pair", "multilabel"])
def test_every_kind_of_row_can_be_augmented(learn, make_rows, kind, rows):
    fitted = learn(rows, make_rows(rows, 60), augment={"kind": kind}, training={"epochs": 1})[2]
    assert len(fitted.trained.history) == 2 and np.isfinite(fitted.outputs["test"]).all()


def test_a_head_on_table_columns_can_be_mixed(learn, make_rows):
    runs = [
        learn("table", make_rows("table", 60), augment=augment, training={"epochs": 1})[2]
        for augment in ({}, {"kind": "mixup"})
    ]
    losses = [fitted.trained.history[1].train_loss for fitted in runs]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("kind", KINDS)
def test_test_rows_change_no_weight(learn, make_rows, monkeypatch, tmp_path, kind):
    frame = make_rows("text", 60)
    told = pl.when(pl.col("part") == "test")
    other = frame.with_columns(message=told.then(pl.lit("unheard of words")).otherwise("message"))
    digests = []
    for number, rows in enumerate((frame, other)):
        monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / str(number)))
        digests.append(learn("text", rows, augment={"kind": kind, "strength": 0.3})[2].trained.digest)
    assert digests[0] == digests[1]


def test_words_come_from_the_train_part(learn, make_rows, monkeypatch):
    """Every text that the loop tokenises anew is made of words of the train texts."""
    frame = make_rows("text", 60)
    swapped = []

    def listening(**parts):
        tokenize = parts.pop("tokenize")
        return Texts(**parts, tokenize=lambda texts: (swapped.extend(texts), tokenize(texts))[1])

    monkeypatch.setattr(augmented, "Texts", listening)
    learn("text", frame, augment={"kind": "word_swap", "strength": 0.5})
    known = {word for text in frame.filter(pl.col("part") == "train")["message"] for word in text.split()}
    rest = {word for text in frame.filter(pl.col("part") != "train")["message"] for word in text.split()}
    used = {word for text in swapped for word in text.split()}
    assert len(swapped) == 2 * 36 and used <= known and rest - known


def interrupted(asked_before_it_stops):
    asked = iter(range(10**9))
    return lambda: 15 if next(asked) >= asked_before_it_stops else None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stops", [(1,), (2, 2), (4,)])
def test_a_killed_fit_continues_to_the_same_weights(learn, make_rows, tmp_path, monkeypatch, kind, stops):
    frame, augment = make_rows("text", 60), {"kind": kind, "strength": 0.3}
    straight = learn("text", frame, augment=augment, training={"dropout": 0.1})[2]
    from tunewright.runfolder.context import RunContext

    def in_float32(name, make):
        return {"precision": "float32", "why": "a test says so"} if name == "precision" else make()

    run = RunContext(decide=in_float32, checkpoints=tmp_path)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    for stop in stops:
        with pytest.raises(Interrupted):
            learn(
                "text",
                frame,
                run=replace(run, stop=interrupted(stop)),
                augment=augment,
                training={"dropout": 0.1},
            )
        torch.manual_seed(999)
        np.random.seed(999)
    resumed = learn("text", frame, run=run, augment=augment, training={"dropout": 0.1})[2]
    assert resumed.trained.digest == straight.trained.digest
    told = [[replace(epoch, seconds=0.0) for epoch in one.trained.history] for one in (resumed, straight)]
    assert told[0] == told[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_choice_is_told_with_its_strength(learned, kind):
    problem = learned("text")[1].problem
    made = choose(problem, ModelOptions(), TrainingOptions(), AugmentOptions(kind=kind, strength=0.25))
    assert made.recipe.augment.kind == kind and made.recipe.augment.strength == 0.25
    assert [note for note in made.notes if f"augment: {kind}" in note and "0.25" in note]
    assert choose(problem, ModelOptions(), TrainingOptions()).recipe.augment is None


def test_where_a_remedy_took_what_it_would_change_a_note_says_so(learned):
    table = learned("table")[1].problem
    made = choose(table, ModelOptions(), TrainingOptions(), AugmentOptions(kind="word_swap"))
    assert made.recipe.augment is None
    assert any("changes nothing, since there is no text column" in note for note in made.notes)


@pytest.mark.parametrize(
    ("rows", "model", "refused"),
    [
        ("table", {}, {"token_dropout", "word_swap"}),
        ("table", {"head": "linear"}, set(KINDS)),
        ("text", {"train": "head"}, {"mixup"}),  # the others are refused with the plan itself
        ("mixed", {"train": "head"}, set()),
        ("text", {}, set()),
    ],
)
def test_what_nothing_would_feel_is_refused_before_anything_is_fitted(make_rows, rows, model, refused):
    found = set()
    for kind in KINDS:
        if model.get("train") == "head" and kind != "mixup":
            continue
        plan = read_plan(data={"target": "y"}, model=model, augment=kind, splits={"part": "part"})
        try:
            prepare(load_rows(plan, make_rows(rows, 40)), plan)
        except PlanError as error:
            assert "augment must be none where" in str(error)
            found.add(kind)
    assert found == refused
