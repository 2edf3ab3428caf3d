"""Layer-wise rates, gradual unfreezing and averaging in the loop: each does what it says, and survives being killed."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch

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
from tunewright.training.labelled import Labelled
from tunewright.training.levers import idle_levers, unfelt
from tunewright.training.loop import Interrupted, Surroundings, train
from tunewright.training.options import TrainingOptions
from tunewright.training.recipe import Recipe

TASK = Classification(labels=("a", "b", "c"))
START = Epoch(epoch=0, train_loss=1.1, validation_loss=1.1, metric=0.0, seconds=0.0)
UPDATES = 8  # an epoch, about


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def rows(tiny_model, tiny_words):
    """60 train and 30 validation rows of 3 classes, each class with words of its own among common ones."""
    rng = np.random.default_rng(0)
    targets = np.arange(90) % 3
    texts = [
        " ".join(rng.permutation([*rng.choice(tiny_words[t * 30 : t * 30 + 30], 3), *rng.choice(tiny_words[90:], n)]))
        for t, n in zip(targets, rng.integers(0, 9, 90), strict=True)
    ]
    inputs = Inputs((TextTokenizer(tiny_model)(texts, 32),), np.zeros((90, 0), np.float32))
    return [Labelled(inputs.take(part), targets[part].astype(np.int64)) for part in (np.arange(60), np.arange(60, 90))]


def make_network(tiny_model, method="full", dropout=0.2):
    torch.manual_seed(1)
    head = make_head("linear", inputs=32, outputs=3, dropout=dropout)
    network = Network(Encoder(load_folder(tiny_model), "mean"), head)
    choose_trainable(network, method, seed=0)
    set_dropout(network.encoder, dropout)
    return network


def go(network, rows, *, judge=None, stop=lambda: None, checkpoints=None, **changes):
    """Train with a recipe; `judge` is handed the outputs and the network."""
    training, validation = rows
    accuracy = lambda outputs, _: float((outputs.argmax(1) == validation.targets).mean())  # noqa: E731
    told = judge or accuracy
    around = Surroundings(
        loss=TASK.loss,
        judge=lambda outputs: told(outputs, network),
        observe=lambda event: None,
        checkpoints=checkpoints,
        stop=stop,
        device=torch.device("cpu"),
    )
    usual = {"epochs": 4, "batch_rows": 8, "batch_tokens": 200, "learning_rate": 1e-3, "seed": 5, "early_stopping": 0}
    return train(network, training, validation, Recipe(**usual | changes), start=START, around=around)


def weights_of(network):
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def digest(network):
    total = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        total.update(name.encode() + value.detach().numpy().tobytes())
    return total.hexdigest()


def timeless(state):
    return [replace(epoch, seconds=0.0) for epoch in state.history]


def scripted(metrics, seen):
    """A judge that says what it is told to, and notes which weights it was asked about."""
    told = iter(metrics)

    def judge(outputs, network):
        seen.append(weights_of(network))
        return next(told)

    return judge


LEVERS = {
    "layers": {"layer_decay": 0.7, "unfreeze": "gradual"},
    "epochs": {"averaging": "epochs"},
    "ema": {"averaging": "ema", "ema_decay": 0.8},
    "all": {"layer_decay": 0.7, "unfreeze": "gradual", "averaging": "ema", "ema_decay": 0.9},
    "all, means of epochs": {"layer_decay": 0.5, "unfreeze": "gradual", "averaging": "epochs"},
}


KILLS = [(0,), (3, 9), (UPDATES,), (4 * UPDATES + 2,), (12, 2, 4)]
# What all of them survive together each survives alone: one way of dying is enough there.
TOGETHER = [("all", method, kills) for method in ("full", "lora", "layers:2") for kills in KILLS]
APART = [(lever, "full", kills) for lever in LEVERS if lever != "all" for kills in KILLS[-1:]]


@pytest.mark.parametrize(("lever", "method", "kills"), [*TOGETHER, *APART])
def test_a_killed_run_continues_to_the_same_bits(tiny_model, rows, tmp_path, lever, method, kills):
    whole = make_network(tiny_model, method)
    straight = go(whole, rows, **LEVERS[lever])
    for kill in kills:
        asked = iter(range(10**9))
        with pytest.raises(Interrupted):
            go(
                make_network(tiny_model, method),
                rows,
                stop=lambda asked=asked, kill=kill: 15 if next(asked) >= kill else None,
                checkpoints=tmp_path,
                **LEVERS[lever],
            )
        torch.manual_seed(999)  # another process has another generator
    network = make_network(tiny_model, method)
    state = go(network, rows, checkpoints=tmp_path, **LEVERS[lever])
    assert timeless(state) == timeless(straight) and len(state.history) == 5
    assert digest(network) == digest(whole)
    counts = ("step", "best", "best_epoch", "best_average", "averaged", "stale")
    assert [getattr(state, name) for name in counts] == [getattr(straight, name) for name in counts]


@pytest.mark.parametrize("kind", ["epochs", "ema"])
def test_averaging_adds_a_candidate_and_moves_no_weight(tiny_model, rows, kind):
    """Every epoch's loss and metric are those of a run without it, and what is kept is no worse on validation rows."""
    plain, averaged = make_network(tiny_model), make_network(tiny_model)
    without, having = go(plain, rows), go(averaged, rows, averaging=kind, ema_decay=0.8)
    assert [replace(epoch, average_metric=None) for epoch in timeless(having)] == timeless(without)
    means = [epoch.average_metric for epoch in having.history]
    assert any(mean is not None for mean in means) and all(epoch.average_metric is None for epoch in without.history)
    own = max(epoch.metric for epoch in having.history)
    assert having.best == max(own, *(mean for mean in means if mean is not None)) >= without.best == own


@pytest.mark.parametrize("wins", [True, False])
@pytest.mark.parametrize("kind", ["epochs", "ema"])
def test_what_is_kept_is_the_better_one(tiny_model, rows, kind, wins):
    """Judged in turn: an epoch's own weights, then the mean (from the second epoch on for means of epochs)."""
    network, seen = make_network(tiny_model, dropout=0.0), []
    mean = 0.9 if wins else 0.55
    metrics = [0.5, 0.6, mean, 0.4, 0.1] if kind == "epochs" else [0.5, 0.1, 0.6, mean, 0.4, 0.1]
    state = go(network, rows, judge=scripted(metrics, seen), averaging=kind, epochs=3, ema_decay=0.8)
    assert (state.best, state.best_epoch) == (max(mean, 0.6), 2)
    second = 2 if kind == "epochs" else 3
    assert state.best_average == (0 if not wins else 2 if kind == "epochs" else 1)
    kept, expected = weights_of(network), seen[second if wins else second - 1]
    assert all(torch.equal(kept[name], value) for name, value in expected.items())
    if kind == "epochs":
        halfway = {name: (seen[0][name].double() + seen[1][name].double()) / 2 for name in seen[0] if "ids" not in name}
        for name, value in halfway.items():
            torch.testing.assert_close(seen[2][name].double(), value, rtol=1e-5, atol=1e-7, msg=name)


def test_a_settled_run_ends_at_the_mean_of_its_last_epochs(tiny_model, rows):
    ends = {}
    for stop, average in ((2, 0), (3, 0), (3, 2), (3, 1)):
        network = make_network(tiny_model)
        state = go(network, rows, averaging="epochs", stop_after=stop, stop_average=average)
        assert (state.epoch, state.best_epoch, state.best_average) == (stop, stop, average)
        ends[stop, average] = {n: v.double() for n, v in weights_of(network).items() if v.is_floating_point()}
    for name, value in ends[3, 2].items():
        torch.testing.assert_close(value, (ends[2, 0][name] + ends[3, 0][name]) / 2, rtol=1e-5, atol=1e-7)
    assert all(torch.equal(value, ends[3, 0][name]) for name, value in ends[3, 1].items())
    assert any((ends[3, 2][name] != value).any() for name, value in ends[3, 0].items())


def test_a_settled_run_ends_at_its_moving_average(tiny_model, rows):
    """Nothing looks at validation rows, and still it is the average that the same updates have anywhere."""
    network, seen = make_network(tiny_model), []
    go(make_network(tiny_model), rows, judge=scripted([0.0] * 6, seen), averaging="ema", ema_decay=0.8, epochs=3)
    refuse = lambda outputs, network: pytest.fail("validation rows were looked at")  # noqa: E731
    go(network, rows, judge=refuse, averaging="ema", ema_decay=0.8, epochs=3, stop_after=3, stop_average=1)
    assert all(torch.equal(value, seen[5][name]) for name, value in weights_of(network).items())


def moved(before, after):
    """Which parts of the encoder changed."""
    names = [name for name, value in after.items() if not torch.equal(value, before[name])]
    parts = {"head": "head.", "top": ".layer.1.", "low": ".layer.0.", "norm": "embeddings.LayerNorm"}
    return {part for part, sign in parts.items() if any(sign in name for name in names)}


def test_layers_are_freed_from_the_top_epoch_by_epoch(tiny_model, rows):
    network, seen = make_network(tiny_model), []
    before = weights_of(network)
    go(network, rows, judge=scripted([0.1, 0.2, 0.3, 0.4], seen), unfreeze="gradual")
    assert [moved(a, b) for a, b in zip([before, *seen], seen, strict=False)] == [
        {"head", "top"},
        {"head", "top", "low"},
        {"head", "top", "low", "norm"},
        {"head", "top", "low", "norm"},
    ]
    assert all(p.requires_grad for name, p in network.named_parameters() if ".layer." in name)


def test_only_what_trains_at_all_is_freed(tiny_model, rows):
    for method, last in (("lora", {"head", "top", "low"}), ("layers:2", {"head", "top", "low"})):
        network, seen = make_network(tiny_model, method), []
        before = weights_of(network)
        go(network, rows, judge=scripted([0.1, 0.2], seen), unfreeze="gradual", epochs=2)
        assert [moved(a, b) for a, b in zip([before, *seen], seen, strict=False)] == [{"head", "top"}, last]


@pytest.mark.parametrize(("unfreeze", "epochs"), [("none", 2), ("gradual", 3)])
def test_patience_is_not_lost_while_layers_are_frozen(tiny_model, rows, unfreeze, epochs):
    """Three layers of six planned epochs: all train from the third on."""
    judge = lambda outputs, network: 0.3  # noqa: E731
    state = go(make_network(tiny_model), rows, judge=judge, unfreeze=unfreeze, epochs=6, early_stopping=1)
    assert state.epoch == epochs


def test_low_layers_move_by_their_own_rate(tiny_model, rows):
    distance = {}
    for factor in (1.0, 1e-3):
        network = make_network(tiny_model, dropout=0.0)
        before = weights_of(network)
        go(network, rows, layer_decay=factor, epochs=1, weight_decay=0.0)
        for layer in (0, 1):
            name = f"encoder.model.encoder.layer.{layer}.output.dense.weight"
            distance[factor, layer] = float((weights_of(network)[name] - before[name]).abs().mean())
    assert distance[1.0, 0] > 0.5 * distance[1.0, 1]
    assert 0 < distance[1e-3, 0] < 0.01 * distance[1e-3, 1]


def test_the_average_is_what_predicts(tiny_model, rows):
    """Bits of the outputs that were judged come again from the network that is handed over."""
    network, outputs = make_network(tiny_model), []
    metrics = iter([0.1, 0.9, 0.2, 0.3])

    def judge(found, _):
        outputs.append(found.copy())
        return next(metrics)

    go(network, rows, judge=judge, averaging="ema", ema_decay=0.8, epochs=2)
    again = predict_outputs(network, rows[1].inputs, device=torch.device("cpu"))
    np.testing.assert_array_equal(again, outputs[1])


@pytest.mark.parametrize(
    ("options", "method", "head", "idle"),
    [
        ({"unfreeze": "gradual"}, "head", "mlp", {"unfreeze": "only a head trains"}),
        ({"unfreeze": "gradual"}, "layers:1", "linear", {"unfreeze": "only one layer"}),
        ({"unfreeze": "gradual", "epochs": 1}, "full", "linear", {"unfreeze": "one epoch"}),
        ({"averaging": "ema"}, "head", "linear", {"averaging": "is the probe"}),
        ({"averaging": "ema"}, "head", "mlp", {}),
        ({"averaging": "ema", "epochs": 1}, "full", "linear", {}),
        ({"averaging": "epochs", "epochs": 1}, "full", "linear", {"averaging": "one epoch"}),
        ({"averaging": "epochs", "unfreeze": "gradual"}, "lora", "linear", {}),
        ({"unfreeze": "gradual", "epochs": 2}, "layers:2", "auto", {}),
        ({}, "head", "linear", {}),
    ],
)
def test_what_could_do_nothing_is_known(options, method, head, idle):
    found = dict(idle_levers(TrainingOptions(**options), method=method, head=head))
    assert found.keys() == idle.keys() and all(word in found[name] for name, word in idle.items())


def test_numbers_that_change_nothing_are_named():
    options = TrainingOptions(layer_decay=0.9, dropout=0.1, label_smoothing=0.1)
    assert len(list(unfelt(options, method="head", labels=False))) == 3
    assert len(list(unfelt(options, method="layers:1", labels=True))) == 1
    assert not list(unfelt(options, method="layers:2", labels=True))
    assert not list(unfelt(TrainingOptions(), method="head", labels=False))
