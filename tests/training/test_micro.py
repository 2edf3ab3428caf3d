"""Where memory ends the micro-batch halves, the effective batch stays, and the updates are the same."""

import numpy as np
import pytest
import torch

from tunewright.errors import TrainingError
from tunewright.runfolder.state import load_state
from tunewright.training import loop
from tunewright.training.augment.mixup import Mixup
from tunewright.training.flat import FlatOptimizer, groups_of
from tunewright.training.loop import Interrupted
from tunewright.training.micro import Micro, cut_parts
from tunewright.training.state import LoopState

SAID = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


class Refused(torch.autograd.Function):
    """Fails on the way back."""

    @staticmethod
    def forward(ctx, value):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def close(one, other):
    """Weights of two networks, to float tolerance."""
    for (name, a), (_, b) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-3, atol=2e-5, msg=lambda said, name=name: f"{name}: {said}")


def once(task, at, how):
    """The task's loss, out of memory once: at the `at`-th training batch, on the way there or back."""
    seen = []

    def loss(outputs, targets, smoothing):
        found = task.loss(outputs, targets, smoothing)
        if not outputs.requires_grad:
            return found
        seen.append(len(outputs))
        if len(seen) - 1 == at and how == "forward":
            raise RuntimeError(SAID)
        return Refused.apply(found) if len(seen) - 1 == at else found

    return loss, seen


def bounded(task, rows, how="forward"):
    """The same for a machine that never has room for more than so many rows."""
    seen = []

    def loss(outputs, targets, smoothing):
        found = task.loss(outputs, targets, smoothing)
        if outputs.requires_grad:
            seen.append(len(outputs))
            if len(outputs) > rows:
                if how == "forward":
                    raise MemoryError
                return Refused.apply(found)
        return found

    return loss, seen


def notes(events):
    return [event for event in events if event.what == "note"]


@pytest.mark.parametrize("head", ["linear", "mlp"])
@pytest.mark.parametrize("how", ["forward", "backward"])
@pytest.mark.parametrize("at", [0, 2, 7])
def test_out_of_memory_at_any_update_changes_nothing_but_the_micro_batch(fine_tuned, new_network, at, how, head):
    straight, calm = fine_tuned(new_network(head=head))
    (loss, seen), events = once(fine_tuned.task, at, how), []
    state, network = fine_tuned(new_network(head=head), loss=loss, observe=events.append)
    told = notes(events)
    assert len(told) == 1 and "Out of memory" in told[0].text and "effective batch stays" in told[0].text
    assert told[0].data["micro_tokens"] == state.micro_tokens and told[0].data["update"] == at
    assert straight.micro_tokens is None and state.step == straight.step
    # The failing batch is done again in at least two parts, none larger than half of it.
    assert len(seen) > at + 2 and max(seen[at + 1 : at + 3]) <= (seen[at] + 1) // 2
    close(network, calm)
    for one, other in zip(state.history, straight.history, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-3)


@pytest.mark.parametrize("how", ["forward", "backward"])
def test_it_halves_until_it_fits(fine_tuned, how):
    _, calm = fine_tuned()
    (loss, seen), events = bounded(fine_tuned.task, 3, how), []
    state, network = fine_tuned(loss=loss, observe=events.append)
    assert len(notes(events)) >= 3 and [rows for rows in seen[-20:] if rows > 3] == []
    assert state.micro_tokens == notes(events)[-1].data["micro_tokens"]
    close(network, calm)


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe": {"augment": Mixup(strength=0.5)}},
        {"weights": np.random.default_rng(0).random(60).astype(np.float32) * 2},
        {"recipe": {"label_smoothing": 0.1}},
    ],
    ids=["mixed", "weighted", "smoothed"],
)
def test_mixed_weighted_and_smoothed_rows_too(fine_tuned, changes):
    (_, plain), (_, calm) = fine_tuned(), fine_tuned(**changes)
    assert not torch.allclose(plain.head.linear.weight, calm.head.linear.weight, rtol=2e-3, atol=2e-5)
    state, network = fine_tuned(**changes, loss=bounded(fine_tuned.task, 5)[0])
    assert state.micro_tokens is not None
    close(network, calm)


def test_validation_rows_are_judged_in_smaller_batches(fine_tuned, new_network):
    straight, calm = fine_tuned()
    network, events, asked = new_network(), [], []

    def refuse(module, given):
        if not module.training:
            asked.append(len(given[0]))
            if asked[-1] > 8:
                raise RuntimeError(SAID)

    network.encoder.register_forward_pre_hook(refuse)
    state, network = fine_tuned(network, observe=events.append)
    assert max(asked) == 30 and min(asked) <= 8 and "Out of memory" in notes(events)[0].text
    close(network, calm)
    assert [one.metric for one in state.history] == [one.metric for one in straight.history]


def test_the_micro_batch_is_resumed_with_the_run(fine_tuned, new_network, tmp_path):
    """A continued run neither fails again nor sums in another order: it ends at the same bits."""
    whole, calm = fine_tuned(loss=bounded(fine_tuned.task, 5)[0])
    asked = iter(range(100))
    with pytest.raises(Interrupted):
        fine_tuned(
            loss=bounded(fine_tuned.task, 5)[0],
            checkpoints=tmp_path,
            stop=lambda: 15 if next(asked) == 5 else None,
        )
    torch.manual_seed(99)
    (loss, seen), events = bounded(fine_tuned.task, 5), []
    state, network = fine_tuned(loss=loss, checkpoints=tmp_path, observe=events.append)
    assert max(seen) <= 5 and notes(events) == []
    assert state.micro_tokens == whole.micro_tokens
    for (_, a), (_, b) in zip(network.state_dict().items(), calm.state_dict().items(), strict=True):
        assert torch.equal(a, b)


def test_nothing_fits_and_the_checkpoint_before_is_intact(fine_tuned, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    made = []

    def loss(outputs, targets, smoothing):
        if outputs.requires_grad:
            made.append(len(outputs))
            if len(made) > 5:
                raise MemoryError
        return fine_tuned.task.loss(outputs, targets, smoothing)

    with pytest.raises(TrainingError) as caught:
        fine_tuned(loss=loss, checkpoints=tmp_path, recipe={"gradient_checkpointing": False})
    said = str(caught.value)
    assert "must fit into memory" in said and "One row of" in said
    assert 0 < said.index("gradient_checkpointing") < said.index("lora") < said.index("max_length")
    kept = load_state(tmp_path)
    assert kept is not None and kept.step == 5 and kept.notes == ()
    state, _ = fine_tuned(checkpoints=tmp_path)  # with more memory the run goes on from there
    assert state.epoch == 2


def test_one_row_without_room_turns_gradient_checkpointing_on(fine_tuned, new_network, tmp_path):
    _, calm = fine_tuned()
    network, events = new_network(), []

    def loss(outputs, targets, smoothing):
        on = "forward" in network.encoder.model.encoder.layer[0].__dict__
        if outputs.requires_grad and not on:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return fine_tuned.task.loss(outputs, targets, smoothing)

    state, network = fine_tuned(network, loss=loss, observe=events.append)
    assert state.checkpointing and "Gradient checkpointing is on" in notes(events)[-1].text
    assert "forward" not in network.encoder.model.encoder.layer[0].__dict__  # and off again afterwards
    close(network, calm)


@pytest.mark.parametrize("checkpointing", [True, False])
def test_the_error_proposes_only_what_is_not_done_yet(fine_tuned, new_network, checkpointing):
    with pytest.raises(TrainingError) as caught:
        fine_tuned(
            new_network("lora"),
            loss=bounded(fine_tuned.task, 0)[0],
            recipe={"gradient_checkpointing": checkpointing},
        )
    assert "lora" not in str(caught.value)
    assert ("gradient_checkpointing" in str(caught.value)) is not checkpointing


def test_gradient_checkpointing_gives_the_same_model(fine_tuned, new_network):
    (_, calm), (state, network) = fine_tuned(), fine_tuned(recipe={"gradient_checkpointing": True})
    assert state.checkpointing
    close(network, calm)


def test_other_errors_are_not_swallowed(fine_tuned):
    def loss(outputs, targets, smoothing):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        fine_tuned(loss=loss)


def test_no_room_for_the_buffers_is_a_clean_error_too(fine_tuned, monkeypatch):
    def refuse(*given, **named):
        raise MemoryError

    monkeypatch.setattr(loop, "FlatOptimizer", refuse)
    with pytest.raises(TrainingError, match=r"moments or a checkpoint had none.*model\.train: lora"):
        fine_tuned()


def test_a_part_that_is_not_finite_drops_the_whole_update(new_network, part_of):
    network, training = new_network(), part_of(0, 60)
    optimizer = FlatOptimizer(
        groups_of(network, head=network.head, head_learning_rate=1.0), learning_rate=1, weight_decay=0, clip=1
    )
    micro = Micro(network=network, optimizer=optimizer, observe=lambda event: None, device=torch.device("cpu"))
    parts = []

    def loss(part):
        parts.append(part)
        value = next(iter(network.head.parameters())).sum()
        return value * float("nan") if len(parts) == 2 else value

    found = micro.gradient(LoopState(micro_tokens=40), training.inputs, np.arange(12), loss)
    assert len(parts) == 2 and not np.isfinite(found)
    assert all(float(flat.grad.abs().sum()) == 0 for flat in optimizer.flat)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_gradients_of_many_parts_are_those_of_the_batch(new_network, part_of, precision, fine_tuned):
    from tunewright.training.batch_loss import batch_loss

    training, rows, cpu = part_of(0, 60), np.arange(48), torch.device("cpu")
    found = {}
    for tokens in (None, 20):
        network = new_network(precision=precision)
        optimizer = FlatOptimizer(
            groups_of(network, head=network.head, head_learning_rate=1.0), learning_rate=1, weight_decay=0, clip=1
        )
        micro = Micro(network=network.train(), optimizer=optimizer, observe=lambda event: None, device=cpu)
        torch.manual_seed(0)

        def loss(part, network=network):
            plain = lambda outputs, targets: fine_tuned.task.loss(outputs, targets, 0.0)  # noqa: E731
            return batch_loss(network, training, rows, loss=plain, device=cpu, part=part)

        value = micro.gradient(LoopState(micro_tokens=tokens), training.inputs, rows, loss)
        found[tokens] = value, torch.cat([flat.grad.float() for flat in optimizer.flat])
    assert found[None][0] == pytest.approx(found[20][0], rel=1e-5 if precision == torch.float32 else 1e-2)
    similarity = float(torch.nn.functional.cosine_similarity(found[None][1], found[20][1], dim=0))
    assert similarity > (0.999999 if precision == torch.float32 else 0.999)


@pytest.mark.parametrize("tokens", [1, 7, 30, 64, 200, 10_000])
def test_parts_cover_the_batch_in_order_and_keep_the_limit(tokens):
    lengths = np.sort(np.random.default_rng(0).integers(1, 40, 23))
    parts = cut_parts(lengths, tokens)
    assert np.concatenate(parts).tolist() == list(range(23))
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= tokens for part in parts)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
