"""What trains is exactly what was named."""

import numpy as np
import pytest
import torch

from tunewright.errors import ModelError
from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.heads import make_head
from tunewright.models.network import Network
from tunewright.models.trainable import choose_trainable, layer_depths, merge_lora, set_dropout

HEAD = 32 * 2 + 2
# query, key, value, output, each with a bias; two dense layers of the feed-forward; two norms.
BLOCK = 4 * (32 * 32 + 32) + (32 * 64 + 64) + (64 * 32 + 32) + 2 * 64
EMBEDDING_NORM = 64
# rank 16 beside every linear map of a block
LORA = 2 * (4 * 16 * (32 + 32) + 2 * 16 * (32 + 64))


@pytest.fixture
def network(tiny_model):
    torch.manual_seed(0)
    return Network(Encoder(load_folder(tiny_model), "mean"), make_head("linear", inputs=32, outputs=2, dropout=0.0))


def free(network):
    return {name for name, p in network.named_parameters() if p.requires_grad}


def count(network):
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def ids():
    generator = torch.Generator().manual_seed(1)
    return [(torch.randint(5, 100, (3, 7), generator=generator), None)]


@pytest.mark.parametrize(
    ("method", "size"),
    [
        ("head", HEAD),
        ("layers:1", HEAD + BLOCK),
        ("layers:2", HEAD + 2 * BLOCK),
        ("full", HEAD + 2 * BLOCK + EMBEDDING_NORM),
        ("lora", HEAD + LORA),
    ],
)
def test_each_method_frees_exactly_its_weights(network, method, size):
    choose_trainable(network, method)
    assert count(network) == size
    assert not any("embeddings.weight" in name or "_embeddings" in name or "pooler" in name for name in free(network))
    assert {"head.linear.weight", "head.linear.bias"} <= free(network)


def test_layers_are_counted_from_the_top(network):
    choose_trainable(network, "layers:1")
    assert all(".layer.1." in name for name in free(network) if not name.startswith("head"))


def test_methods_do_not_add_up(network):
    choose_trainable(network, "full")
    choose_trainable(network, "head")
    assert count(network) == HEAD


def test_more_layers_than_there_are(network):
    with pytest.raises(ModelError, match="1 <= N <= 2"):
        choose_trainable(network, "layers:3")


@pytest.mark.parametrize("method", ["layers:1", "full", "lora"])
def test_only_free_weights_get_gradients_and_all_of_them_do(network, method):
    choose_trainable(network, method)
    network(ids(), None).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_lora_starts_at_the_model_and_merges_to_what_was_trained(network):
    before = network(ids(), None).detach()
    choose_trainable(network, "lora", seed=3)
    torch.testing.assert_close(network(ids(), None).detach(), before, rtol=0, atol=1e-6)
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        network(ids(), None).square().sum().backward()
        optimizer.step()
    trained = network(ids(), None).detach()
    assert (trained - before).abs().max() > 1e-2
    merge_lora(network)
    torch.testing.assert_close(network(ids(), None).detach(), trained, rtol=1e-4, atol=1e-5)
    assert not any("lora" in name for name in network.state_dict())


def test_lora_starts_the_same_for_the_same_seed(tiny_model):
    def start(seed, global_seed):
        torch.manual_seed(global_seed)
        network = Network(
            Encoder(load_folder(tiny_model), "mean"), make_head("linear", inputs=32, outputs=2, dropout=0.0)
        )
        choose_trainable(network, "lora", seed=seed)
        return np.concatenate([p.detach().numpy().ravel() for n, p in network.named_parameters() if "lora_A" in n])

    np.testing.assert_array_equal(start(1, 5), start(1, 6))
    assert (start(1, 5) != start(2, 5)).any()


def test_merging_without_lora_changes_nothing(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    merge_lora(network)
    merge_lora(Network(None, network.head))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_dropout_of_a_module_is_set_everywhere(network):
    set_dropout(network.encoder, 0.0)
    network.train()
    torch.testing.assert_close(network(ids(), None), network(ids(), None), rtol=0, atol=0)
    set_dropout(network.encoder, 0.3)
    assert (network(ids(), None) != network(ids(), None)).any()
    layers = [m for m in network.encoder.modules() if isinstance(m, torch.nn.Dropout)]
    assert layers and all(layer.p == 0.3 for layer in layers)


def modern(**dropout):
    """A backbone whose attention keeps its dropout as a plain number."""
    from transformers import ModernBertConfig, ModernBertModel

    torch.manual_seed(0)
    sizes = {"vocab_size": 100, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    config = ModernBertConfig(**sizes, num_attention_heads=2, pad_token_id=0, attn_implementation="eager", **dropout)
    return ModernBertModel(config).train()


def test_dropout_that_is_a_plain_number_is_set_too():
    def spread(model):
        found = [model(input_ids=torch.arange(5, 15)[None]).last_hidden_state for _ in range(2)]
        return float((found[0] - found[1]).detach().abs().max())

    noisy = modern(attention_dropout=0.5)
    assert noisy.layers[0].attn.attention_dropout == 0.5 and spread(noisy) > 0
    set_dropout(noisy, 0.0)
    assert spread(noisy) == 0
    still = modern()
    assert spread(still) == 0
    set_dropout(still, 0.4)
    assert still.layers[1].attn.attention_dropout == 0.4 and spread(still) > 0


@pytest.mark.parametrize(
    ("method", "depths"),
    [
        ("head", {"head": 0}),
        ("layers:1", {"head": 0, ".layer.1.": 0}),
        ("layers:2", {"head": 0, ".layer.1.": 0, ".layer.0.": 1}),
        ("lora", {"head": 0, ".layer.1.": 0, ".layer.0.": 1}),
        ("full", {"head": 0, ".layer.1.": 0, ".layer.0.": 1, "embeddings.LayerNorm": 2}),
    ],
)
def test_depth_is_counted_among_the_layers_that_train(network, method, depths):
    choose_trainable(network, method)
    found = layer_depths(network)
    assert set(found) == free(network)
    for name, depth in found.items():
        assert [depth] == [expected for part, expected in depths.items() if part in name], name
    assert set(found.values()) == set(depths.values())


def test_what_stands_behind_the_layers_belongs_to_the_top_one():
    network = Network(Encoder(modern(), "mean"), make_head("linear", inputs=16, outputs=2, dropout=0.0))
    choose_trainable(network, "full")
    found = layer_depths(network)
    assert {found[name] for name in found if "final_norm" in name} == {0}
    assert {found[name] for name in found if "embeddings" in name} == {2}
    assert {found[name] for name in found if ".layers.0." in name} == {1}


def test_without_numbers_all_layers_are_one():
    class Plain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)

    network = Network(Plain(), make_head("linear", inputs=2, outputs=2, dropout=0.0))
    assert set(layer_depths(network).values()) == {0}
