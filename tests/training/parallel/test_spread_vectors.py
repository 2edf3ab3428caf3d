"""Encoding and predicting with the help of other ranks gives the very bits of one process."""

import numpy as np
import pytest
import torch

from tunewright.errors import PlanError
from tunewright.models import outputs as module
from tunewright.models.outputs import encode_inputs, predict_outputs
from tunewright.plan import read_plan
from tunewright.training.parallel import spread
from tunewright.training.parallel.memory import takes_much
from tunewright.training.parallel.spec import share

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def many(bench):
    """1,600 rows: seven batches."""
    return bench.inputs.take(np.tile(np.arange(len(bench.targets)), 10))


def test_vectors_are_those_of_one_process(bench, two, many):
    encoder, ticks = bench.network().encoder, []
    with two.encoder() as helped:
        found = helped.vectors(encoder, many, device=CPU, tick=lambda done, total: ticks.append((done, total)))
    np.testing.assert_array_equal(found, encode_inputs(encoder, many, device=CPU))
    assert ticks == sorted(ticks) and ticks[-1] == (len(many), len(many))


def test_the_leader_computes_its_share_only(bench, two, many, monkeypatch):
    done = []
    encode = module.encode_inputs

    def count(encoder, inputs, *, batches, **options):
        done.append(sum(map(len, batches)))
        return encode(encoder, inputs, batches=batches, **options)

    monkeypatch.setattr(spread, "encode_inputs", count)
    with two.encoder() as helped:
        helped.vectors(bench.network().encoder, many, device=CPU)
    assert 0.4 * len(many) < done[0] < 0.7 * len(many)


@pytest.mark.parametrize("rows", [1, 300])
def test_fewer_batches_than_ranks(bench, two, rows):
    encoder, few = bench.network().encoder, bench.inputs.take(np.arange(rows) % 160)
    with two.encoder() as helped:
        found = helped.vectors(encoder, few, device=CPU)
    np.testing.assert_array_equal(found, encode_inputs(encoder, few, device=CPU))


def test_a_trained_network_answers_with_its_own_weights(bench, two, many):
    network = bench.network()
    with torch.no_grad():
        for parameter in network.encoder.parameters():
            parameter.mul_(1.1)
    with two.encoder() as helped:
        before = helped.predict(network, many, device=CPU)
        helped.send_weights(network.encoder)
        after = helped.predict(network, many, device=CPU)
    alone = predict_outputs(network, many, device=CPU)
    np.testing.assert_array_equal(after, alone)
    assert np.abs(before - alone).max() > 1e-3  # half of the rows came from an encoder that lacked them


def test_each_row_is_one_ranks():
    for rows in range(9):
        for world in range(1, 5):
            dealt = np.concatenate([share(rows, rank, world) for rank in range(world)])
            assert sorted(dealt.tolist()) == list(range(rows))


def test_auto_goes_by_the_memory_that_is_free():
    # 12 bytes a weight against a quarter of it
    assert not takes_much(1000, free=48_000)
    assert takes_much(1001, free=48_000)
    assert not takes_much(1000)


@pytest.mark.parametrize("sharded", [False, True])
def test_auto_is_decided_once_and_replayed(bench, two, sharded):
    asked = []

    def decide(name, make):
        asked.append((name, make()))
        return {"sharded": sharded}

    with two.encoder(decide=decide) as compute:
        bench.train(bench.network(), compute, recipe={"epochs": 1})
        assert compute.exchange.sharded == sharded
    assert asked == [("parallel", {"sharded": False})]


def test_training_parallel_is_read_and_checked():
    assert read_plan(training={"parallel": "sharded"}).training.parallel == "sharded"
    with pytest.raises(PlanError, match=r'training\.parallel: must be .*sharded\. Got "shard"\. Did you mean sharded'):
        read_plan(training={"parallel": "shard"})
