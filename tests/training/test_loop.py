"""The loop: it learns, it stops, it never keeps what is not finite, and a resumed run is the uninterrupted one."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tunewright.errors import TrainingError
from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.outputs import predict_outputs
from tunewright.models.tokens import TextTokenizer
from tunewright.models.trainable import choose_trainable, set_dropout
from tunewright.records import Epoch
from tunewright.tasks import Classification
from tunewright.training import loop
from tunewright.training.labelled import Labelled
from tunewright.training.loop import Interrupted, Surroundings, train
from tunewright.training.recipe import Recipe
from tunewright.training.watch import Watch

TASK = Classification(labels=("a", "b", "c"))
CPU = torch.device("cpu")
START = Epoch(epoch=0, train_loss=1.1, validation_loss=1.1, metric=0.0, seconds=0.0)
GOLDEN = Path(__file__).parents[1] / "golden" / "learning_curve.json"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def rows(tiny_model, tiny_words):
    """90 texts of 3 classes, each class with words of its own among common ones."""
    rng = np.random.default_rng(0)
    targets = np.arange(90) % 3
    texts = [
        " ".join(rng.permutation([*rng.choice(tiny_words[t * 30 : t * 30 + 30], 3), *rng.choice(tiny_words[90:], n)]))
        for t, n in zip(targets, rng.integers(0, 9, 90), strict=True)
    ]
    inputs = Inputs((TextTokenizer(tiny_model)(texts, 32),), np.zeros((90, 0), np.float32))
    return inputs, targets.astype(np.int64)


def labelled(rows, first, last, weights=None):
    inputs, targets = rows
    chosen = np.arange(first, last)
    return Labelled(inputs.take(chosen), targets[chosen], weights)


def make_network(tiny_model, method="full", dropout=0.2):
    torch.manual_seed(1)
    head = make_head("linear", inputs=32, outputs=3, dropout=dropout)
    with torch.no_grad():
        head.linear.weight.mul_(0.1)
        head.linear.bias.zero_()
    network = Network(Encoder(load_folder(tiny_model), "mean"), head)
    choose_trainable(network, method, seed=0)
    set_dropout(network.encoder, dropout)
    return network


def recipe(**changes):
    return Recipe(**{"epochs": 3, "batch_rows": 8, "batch_tokens": 200, "learning_rate": 1e-3, "seed": 5} | changes)


def accuracy(targets):
    return lambda outputs: float((outputs.argmax(1) == targets).mean())


def around(
    validation,
    *,
    stop=lambda: None,
    checkpoints=None,
    loss=TASK.loss,
    judge=None,
    observe=lambda e: None,
    watch=None,
):
    return Surroundings(
        loss=loss,
        judge=judge or accuracy(validation.targets),
        observe=observe,
        checkpoints=checkpoints,
        stop=stop,
        device=CPU,
        watch=watch,
    )


def watching(rows, heard):
    """Look at every fourth train row; constant_loss is so low that many updates count as jumps."""
    sample = np.arange(0, 60, 4)
    targets = rows[1][sample]
    return Watch(
        inputs=rows[0].take(sample),
        drawn=np.arange(15) < 10,
        suspects=np.arange(15) >= 8,
        losses=lambda outputs: TASK.loss(torch.from_numpy(outputs), torch.from_numpy(targets), 0.0).numpy(),
        judge=lambda outputs: float((outputs.argmax(1) == targets[:10]).mean()),
        constant_loss=0.55,
        hear=lambda history: heard.append(len(history)),
    )


def digest(network):
    total = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        total.update(name.encode() + value.detach().numpy().tobytes())
    return total.hexdigest()


def curve(state):
    return [(e.epoch, e.train_loss, e.validation_loss, e.metric) for e in state.history]


def test_eight_rows_are_memorised(tiny_model, rows):
    network = make_network(tiny_model, dropout=0.0)
    eight = labelled(rows, 0, 8)
    state = train(
        network,
        eight,
        eight,
        recipe(epochs=60, early_stopping=0, learning_rate=1e-2, weight_decay=0.0),
        start=START,
        around=around(eight),
    )
    assert state.best == 1.0
    assert state.history[-1].train_loss < 0.02 < 1.0 < state.history[1].train_loss + 0.5
    assert (predict_outputs(network, eight.inputs, device=CPU).argmax(1) == eight.targets).all()


def test_it_stays_at_the_probe_when_nothing_is_better(tiny_model, rows):
    network = make_network(tiny_model)
    before = digest(network)
    start = Epoch(epoch=0, train_loss=0.1, validation_loss=0.1, metric=1.0, seconds=0.0)
    state = train(
        network,
        labelled(rows, 0, 60),
        labelled(rows, 60, 90),
        recipe(),
        start=start,
        around=around(labelled(rows, 60, 90)),
    )
    assert (state.best_epoch, state.best) == (0, 1.0)
    assert digest(network) == before
    assert len(state.history) > 1


@pytest.mark.parametrize(
    ("metrics", "patience", "epochs", "best"),
    [
        ([0.5, 0.6, 0.6, 0.55, 0.9, 0.9], 2, 4, 2),
        ([0.5, 0.6, 0.6, 0.55, 0.9, 0.9], 3, 6, 5),
        ([0.5, 0.4, 0.4, 0.4, 0.4, 0.9], 0, 6, 6),  # 0: never stops early
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 1, 6, 6),
    ],
)
def test_early_stopping_counts_epochs_without_a_better_metric(tiny_model, rows, metrics, patience, epochs, best):
    validation = labelled(rows, 60, 90)
    told = iter(metrics)
    kept = {}

    def judge(outputs):
        metric = next(told)
        kept.setdefault(metric, outputs.copy())
        return metric

    network = make_network(tiny_model)
    state = train(
        network,
        labelled(rows, 0, 24),
        validation,
        recipe(epochs=6, early_stopping=patience),
        start=START,
        around=around(validation, judge=judge),
    )
    assert (state.epoch, state.best_epoch) == (epochs, best)
    # The best epoch's weights are back, not the last one's.
    np.testing.assert_array_equal(predict_outputs(network, validation.inputs, device=CPU), kept[max(metrics[:epochs])])


def test_row_weights_of_zero_hide_rows(tiny_model, rows):
    """Wrong targets are learned by heart where they weigh, and not where they weigh nothing."""
    inputs, targets = rows
    spoilt = targets.copy()
    spoilt[:30:2] = (spoilt[:30:2] + 1) % 3
    learned = {}
    for name, weights in (("hidden", np.tile([0.0, 2.0], 15).astype(np.float32)), ("shown", None)):
        network = make_network(tiny_model, dropout=0.0)
        training = Labelled(inputs.take(np.arange(30)), spoilt[:30], weights)
        epochs = iter(range(100))
        train(
            network,
            training,
            training,
            recipe(epochs=60, early_stopping=0, learning_rate=5e-3),
            start=START,
            around=around(training, judge=lambda outputs, epochs=epochs: float(next(epochs))),
        )
        said = predict_outputs(network, training.inputs, device=CPU).argmax(1)
        learned[name] = ((said == spoilt[:30])[::2].mean(), (said == spoilt[:30])[1::2].mean())
    assert learned["shown"][0] > 0.9 and learned["shown"][1] > 0.9
    assert learned["hidden"][0] < 0.7 and learned["hidden"][1] > 0.9


def after(updates):
    """A signal that arrives once the loop has asked that many times."""
    asked = iter(range(10**9))
    return lambda: 15 if next(asked) >= updates else None


# Eight updates an epoch: within the first, at its last update, at the epoch's end, in the second, at the very last.
@pytest.mark.parametrize("kills", [(0,), (3,), (7,), (8,), (12, 2, 4), (26,)])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_resumed_run_ends_at_the_same_bits(tiny_model, rows, tmp_path, kills, method):
    training, validation = labelled(rows, 0, 60), labelled(rows, 60, 90)
    whole = make_network(tiny_model, method)
    straight = train(whole, training, validation, recipe(), start=START, around=around(validation))
    assert straight.step in range(24, 30) and len(straight.history) == 4

    for kill in kills:
        network = make_network(tiny_model, method)
        with pytest.raises(Interrupted) as caught:
            stop = after(kill)
            train(
                network,
                training,
                validation,
                recipe(),
                start=START,
                around=around(validation, stop=stop, checkpoints=tmp_path),
            )
        assert caught.value.signal == 15
        torch.manual_seed(999)  # another process has another generator
    network = make_network(tiny_model, method)
    state = train(network, training, validation, recipe(), start=START, around=around(validation, checkpoints=tmp_path))
    assert digest(network) == digest(whole)
    assert curve(state) == curve(straight)
    assert (state.step, state.best_epoch, state.stale) == (straight.step, straight.best_epoch, straight.stale)


@pytest.mark.parametrize("kill", [3, 8, 12])
def test_what_is_looked_at_survives_a_resume_and_moves_no_weight(tiny_model, rows, tmp_path, kill):
    training, validation, heard = labelled(rows, 0, 60), labelled(rows, 60, 90), []
    unseen, whole, network = (make_network(tiny_model) for _ in range(3))
    train(unseen, training, validation, recipe(), start=START, around=around(validation))
    straight = train(
        whole, training, validation, recipe(), start=START, around=around(validation, watch=watching(rows, heard))
    )
    assert digest(whole) == digest(unseen) and heard == [2, 3, 4]
    for stop, kept in ((after(kill), make_network(tiny_model)), (lambda: None, network)):
        beside = around(validation, stop=stop, checkpoints=tmp_path, watch=watching(rows, heard))
        try:
            state = train(kept, training, validation, recipe(), start=START, around=beside)
        except Interrupted:
            torch.manual_seed(999)
    seen = [[(e.train_metric, e.suspect_loss, e.jumps, e.updates) for e in one.history] for one in (straight, state)]
    assert seen[0] == seen[1] and digest(network) == digest(whole)
    assert 0 < sum(e.jumps for e in state.history) < state.step == sum(e.updates for e in state.history)


def test_moments_and_generator_are_those_of_the_uninterrupted_run(tiny_model, rows, tmp_path):
    """Both runs are stopped at update 14; one of them was stopped and resumed at 5 as well."""
    training, validation = labelled(rows, 0, 60), labelled(rows, 60, 90)
    for folder, stops in (("straight", (14,)), ("resumed", (5, 8))):
        for stop in stops:
            with pytest.raises(Interrupted):
                train(
                    make_network(tiny_model),
                    training,
                    validation,
                    recipe(),
                    start=START,
                    around=around(validation, stop=after(stop), checkpoints=tmp_path / folder),
                )
    newest = [max((tmp_path / f).glob("step-*")) for f in ("straight", "resumed")]
    assert newest[0].name == newest[1].name
    straight, resumed = (load_file(folder / "state.safetensors") for folder in newest)
    assert {name.split(".")[0] for name in straight} == {"weights", "best", "exp_avg", "exp_avg_sq", "step", "random"}
    assert straight.keys() == resumed.keys()
    for name in straight:
        np.testing.assert_array_equal(straight[name], resumed[name], err_msg=name)


def test_without_a_signal_a_checkpoint_is_written_every_minute(tiny_model, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    training, validation = labelled(rows, 0, 24), labelled(rows, 60, 90)
    train(
        make_network(tiny_model),
        training,
        validation,
        recipe(epochs=1),
        start=START,
        around=around(validation, checkpoints=tmp_path),
    )
    assert 1 <= len(list(tmp_path.glob("step-*"))) <= 2


def poisoned(times):
    """A loss that is NaN at the given calls."""
    calls = iter(range(10**9))

    def loss(outputs, targets, smoothing):
        clean = TASK.loss(outputs, targets, smoothing)
        return clean * float("nan") if next(calls) in times else clean

    return loss


def test_three_bad_updates_in_a_row_end_training_and_no_checkpoint_is_not_finite(
    tiny_model, rows, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    training, validation = labelled(rows, 0, 60), labelled(rows, 60, 90)
    with pytest.raises(TrainingError, match="3 updates in a row, epoch 1"):
        train(
            make_network(tiny_model),
            training,
            validation,
            recipe(),
            start=START,
            around=around(validation, loss=poisoned({2, 3, 4}), checkpoints=tmp_path),
        )
    written = list(tmp_path.glob("step-*"))
    assert written
    for folder in written:
        arrays = load_file(folder / "state.safetensors")
        assert all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f")
        json.loads((folder / "meta.json").read_text(), parse_constant=lambda c: pytest.fail(c))


def test_single_bad_updates_are_left_out(tiny_model, rows):
    training, validation = labelled(rows, 0, 60), labelled(rows, 60, 90)
    network = make_network(tiny_model)
    state = train(
        network,
        training,
        validation,
        recipe(epochs=1),
        start=START,
        around=around(validation, loss=poisoned({1, 2, 5})),
    )
    assert all(np.isfinite(value) for value in curve(state)[-1])
    assert all(p.isfinite().all() for p in network.parameters())
    assert state.step >= 8


def test_a_learning_rate_that_explodes_is_an_error_and_not_a_refusal_of_the_data(tiny_model, rows):
    training, validation = labelled(rows, 0, 8), labelled(rows, 60, 90)
    with pytest.raises(TrainingError, match="learning_rate"):
        train(
            make_network(tiny_model),
            training,
            validation,
            recipe(learning_rate=1e38, epochs=9, early_stopping=0),
            start=START,
            around=around(validation),
        )


def test_progress_is_told(tiny_model, rows, monkeypatch):
    monkeypatch.setattr(loop, "TELL_SECONDS", 0.0)
    events = []
    validation = labelled(rows, 60, 90)
    train(
        make_network(tiny_model),
        labelled(rows, 0, 24),
        validation,
        recipe(epochs=2),
        start=START,
        around=around(validation, observe=events.append),
    )
    done = [event.data["done"] for event in events]
    assert done == sorted(done) and all(event.data["seconds_left"] >= 0 for event in events)
    assert {"train_loss", "validation_loss", "metric", "epoch", "total"} <= set(events[-1].data)


def test_the_learning_curve_is_the_golden_one(tiny_model, rows):
    """A refactor reproduces it. `TUNEWRIGHT_GOLDEN=write` writes it anew, for a change that was meant."""
    training, validation = labelled(rows, 0, 16), labelled(rows, 60, 90)
    network = make_network(tiny_model, dropout=0.0)
    state = train(
        network,
        training,
        validation,
        recipe(epochs=24, early_stopping=0, learning_rate=4e-3, label_smoothing=0.05),
        start=START,
        around=around(validation),
    )
    found = [[e.train_loss, e.validation_loss] for e in state.history[1:]]
    if os.environ.get("TUNEWRIGHT_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps({"train_and_validation_loss": found}, indent=1) + "\n")
    golden = json.loads(GOLDEN.read_text())["train_and_validation_loss"]
    np.testing.assert_allclose(found, golden, atol=1e-3)
