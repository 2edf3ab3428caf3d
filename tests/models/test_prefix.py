"""An encoder in two halves is the encoder, bit for bit; where it is not, nobody enters in the middle."""

import numpy as np
import pytest
import torch
from torch import nn

from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs, pad
from tunewright.models.network import Network
from tunewright.models.outputs import predict_outputs
from tunewright.models.prefix import part_at
from tunewright.models.states import States
from tunewright.models.tokens import Tokens
from tunewright.models.trainable import choose_trainable, frozen_blocks, set_dropout
from tunewright.training.flat import groups_of

CPU = torch.device("cpu")


def tokens_of(*lengths, seed=0):
    ids = np.random.default_rng(seed).integers(5, 100, sum(lengths)).astype(np.int32)
    return Tokens(ids, np.concatenate([[0], np.cumsum(lengths)]), np.array(lengths))


def encoder_of(folder, precision=torch.float32, pooling="mean"):
    encoder = Encoder(load_folder(folder), pooling)
    encoder.model.to(precision)
    return encoder


def states_of(bottom, tokens):
    """Each text by itself; the bits of bfloat16 as numpy holds them."""
    alone = [bottom(pad(tokens, np.array([row]), CPU)[0], None)[0].detach() for row in range(len(tokens))]
    if alone[0].dtype == torch.bfloat16:
        alone = [one.view(torch.int16) for one in alone]
    source = np.concatenate([one.numpy() for one in alone])
    return States((source,), np.zeros(len(tokens), np.int64), tokens.offsets[:-1], tokens.lengths)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_the_halves_are_the_whole(tiny_model, precision, pooling):
    encoder, tokens = encoder_of(tiny_model, precision, pooling), tokens_of(3, 9, 5)
    ids, mask = pad(tokens, np.arange(3), CPU)
    bottom, top = part_at(encoder, 1, (ids, mask))
    for rows in (np.arange(3), np.array([1])):
        ids, mask = pad(tokens, rows, CPU)
        torch.testing.assert_close(top(bottom(ids, mask), mask), encoder(ids, mask), rtol=0, atol=0)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_rows_given_as_states_answer_as_rows_given_as_tokens(tiny_model, precision):
    encoder, tokens = encoder_of(tiny_model, precision), tokens_of(3, 9, 5, 5, 12, 2)
    head = make_head("linear", inputs=35, outputs=2, dropout=0.0)
    dense = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    bottom, top = part_at(encoder, 1, pad(tokens, np.array([5, 0]), CPU))
    plain = Inputs((tokens,), dense)
    above = Inputs((tokens,), dense, (states_of(bottom, tokens),))
    rows = np.array([4, 1, 1, 5])
    for a, b in ((plain, above), (plain.take(rows), above.take(rows))):
        whole = predict_outputs(Network(encoder, head), a, device=CPU)
        halves = predict_outputs(Network(top, head), b, device=CPU)
        np.testing.assert_allclose(halves, whole, atol=1e-5 if precision == torch.float32 else 0.05)
        assert (b.lengths == a.lengths).all()


def test_what_trains_above_trains_in_the_encoder(tiny_model):
    network = Network(encoder_of(tiny_model), make_head("linear", inputs=32, outputs=2, dropout=0.0))
    choose_trainable(network, "layers:1")
    _, top = part_at(network.encoder, 1, pad(tokens_of(3, 4), np.arange(2), CPU))
    upper = Network(top, network.head)
    free = [p for p in network.parameters() if p.requires_grad]
    # The same weights in the same order: an optimiser's buffers, and so a checkpoint, serve with and without.
    groups = [groups_of(one, head=one.head, head_learning_rate=1.0) for one in (network, upper)]
    for a, b in zip(*groups, strict=True):
        assert a.decay == b.decay and all(p is q for p, q in zip(a.parameters, b.parameters, strict=True))
    assert {id(p) for p in upper.parameters()} == {id(p) for p in free}


SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 100,
}
DISTIL = {"dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 48, "vocab_size": 100}


@pytest.mark.parametrize(
    ("kind", "sizes", "enters"),
    [
        ("bert", SMALL, True),
        ("roberta", SMALL, True),
        ("electra", SMALL | {"embedding_size": 32}, True),
        ("distilbert", DISTIL, True),
        ("electra", SMALL | {"embedding_size": 16}, False),  # a projection between embeddings and blocks
        ("mpnet", SMALL, False),  # biases by distance, made once for all blocks
        ("albert", SMALL | {"embedding_size": 32}, False),  # one block, run several times
    ],
)
def test_architectures_are_entered_where_that_is_the_same(kind, sizes, enters):
    from transformers import AutoConfig, AutoModel

    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **sizes, initializer_range=0.2)
    encoder = Encoder(AutoModel.from_config(config, attn_implementation="eager"), "mean").eval()
    ids, mask = pad(tokens_of(3, 9), np.arange(2), CPU)
    found = part_at(encoder, 2, (ids, mask))
    assert isinstance(found, tuple) == enters, found
    if enters:
        bottom, top = found
        torch.testing.assert_close(top(bottom(ids, mask), mask), encoder(ids, mask), rtol=0, atol=0)


class Biased(nn.Module):
    """A block that needs what only its encoder hands over."""

    def __init__(self, block, bias):
        super().__init__()
        self.block, self.bias = block, bias

    def forward(self, hidden, mask, *given, **others):
        # What an encoder passes on beside states and mask, which entering in the middle does not.
        return self.block(hidden, mask) + (self.bias if given or others else 0.0)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda model: setattr(model, "embeddings", None), "one by one"),
        (lambda model: delattr(model, "embeddings"), "nothing is known"),
        (lambda model: setattr(model.encoder, "layer", nn.Sequential()), "nothing is known"),
        (lambda model: model.encoder.layer.__setitem__(1, Biased(model.encoder.layer[1], 0.1 * torch.randn(32))), "by"),
    ],
)
def test_what_cannot_be_entered_is_told(tiny_model, spoil, why):
    encoder = encoder_of(tiny_model)
    sample = pad(tokens_of(3, 5), np.arange(2), CPU)
    real = encoder(*sample).detach()
    spoil(encoder.model)
    if why != "by":  # the encoder itself still answers somehow
        encoder.forward = lambda ids, mask: real
    found = part_at(encoder, 1, sample)
    assert isinstance(found, str) and why in found


@pytest.mark.parametrize(
    ("method", "frozen"), [("layers:1", 1), ("layers:2", 0), ("full", 0), ("lora", 0), ("head", 0)]
)
def test_frozen_blocks_are_those_under_what_trains(tiny_model, method, frozen):
    assert frozen_blocks(load_folder(tiny_model), method) == frozen


def test_frozen_layers_drop_nothing(tiny_model):
    encoder = encoder_of(tiny_model)
    set_dropout(encoder, 0.3, first=1)
    encoder.train()
    sample = pad(tokens_of(3, 5), np.arange(2), CPU)
    first = encoder.model.encoder.layer[0]
    hidden = encoder.model.embeddings(input_ids=sample[0])
    assert all(layer.p == 0 for layer in encoder.model.embeddings.modules() if isinstance(layer, nn.Dropout))
    torch.testing.assert_close(first(hidden), first(hidden), rtol=0, atol=0)
    assert (encoder(*sample) != encoder(*sample)).any()
    above = [layer.p for layer in encoder.model.encoder.layer[1].modules() if isinstance(layer, nn.Dropout)]
    assert above and set(above) == {0.3}
