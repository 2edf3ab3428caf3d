"""More than two ranks, a signal that only one of them receives, one that is killed, one that hangs."""

import signal
import time

import numpy as np
import pytest
import torch

from tunewright.errors import TrainingError
from tunewright.runfolder.state import load_state
from tunewright.training import loop
from tunewright.training.loop import Interrupted
from tunewright.training.parallel.lost import Lost


def same(one, other):
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_three_processes(bench, lead, tiny_model):
    alone, shared = bench.network(), bench.network()
    one = bench.train(alone)
    with lead(tiny_model, world=3) as led, led.encoder() as compute:
        three = bench.train(shared, compute, recipe={"parallel": "sharded"})
    same(alone, shared)
    np.testing.assert_allclose(*([e.train_loss for e in state.history] for state in (one, three)), rtol=1e-4)


def test_a_signal_to_one_process_is_everybodys(bench, lead, tiny_model, tmp_path):
    alone = bench.network()
    bench.train(alone)
    with lead(tiny_model, signalled=5) as led:
        with pytest.raises(Interrupted) as caught, led.encoder() as compute:
            bench.train(bench.network(), compute, checkpoints=tmp_path, recipe={"parallel": "sharded"})
        assert caught.value.signal == signal.SIGTERM
    assert load_state(tmp_path).step == 6
    network = bench.network()
    bench.train(network, checkpoints=tmp_path)
    same(alone, network)


def test_what_a_rank_fails_of_is_told_by_the_leader(bench, lead, tiny_model):
    with (
        lead(tiny_model, clean=False) as led,
        pytest.raises(Lost, match="One is gone: rank 1: AssertionError"),
        led.encoder() as compute,
    ):
        compute.group.tell({"op": "align"})  # of an optimiser that was never made
        bench.train(bench.network(), compute)


@pytest.mark.parametrize(
    ("number", "patience"), [(signal.SIGKILL, 120), pytest.param(signal.SIGSTOP, 8, marks=pytest.mark.slow)]
)
def test_a_rank_that_dies_or_hangs_ends_all_and_leaves_the_checkpoint(
    bench, lead, tiny_model, tmp_path, monkeypatch, number, patience
):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "TELL_SECONDS", 0.0)
    asked = []
    with lead(tiny_model, patience=patience, clean=False) as led:

        def observe(event):
            if event.data.get("done") == 10 and not asked:
                asked.append(time.monotonic())
                led.processes[0].send_signal(number)

        with pytest.raises(Lost, match=r"All 2 processes .* must stay .*same command again"), led.encoder() as compute:
            bench.train(bench.network(), compute, checkpoints=tmp_path, recipe={"parallel": "sharded"}, observe=observe)
        assert time.monotonic() - asked[0] < 20
        with pytest.raises(Lost), led.encoder():
            raise AssertionError("there is nobody left")
        led.processes[0].kill()
    monkeypatch.undo()
    assert load_state(tmp_path).step >= 9
    alone, network = bench.network(), bench.network()
    bench.train(alone)
    bench.train(network, checkpoints=tmp_path)
    same(alone, network)


def test_memory_that_ends_in_the_middle_of_a_spread_batch(bench, lead, tiny_model):
    with lead(tiny_model, clean=False) as led:
        network = bench.network()

        def exhausted(*_, **__):
            raise MemoryError

        with pytest.raises(TrainingError, match="without torchrun"), led.encoder() as compute:
            network.encoder.forward = exhausted
            bench.train(network, compute)
        with pytest.raises(Lost), led.encoder():
            raise AssertionError("nobody can be called any more")
        for process in led.processes:
            process.kill()
