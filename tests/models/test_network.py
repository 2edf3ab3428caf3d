"""Pooling, joining and the network: the answer for a text does not depend on its company."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder, pair_vector, pool
from tunewright.models.heads import MLPHead, make_head, start_from_probe
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network, joined_width
from tunewright.models.outputs import encode_inputs, predict_outputs
from tunewright.models.tokens import TextTokenizer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def inputs(tiny_model, tiny_words):
    rng = np.random.default_rng(1)
    texts = [" ".join(rng.choice(tiny_words, n)) for n in rng.integers(0, 30, 40)]
    return Inputs((TextTokenizer(tiny_model)(texts, 64),), rng.normal(size=(40, 3)).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5), st.sampled_from(["mean", "max", "cls"]), st.integers(0, 10**6)
)
def test_pooling_against_a_loop(lengths, how, seed):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(lengths), 6, 4, generator=generator)
    mask = torch.tensor([[1] * n + [0] * (6 - n) for n in lengths])
    expected = []
    for row, n in zip(hidden, lengths, strict=True):
        real = row[:n]
        expected.append({"mean": real.sum(0) / n, "max": real.max(0).values, "cls": real[0]}[how])
    torch.testing.assert_close(pool(hidden, mask, how), torch.stack(expected))
    torch.testing.assert_close(pool(hidden, None, how), pool(hidden, torch.ones(len(lengths), 6), how))


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_a_text_has_one_vector_alone_or_padded(tiny_model, inputs, pooling):
    encoder = Encoder(load_folder(tiny_model), pooling)
    together = encode_inputs(encoder, inputs, device=CPU)
    alone = np.concatenate([encode_inputs(encoder, inputs.take(np.array([i])), device=CPU) for i in range(len(inputs))])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    # Vectors have length √D, so that every coordinate is about one.
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), np.sqrt(32), rtol=1e-5)
    assert np.ptp(together, axis=0).min() > 0.1


def test_pair_vector_holds_difference_product_and_cosine():
    u, v = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    joined = pair_vector(u, v)
    assert joined.shape == (5, joined_width(8, 2))
    torch.testing.assert_close(joined[:, :8], (u - v).abs())
    torch.testing.assert_close(joined[:, 8:16], u * v)
    unit = torch.nn.functional.normalize(u, dim=-1) * 8**0.5, torch.nn.functional.normalize(v, dim=-1) * 8**0.5
    cosine = torch.nn.functional.cosine_similarity(*unit)
    torch.testing.assert_close(pair_vector(*unit)[:, 16], cosine * 8**0.5)
    torch.testing.assert_close(joined, pair_vector(v, u))


def test_order_of_rows_is_kept_whatever_their_lengths(tiny_model, inputs):
    network = Network(Encoder(load_folder(tiny_model), "mean"), make_head("linear", inputs=35, outputs=4, dropout=0.5))
    ticks = []
    outputs = predict_outputs(network, inputs, device=CPU, tick=lambda done, total: ticks.append((done, total)))
    order = np.random.default_rng(0).permutation(len(inputs))
    np.testing.assert_allclose(predict_outputs(network, inputs.take(order), device=CPU), outputs[order], atol=1e-5)
    assert ticks[-1] == (40, 40)
    assert not network.training


def test_dense_features_reach_the_head(tiny_model, inputs):
    network = Network(None, make_head("linear", inputs=3, outputs=2, dropout=0.0))
    table = Inputs((), inputs.dense)
    by_hand = inputs.dense @ network.head.linear.weight.detach().numpy().T + network.head.linear.bias.detach().numpy()
    np.testing.assert_allclose(predict_outputs(network, table, device=CPU), by_hand, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["linear", "mlp"])
def test_every_head_starts_exactly_at_the_probe(kind):
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(3, 7)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    head = make_head(kind, inputs=7, outputs=3, dropout=0.4).eval()
    start_from_probe(head, torch.from_numpy(weight), torch.from_numpy(bias))
    x = rng.normal(size=(5, 7)).astype(np.float32)
    np.testing.assert_allclose(head(torch.from_numpy(x)).detach().numpy(), x @ weight.T + bias, rtol=1e-4, atol=1e-5)


def test_the_hidden_layers_learn_from_the_first_step():
    head = MLPHead(4, 2, 0.0)
    head(torch.randn(3, 4)).sum().backward()
    assert head.last.weight.grad.abs().sum() > 0


def test_weights_a_folder_lacks_are_the_same_every_time(tiny_model, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "no-pooler"
    shutil.copytree(tiny_model, folder)
    kept = {k: v for k, v in load_file(folder / "model.safetensors").items() if "pooler" not in k}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    torch.manual_seed(1)
    first = load_folder(folder).state_dict()
    state = torch.get_rng_state()
    torch.manual_seed(2)
    second = load_folder(folder).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state()), "loading must not move the generator"
