"""Two processes end where one ends: the same curve, weights and answers, replicated or sharded."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tunewright.errors import PlanError
from tunewright.models.footprint import shape_of
from tunewright.models.inputs import Inputs
from tunewright.models.outputs import predict_outputs
from tunewright.tasks import Classification
from tunewright.training import contract
from tunewright.training.augment import make_augmentation
from tunewright.training.loop import Interrupted
from tunewright.training.options import AugmentOptions

CPU = torch.device("cpu")
TASK = Classification(labels=("a", "b", "c"))
KINDS = ("replicated", "sharded")


def curve(state):
    return np.array([(e.epoch, e.train_loss, e.validation_loss, e.metric) for e in state.history])


def assert_same(bench, one, other, **tolerance):
    """Two (network, state) pairs."""
    tolerance = tolerance or {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(curve(one[1]), curve(other[1]), **tolerance)
    assert one[1].step == other[1].step and one[1].best_epoch == other[1].best_epoch > 0
    for (name, a), b in zip(one[0].named_parameters(), other[0].parameters(), strict=True):
        torch.testing.assert_close(a, b, msg=lambda text, name=name: f"{name}: {text}", **tolerance)
    outputs = [predict_outputs(network, bench.inputs, device=CPU) for network, _ in (one, other)]
    np.testing.assert_allclose(*outputs, rtol=1e-3, atol=10 * tolerance["atol"])


def both(bench, led, kind, *, method="full", recipe=None, **options):
    """The same training in one process and in two."""
    recipe = {"parallel": kind} | (recipe or {})
    alone, shared = bench.network(method), bench.network(method)
    before = [p.detach().clone() for p in alone.parameters()]
    one = bench.train(alone, recipe=recipe, **options)
    heard = []
    with led.encoder(observe=heard.append) as compute:
        two = bench.train(shared, compute, recipe=recipe, **options)
        assert compute.exchange.sharded == (kind == "sharded")
    assert "spread over 2 processes" in heard[0].text
    moved = max(float((p.detach() - q).abs().max()) for p, q in zip(alone.parameters(), before, strict=True))
    assert moved > 1e-3
    return (alone, one), (shared, two)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["full", pytest.param("layers:1", marks=pytest.mark.slow), "lora"])
def test_two_processes_end_where_one_ends(bench, two, kind, method):
    assert_same(bench, *both(bench, two, kind, method=method))


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_rows_table_columns_and_mixed_rows(bench, two, kind):
    rng = np.random.default_rng(3)
    dense = rng.normal(size=(len(bench.targets), 2)).astype(np.float32)
    weights = rng.uniform(0, 2, len(bench.targets)).astype(np.float32)
    mixed = replace(bench, inputs=Inputs(bench.inputs.segments, dense), weights=weights)
    augment = make_augmentation(AugmentOptions(kind="mixup", strength=0.5))
    assert_same(mixed, *both(mixed, two, kind, recipe={"augment": augment, "label_smoothing": 0.1}))


def test_pairs_of_texts(bench, two):
    other = bench.inputs.segments[0].take(np.arange(len(bench.targets))[::-1])
    pairs = replace(bench, inputs=Inputs((*bench.inputs.segments, other), bench.inputs.dense))
    assert_same(pairs, *both(pairs, two, "sharded"))


def test_a_batch_of_one_row_leaves_a_process_idle(bench, two):
    assert_same(bench, *both(bench, two, "sharded", recipe={"batch_rows": 1, "epochs": 1}, rows=9))


def test_canaries_are_released_and_taken_back(bench, two):
    assert_same(bench, *both(bench, two, "sharded", canaries=True))


def after(updates):
    asked = iter(range(10**9))
    return lambda: 15 if next(asked) >= updates else None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("first", [1, 2])
def test_a_checkpoint_is_continued_by_another_number_of_processes(bench, two, tmp_path, kind, first):
    recipe = {"parallel": kind}
    whole = bench.network()
    straight = bench.train(whole)

    def sit(network, processes, **options):
        if processes == 1:
            return bench.train(network, recipe=recipe, checkpoints=tmp_path, **options)
        with two.encoder() as compute:
            return bench.train(network, compute, recipe=recipe, checkpoints=tmp_path, **options)

    with pytest.raises(Interrupted):
        sit(bench.network(), first, stop=after(12))
    torch.manual_seed(999)  # another process has another generator
    network = bench.network()
    state = sit(network, 3 - first)
    assert_same(bench, (whole, straight), (network, state))


def test_checkpoints_of_one_and_two_processes_hold_the_same(bench, two, tmp_path):
    for name in ("one", *KINDS):
        options = {"recipe": {"parallel": name}, "checkpoints": tmp_path / name, "stop": after(9)}
        with pytest.raises(Interrupted):
            if name == "one":
                bench.train(bench.network(), checkpoints=tmp_path / name, stop=after(9))
            else:
                with two.encoder() as compute:
                    bench.train(bench.network(), compute, **options)
    one, *others = (load_file(next((tmp_path / name).glob("step-*")) / "state.safetensors") for name in ("one", *KINDS))
    for other in others:
        assert {name: array.shape for name, array in one.items()} == {n: array.shape for n, array in other.items()}
        for name, array in one.items():
            np.testing.assert_allclose(array, other[name], rtol=1e-3, atol=1e-5, err_msg=name)
    assert any(np.abs(array).max() > 0 for name, array in one.items() if name.startswith("exp_avg"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_process_keeps_its_part_of_the_state(bench, two, kind):
    with two.encoder() as compute:
        network = bench.network()
        bench.train(network, compute, recipe={"parallel": kind, "epochs": 1})
        held = [compute.exchange.part(place, 1001) for place in range(compute.exchange.shared)]
    assert held and all(part == (slice(0, 500) if kind == "sharded" else slice(0, 1001)) for part in held)


def test_dropout_in_the_backbone_is_drawn_anew_on_every_rank_and_resumes(bench, two, tmp_path):
    """Masks differ from those of one process, so only repetition and resumption can be compared."""
    found = []
    for folder, stops in ((None, ()), (tmp_path, (5,))):
        for stop in stops:
            with pytest.raises(Interrupted), two.encoder() as compute:
                bench.train(
                    bench.network(dropout=0.3),
                    compute,
                    recipe={"dropout": 0.3},
                    checkpoints=folder,
                    stop=after(stop),
                )
            torch.manual_seed(999)
        network = bench.network(dropout=0.3)
        with two.encoder() as compute:
            state = bench.train(network, compute, recipe={"dropout": 0.3}, checkpoints=folder)
        found.append((network, state))
    assert_same(bench, *found)
    without = bench.network()
    with two.encoder() as compute:
        plain = bench.train(without, compute)
    assert abs(curve(plain) - curve(found[0][1])).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "levers",
    [
        {"layer_decay": 0.5},
        pytest.param({"unfreeze": "gradual", "epochs": 4}, marks=pytest.mark.slow),
        pytest.param({"gradient_checkpointing": True}, marks=pytest.mark.slow),
    ],
    ids=lambda levers: next(iter(levers)),
)
def test_levers_of_training(bench, two, kind, levers):
    assert_same(bench, *both(bench, two, kind, recipe=levers))


def test_gradual_unfreezing_continues_on_another_number_of_processes(bench, two, tmp_path):
    recipe = {"unfreeze": "gradual", "epochs": 4, "layer_decay": 0.7}
    whole = bench.network()
    straight = bench.train(whole, recipe=recipe)
    with pytest.raises(Interrupted), two.encoder() as compute:
        bench.train(bench.network(), compute, recipe=recipe, checkpoints=tmp_path, stop=after(5))
    with two.encoder() as compute:
        network = bench.network()
        with pytest.raises(Interrupted):
            bench.train(network, compute, recipe=recipe, checkpoints=tmp_path, stop=after(12))
    network = bench.network()
    assert_same(bench, (whole, straight), (network, bench.train(network, recipe=recipe, checkpoints=tmp_path)))


@pytest.mark.parametrize("averaging", ["ema", "epochs"])
def test_a_mean_of_weights_is_judged_on_every_rank(bench, two, averaging):
    recipe = {"averaging": averaging, "ema_decay": 0.8, "epochs": 4}
    one, other = both(bench, two, "replicated", recipe=recipe)
    assert_same(bench, one, other)
    found = [[e.average_metric for e in state.history] for _, state in (one, other)]
    assert found[0] == pytest.approx(found[1]) and any(metric is not None for metric in found[0])
    assert one[1].best_average == other[1].best_average


def test_a_mean_of_weights_leaves_what_trains_as_it_is(bench, two):
    """In bfloat16 too, where followers keep masters of their own behind the weights that they are shown."""
    curves = []
    for averaging in ("none", "ema"):
        with two.encoder(other={"precision": "bfloat16"}) as compute:
            network = bench.network(precision=torch.bfloat16)
            state = bench.train(network, compute, recipe={"averaging": averaging, "parallel": "replicated"})
        curves.append(curve(state))
    np.testing.assert_array_equal(*curves)


def test_a_mean_of_weights_keeps_whole_states_and_refuses_slices(bench, two):
    with two.encoder() as compute:
        bench.train(bench.network(), compute, recipe={"averaging": "ema", "epochs": 1, "parallel": "auto"})
        assert not compute.exchange.sharded
    with pytest.raises(PlanError, match="parallel: replicated"), two.encoder() as compute:
        bench.train(bench.network(), compute, recipe={"averaging": "ema", "parallel": "sharded"})


def no_room_once(network, place):
    """A loss; in the first batch memory ends, once: in the head, or on the way back through the encoder."""
    left = {place}

    def loss(outputs, targets, smoothing):
        if left == {"head"} and outputs.requires_grad:
            left.clear()
            raise MemoryError
        return TASK.loss(outputs, targets, smoothing)

    def back(gradient):
        if left == {"backward"}:
            left.clear()
            raise MemoryError

    def hear(module, given, vectors):
        if vectors.requires_grad:
            vectors.register_hook(back)

    network.encoder.register_forward_hook(hear)
    return loss


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [pytest.param("head", marks=pytest.mark.slow), "backward"])
def test_batches_that_rank_0_halves_are_spread_part_by_part(bench, two, kind, place):
    heard = []
    plain, halved = bench.network(), bench.network()
    one = bench.train(plain)
    with two.encoder() as compute:
        options = {"loss": no_room_once(halved, place), "observe": heard.append}
        state = bench.train(halved, compute, recipe={"parallel": kind}, **options)
    assert state.micro_tokens and any("Out of memory on 7 rows" in event.text for event in heard)
    assert_same(bench, (plain, one), (halved, state))


def test_the_memory_contract_is_made_by_rank_0(bench, two, tiny_model, monkeypatch):
    monkeypatch.setattr(contract, "AMPLE", 1e9)  # whatever is free, an update is measured
    shape = shape_of(tiny_model, width=32, layers=2, bytes=4)
    terms = contract.Terms(shape=shape, budget_gb=None, decide=lambda make: make())
    plain, measured, heard = bench.network(), bench.network(), []
    one = bench.train(plain)
    with two.encoder() as compute:
        state = bench.train(measured, compute, terms=terms, observe=heard.append)
    assert any("measured" in event.text for event in heard)
    assert_same(bench, (plain, one), (measured, state))
