"""Every key under `training:` is felt by a fit, and what is refused or cannot act is said."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from tunewright.errors import ModelError, PlanError
from tunewright.learning.fit import fit
from tunewright.learning.recipes import choose
from tunewright.learning.settled import Settled, settle
from tunewright.models.options import ModelOptions
from tunewright.plan import read_plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import load_rows, prepare
from tunewright.tasks import Decision
from tunewright.training.levers import SOLVED
from tunewright.training.loop import Interrupted
from tunewright.training.options import TrainingOptions


def in_float32(name, make):
    return {"precision": "float32", "why": "a test says so"} if name == "precision" else make()


IN_FLOAT32 = RunContext(decide=in_float32)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# A value of each key that must be felt, and what stands beside it in both fits.
FELT = {
    "epochs": (3, {}),
    "probe_C": (0.01, {}),
    "batch_tokens": (60, {}),
    "learning_rate": (1e-3, {}),
    "layer_decay": (0.5, {}),
    "unfreeze": ("gradual", {}),
    "averaging": ("ema", {}),
    "ema_decay": (0.99, {"averaging": "ema", "epochs": 3}),
    "weight_decay": (0.5, {}),
    "dropout": (0.3, {}),
    "head_dropout": (0.5, {}),
    "label_smoothing": (0.3, {}),
    "early_stopping": (1, {"epochs": 5, "learning_rate": 1e-9, "early_stopping": 0}),
}


def told(fitted):
    """What the loop went through, without its times."""
    return [replace(epoch, seconds=0.0) for epoch in fitted.trained.history]


@pytest.fixture(scope="module")
def trained(learn, make_rows):
    """(training options) to a fit, made once."""
    made = {}

    def get(**training):
        key = tuple(sorted(training.items()))
        if key not in made:
            made[key] = learn("text", make_rows("text", 60), training=training)[2]
        return made[key]

    return get


def test_every_key_of_training_is_tried_here():
    # Gradient checkpointing must not be felt: tests/models/test_checkpointing.py holds it to that; nor what each of
    # several processes keeps: tests/training/parallel.
    assert {*FELT, "gradient_checkpointing", "parallel"} == {declared.name for declared in fields(TrainingOptions)}


@pytest.mark.parametrize("key", FELT)
def test_every_key_is_felt(trained, key):
    value, beside = FELT[key]
    changed, usual = trained(**{**beside, key: value}), trained(**beside)
    assert told(changed) != told(usual), f"{key} changed nothing"


def test_no_key_is_felt_where_it_says_what_it_said(trained, learn, make_rows):
    """The other side of the test above: the same options give the same course."""
    again = learn("text", make_rows("text", 60), training={"layer_decay": 1.0, "unfreeze": "none"})[2]
    assert told(again) == told(trained()) and again.trained.digest == trained().trained.digest


def first_loss(fitted):
    """The mean loss of the first epoch, whose updates start at the probe in every fit."""
    return fitted.trained.history[1].train_loss


def test_label_smoothing_raises_the_loss_as_the_formula_says(learn, make_rows):
    """Nothing is learned at such a rate: (1 - s) times the usual loss, and s times the mean loss of all labels."""
    still = {"learning_rate": 1e-12, "epochs": 1, "head_dropout": 0.0}
    losses = {}
    for smoothing in (0.0, 0.4, 1 - 1e-9):
        options = still | {"label_smoothing": smoothing}
        losses[smoothing] = first_loss(learn("text", make_rows("text", 60), training=options)[2])
    assert losses[0.4] == pytest.approx(0.6 * losses[0.0] + 0.4 * losses[1 - 1e-9], rel=1e-4)
    assert losses[0.4] != pytest.approx(losses[0.0], rel=0.05)


def test_weight_decay_shrinks_matrices_by_the_rates_it_saw(learn, make_rows):
    """Decoupled: beside a run without it, a matrix is smaller by the product of 1 - rate times decay."""
    from tunewright.training.schedule import schedule

    _, judging, first = learn("text", make_rows("text", 60))
    norms, rate, settled = {}, 1e-3, replace(first.settled, epochs=1)
    for decay in (0.0, 5.0):
        options = TrainingOptions(weight_decay=decay, epochs=1, learning_rate=rate, head_dropout=0.0)
        fitted = fit(judging, choose(judging.problem, ModelOptions(train="full"), options), IN_FLOAT32, settled)
        state = fitted.model.network.state_dict()
        norms[decay] = float(state["encoder.model.encoder.layer.0.intermediate.dense.weight"].norm())
    updates = fitted.trained.history[1].updates
    shrunk = float(np.prod([1 - rate * schedule(step, updates) * 5.0 for step in range(updates)]))
    assert norms[5.0] / norms[0.0] == pytest.approx(shrunk, rel=2e-3)
    assert shrunk < 0.99


@pytest.mark.parametrize("averaging", ["epochs", "ema"])
def test_the_average_is_a_candidate_and_told(trained, averaging):
    fitted = trained(averaging=averaging, epochs=4)
    found, history = fitted.trained, fitted.trained.history
    means = [epoch.average_metric for epoch in history if epoch.average_metric is not None]
    assert found.candidates["averaged"] == max(means) and "averaged" in found.why
    best = max(found.candidates[name] for name in ("probe", "fine-tuned", "averaged"))
    assert (found.averaged > 0) == (best == max(means) > max(epoch.metric for epoch in history))
    assert fitted.settled.averaged == found.averaged
    assert "averaged" not in trained().trained.candidates


def test_metrics_that_are_better_when_lower_are_turned_back(learn, make_rows):
    """Whatever the direction, an averaged metric is told in the metric's own."""
    from tunewright.learning.watching import natural
    from tunewright.records import Epoch

    one = Epoch(epoch=1, train_loss=1, validation_loss=1, metric=-2.0, seconds=0, average_metric=-1.5)
    assert natural([one], -1)[0].average_metric == 1.5
    assert natural([replace(one, average_metric=-1e9)], 1)[0].average_metric is None
    assert natural([replace(one, average_metric=None)], -1)[0].average_metric is None


@pytest.mark.parametrize(
    "training",
    [{"averaging": "ema", "unfreeze": "gradual"}, {"averaging": "epochs", "layer_decay": 0.7}],
    ids=["ema", "epochs"],
)
@pytest.mark.parametrize("stops", [(1,), (2, 3), (7,)])
def test_a_killed_fit_continues_to_the_same_weights(learn, make_rows, tmp_path, monkeypatch, training, stops):
    from tunewright.training import loop

    frame, options = make_rows("text", 60), training | {"epochs": 4, "dropout": 0.1}
    straight = learn("text", frame, training=options)[2]
    run = replace(IN_FLOAT32, checkpoints=tmp_path)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    for stop in stops:
        asked = iter(range(10**9))
        dying = replace(run, stop=lambda asked=asked, stop=stop: 15 if next(asked) >= stop else None)
        with pytest.raises(Interrupted):
            learn("text", frame, run=dying, training=options)
        torch.manual_seed(999)
    resumed = learn("text", frame, run=run, training=options)[2]
    assert resumed.trained.digest == straight.trained.digest and told(resumed) == told(straight)


def test_a_final_fit_repeats_what_folds_settled(learn, make_rows):
    """Without validation rows: three epochs, and the mean of the last two of them."""
    _, judging, first = learn("text", make_rows("text", 60), training={"averaging": "epochs", "epochs": 4})
    choices = choose(
        judging.problem,
        ModelOptions(name="x", train="full"),
        TrainingOptions(averaging="epochs", epochs=4, learning_rate=2e-3),
    )
    ends = {}
    for averaged in (0, 1, 2):
        settled = replace(first.settled, epochs=3, averaged=averaged)
        fitted = fit(judging, choices, IN_FLOAT32, settled)
        ends[averaged] = fitted.trained.digest
        assert (fitted.trained.best_epoch, fitted.trained.averaged) == (3, averaged)
    assert ends[0] == ends[1] != ends[2]


def test_what_folds_settle_is_the_middle():
    one = Settled(strength=1.0, scale=1.0, epochs=3, word_strength=0.3, share=0.0, decision=Decision())
    found = [replace(one, averaged=averaged) for averaged in (0, 2, 3)]
    assert settle(found, Decision()).averaged == 2 and settle([one], Decision()).averaged == 0


def test_the_plans_levers_reach_the_recipe(learned):
    problem = learned("text")[1].problem
    options = TrainingOptions(layer_decay=0.8, unfreeze="gradual", averaging="ema", ema_decay=0.95)
    made = choose(problem, ModelOptions(), options)
    assert (made.recipe.layer_decay, made.recipe.unfreeze) == (0.8, "gradual")
    assert (made.recipe.averaging, made.recipe.ema_decay) == ("ema", 0.95)
    assert [note for note in made.notes if "training.averaging" in note and "0.95" in note]
    assert [note for note in made.notes if "training.unfreeze" in note]
    plain = choose(problem, ModelOptions(), TrainingOptions()).recipe
    assert (plain.layer_decay, plain.unfreeze, plain.averaging) == (1.0, "none", "none")


def test_a_moving_average_looks_back_half_an_epoch(learned):
    problem = learned("text")[1].problem
    recipe = choose(problem, ModelOptions(), TrainingOptions(averaging="ema")).recipe
    updates = len(problem.inputs["train"]) / recipe.batch_rows
    assert 1 / (1 - recipe.ema_decay) == pytest.approx(max(updates / 2, 2))


def test_where_a_remedy_took_the_texts_a_note_says_so(learned):
    table = learned("table")[1].problem
    options = TrainingOptions(unfreeze="gradual", layer_decay=0.8, averaging="ema", dropout=0.1)
    made = choose(table, ModelOptions(), options)
    assert made.recipe.unfreeze == "none" and made.recipe.averaging == "ema"
    for key in ("unfreeze", "layer_decay", "dropout"):
        assert [note for note in made.notes if note.startswith(f"training.{key} changes nothing, since")], key
    made = choose(table, ModelOptions(head="linear"), options)
    assert made.recipe.averaging == "none" and any(SOLVED in note for note in made.notes)


def test_label_smoothing_of_values_is_said_to_mean_nothing(learned):
    made = choose(learned("pair")[1].problem, ModelOptions(), TrainingOptions(label_smoothing=0.1))
    assert any("label_smoothing changes nothing" in note for note in made.notes)


@pytest.mark.parametrize(
    ("rows", "model", "training", "key"),
    [
        ("table", {}, {"unfreeze": "gradual"}, "training.unfreeze must be none where only a head trains"),
        ("table", {"head": "linear"}, {"averaging": "ema"}, "training.averaging must be none where a linear head"),
        ("text", {"head": "auto"}, {"averaging": "epochs"}, None),
        ("text", {}, {"unfreeze": "gradual"}, None),
        ("table", {}, {"averaging": "ema"}, None),
    ],
)
def test_what_only_the_columns_tell_is_refused_before_anything_is_fitted(make_rows, rows, model, training, key):
    plan = read_plan(data={"target": "y"}, model=model, training=training, splits={"part": "part"})
    if key is None:
        prepare(load_rows(plan, make_rows(rows, 40)), plan)
        return
    with pytest.raises(PlanError, match=key):
        prepare(load_rows(plan, make_rows(rows, 40)), plan)


@pytest.mark.parametrize("training", [{"unfreeze": "gradual"}, {"layer_decay": 0.8}])
def test_a_backbone_whose_layers_cannot_be_told_apart_is_refused(learn, make_rows, monkeypatch, training):
    from tunewright.learning import finetune

    monkeypatch.setattr(finetune, "layer_depths", lambda network: dict.fromkeys(["a", "b"], 0))
    (key,) = training
    with pytest.raises(ModelError, match=f"training.{key} needs a backbone of which two numbered layers"):
        learn("text", make_rows("text", 60), training=training)
    learn("text", make_rows("text", 60))
