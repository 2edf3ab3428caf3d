"""Encoding texts once."""

import numpy as np
import pytest
import torch

from tunewright.events import silent
from tunewright.learning.encode import FrozenEncoder, encoder_key, join_frozen
from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder, pair_vector
from tunewright.models.inputs import Inputs
from tunewright.models.outputs import encode_inputs
from tunewright.models.tokens import TextTokenizer

CPU = torch.device("cpu")


@pytest.fixture
def texts(tiny_words):
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(tiny_words, n)) for n in rng.integers(1, 20, 30)]


@pytest.fixture
def frozen(tiny_model):
    def make(key="key"):
        loads = []

        def load():
            loads.append(1)
            return Encoder(load_folder(tiny_model), "mean")

        return FrozenEncoder(key=key, load=load, device=CPU), loads

    return make


def test_vectors_are_the_encoders_and_the_second_time_costs_nothing(tiny_model, texts, frozen):
    tokens = TextTokenizer(tiny_model)(texts, 32)
    encoder, loads = frozen()
    (vectors,), computed = encoder.encode([tokens], silent)
    assert computed == 30 and len(loads) == 1
    inputs = Inputs((tokens,), np.zeros((30, 0), np.float32))
    expected = encode_inputs(Encoder(load_folder(tiny_model), "mean"), inputs, device=CPU)
    np.testing.assert_allclose(vectors, expected, atol=2e-5)

    again, loads = frozen()
    (second,), computed = again.encode([tokens], silent)
    assert computed == 0 and loads == []
    np.testing.assert_array_equal(second, vectors)


def test_only_what_is_missing_is_computed_and_a_repeated_text_once(tiny_model, texts, frozen):
    tokenizer = TextTokenizer(tiny_model)
    encoder, _ = frozen()
    (first,), _ = encoder.encode([tokenizer(texts[:10])], silent)
    (a, b), computed = encoder.encode([tokenizer(texts[:12]), tokenizer([texts[11], texts[0], texts[20]])], silent)
    assert computed == 3
    np.testing.assert_array_equal(a[:10], first)
    np.testing.assert_array_equal(b[0], a[11])
    np.testing.assert_array_equal(b[1], first[0])


def test_texts_that_are_cut_to_the_same_tokens_share_a_vector_and_a_longer_cut_does_not(tiny_model, texts, frozen):
    tokenizer = TextTokenizer(tiny_model)
    encoder, _ = frozen()
    long = " ".join(texts[:5])
    assert encoder.encode([tokenizer([long], 8)], silent)[1] == 1
    assert encoder.encode([tokenizer([long + " good"], 8)], silent)[1] == 0
    assert encoder.encode([tokenizer([long], 16)], silent)[1] == 1


def test_another_key_computes_anew(tiny_model, texts, frozen):
    tokens = TextTokenizer(tiny_model)(texts)
    frozen("one")[0].encode([tokens], silent)
    assert frozen("two")[0].encode([tokens], silent)[1] == 30


def test_the_key_holds_weights_pooling_and_precision():
    base = {"weights": "w", "pooling": "mean", "precision": "float32"}
    changed = [base | one for one in ({"weights": "v"}, {"pooling": "cls"}, {"precision": "bfloat16"})]
    assert len({encoder_key(**one) for one in (base, *changed)}) == 4


def test_a_pair_is_joined_as_the_network_joins_it():
    u, v = np.random.default_rng(0).normal(size=(2, 4, 6)).astype(np.float32)
    np.testing.assert_array_equal(join_frozen([u, v]), pair_vector(torch.from_numpy(u), torch.from_numpy(v)).numpy())
    assert join_frozen([u]) is u


def test_progress_is_told(tiny_model, texts, frozen):
    events = []
    frozen()[0].encode([TextTokenizer(tiny_model)(texts)], events.append)
    assert events[-1].data == {"done": 30, "total": 30}
