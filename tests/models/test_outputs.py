"""A forward pass where memory ends: smaller batches, the same outputs."""

import numpy as np
import pytest
import torch

from tunewright.errors import ModelError
from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.outputs import encode_inputs, predict_outputs
from tunewright.models.tokens import TextTokenizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def network(tiny_model):
    torch.manual_seed(0)
    return Network(Encoder(load_folder(tiny_model), "mean"), make_head("linear", inputs=32, outputs=2, dropout=0.0))


@pytest.fixture(scope="module")
def inputs(tiny_model, tiny_words):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(tiny_words, n)) for n in rng.integers(1, 20, 70)]
    return Inputs((TextTokenizer(tiny_model)(texts, 32),), np.zeros((70, 0), np.float32))


def small_memory(network, tokens):
    """No room for more tokens than that at a time; returns the hook and the sizes that were asked for."""
    asked = []

    def refuse(module, given):
        asked.append(given[0].numel())
        if asked[-1] > tokens:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    return network.encoder.register_forward_pre_hook(refuse), asked


@pytest.mark.parametrize("what", ["outputs", "vectors"])
def test_the_rows_that_had_no_room_are_computed_in_smaller_batches(network, inputs, what):
    def compute(observe=lambda event: None):
        given = {"device": CPU, "observe": observe, "tick": lambda done, total: ticks.append((done, total))}
        ticks.clear()
        if what == "outputs":
            return predict_outputs(network, inputs, **given)
        return encode_inputs(network.encoder, inputs, **given)

    ticks, events = [], []
    expected = compute()
    hook, asked = small_memory(network, 200)
    try:
        found = compute(events.append)
    finally:
        hook.remove()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert max(asked) > 200 and asked[-1] <= 200
    assert [event.what for event in events] == ["note"] * len(events) and len(events) >= 2
    assert events[-1].data["evaluation_tokens"] <= 200 and "Out of memory" in events[0].text
    assert [done for done, _ in ticks] == sorted({done for done, _ in ticks}) and ticks[-1] == (70, 70)


def test_a_row_without_room_is_an_error_that_says_what_to_do(network, inputs):
    hook, _ = small_memory(network, 3)
    try:
        with pytest.raises(ModelError, match=r"one row at a time.*max_length"):
            predict_outputs(network, inputs, device=CPU)
    finally:
        hook.remove()


def test_other_errors_pass(network, inputs):
    def fail(module, given):
        raise RuntimeError("shapes differ")

    hook = network.encoder.register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="shapes differ"):
            predict_outputs(network, inputs, device=CPU)
    finally:
        hook.remove()
