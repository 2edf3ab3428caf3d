"""Faults that end a training and not the crew: followers are free for the next one, which goes as it should."""

import numpy as np
import pytest
import torch

from tunewright.errors import ModelError, TrainingError
from tunewright.tasks import Classification

TASK = Classification(labels=("a", "b", "c"))


def poisoned(times, *, gradient_only=False):
    """A loss whose value, or whose gradient alone, is NaN at the given calls."""
    calls = iter(range(10**9))

    def loss(outputs, targets, smoothing):
        clean = TASK.loss(outputs, targets, smoothing)
        if smoothing == 0 or next(calls) not in times:  # validation is judged without smoothing
            return clean
        if not gradient_only:
            return clean * float("nan")
        zero = (outputs - outputs.detach()).sum(-1)
        return clean + zero.abs().sqrt()  # its derivative at 0 is infinite times 0

    return loss


def check(bench, two, **options):
    """A training on two ranks is that of one."""
    alone, shared = bench.network(), bench.network()
    one = bench.train(alone, **options)
    with two.encoder() as compute:
        other = bench.train(shared, compute, **options)
    for a, b in zip(alone.parameters(), shared.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(*([e.train_loss for e in state.history] for state in (one, other)), rtol=1e-4)
    return one


@pytest.mark.parametrize("gradient_only", [False, True])
def test_updates_that_are_not_finite_are_left_out_everywhere(bench, two, gradient_only):
    clean = check(bench, two, recipe={"label_smoothing": 0.1})
    for kind in ("replicated", "sharded"):
        losses = [poisoned({1, 2, 5}, gradient_only=gradient_only) for _ in range(2)]
        alone, shared = bench.network(), bench.network()
        recipe = {"label_smoothing": 0.1, "parallel": kind}
        one = bench.train(alone, recipe=recipe, loss=losses[0])
        with two.encoder() as compute:
            bench.train(shared, compute, recipe=recipe, loss=losses[1])
        assert one.step == clean.step
        for a, b in zip(alone.parameters(), shared.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
        assert one.history[1].train_loss != clean.history[1].train_loss


def test_three_bad_updates_end_the_training_and_not_the_crew(bench, two):
    with pytest.raises(TrainingError, match="3 updates in a row"), two.encoder() as compute:
        recipe = {"label_smoothing": 0.1}
        bench.train(bench.network(), compute, recipe=recipe, loss=poisoned({2, 3, 4}))
    check(bench, two)


def test_an_error_of_the_leader_frees_the_followers(bench, two):
    def judge(outputs):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), two.encoder() as compute:
        bench.train(bench.network(), compute, judge=judge)
    check(bench, two)


def test_early_stopping_is_the_leaders(bench, two):
    told = iter([0.5, 0.4, 0.4, 0.9])
    with two.encoder() as compute:
        state = bench.train(bench.network(), compute, judge=lambda outputs: next(told), recipe={"epochs": 9})
    assert (state.epoch, state.best_epoch) == (3, 1)
    check(bench, two)


def test_a_rank_with_another_model_is_named(bench, two):
    for wrong, said in (({"digest": "0" * 64}, "same files"), ({"backbone": "/no/such/folder"}, "no folder")):
        with (
            pytest.raises(ModelError, match=f"Rank 1: .*{said}"),
            two.encoder(other=wrong),
        ):
            raise AssertionError("the block must not begin")
    check(bench, two)
