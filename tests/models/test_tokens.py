"""Ragged tokens against plain lists, and our tokenizer against transformers' own."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.models.inputs import Inputs, cut_batches, evaluation_batches, pad
from tunewright.models.tokens import TextTokenizer, Tokens

LISTS = st.lists(st.lists(st.integers(1, 500), min_size=1, max_size=12), min_size=1, max_size=15)
CPU = torch.device("cpu")


def ragged(lists):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)
    flat = np.array([i for one in lists for i in one], np.int32)
    return Tokens(flat, offsets, np.array([len(one) + 3 for one in lists]))


@settings(max_examples=100, deadline=None)
@given(LISTS, st.data())
def test_take_is_list_indexing(lists, data):
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=20))
    taken = ragged(lists).take(np.array(rows, np.int64))
    assert [taken.ids[a:b].tolist() for a, b in zip(taken.offsets, taken.offsets[1:], strict=False)] == [
        lists[row] for row in rows
    ]
    assert taken.full_lengths.tolist() == [len(lists[row]) + 3 for row in rows]


@settings(max_examples=100, deadline=None)
@given(LISTS, st.data())
def test_pad_fills_to_the_longest_and_masks_the_rest(lists, data):
    rows = data.draw(st.lists(st.integers(0, len(lists) - 1), min_size=1, max_size=20))
    ids, mask = pad(ragged(lists), np.array(rows), CPU)
    longest = max(len(lists[row]) for row in rows)
    assert ids.tolist() == [lists[row] + [0] * (longest - len(lists[row])) for row in rows]
    expected = [[1] * len(lists[row]) + [0] * (longest - len(lists[row])) for row in rows]
    if mask is None:
        assert all(0 not in row for row in expected)
    else:
        assert mask.tolist() == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=80), st.integers(1, 10), st.integers(1, 200))
def test_batches_hold_every_row_once_within_their_caps(lengths, rows, tokens):
    lengths = np.array(lengths)
    cut = cut_batches(np.argsort(lengths, kind="stable"), lengths, rows, tokens)
    assert sorted(np.concatenate(cut).tolist()) == list(range(len(lengths)))
    for batch in cut:
        assert len(batch) <= rows
        assert len(batch) * lengths[batch].max() <= tokens or len(batch) == 1
    longest = [int(lengths[batch].max()) for batch in evaluation_batches(lengths, tokens=tokens)]
    assert longest == sorted(longest, reverse=True)


def test_inputs_cost_what_their_texts_cost():
    two = Inputs((ragged([[1, 2], [3]]), ragged([[4], [5, 6, 7]])), np.zeros((2, 0), np.float32))
    assert two.lengths.tolist() == [3, 4]
    assert two.take(np.array([1])).lengths.tolist() == [4]
    table = Inputs((), np.ones((3, 2), np.float32))
    assert table.lengths.tolist() == [1, 1, 1] and len(table) == 3
    segments, dense = table.tensors(np.array([2]), CPU)
    assert segments == [] and dense.shape == (1, 2)


@pytest.fixture(scope="module")
def texts(tiny_words):
    rng = np.random.default_rng(0)
    made = [" ".join(rng.choice(tiny_words, n)) for n in (1, 2, 3, 9, 30, 200)]
    return [*made, "", "   ", "Bako, LIMU! 漢字 ünknown 😀", "[SEP] [MASK] bako", "a" * 300]


@pytest.mark.parametrize("max_length", [None, 64, 8, 3])
def test_ids_are_transformers_ids(tiny_model, texts, max_length):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(tiny_model)
    expected = theirs(texts, truncation=max_length is not None, max_length=max_length)["input_ids"]
    ours = TextTokenizer(tiny_model)(texts, max_length)
    got = [ours.ids[a:b].tolist() for a, b in zip(ours.offsets, ours.offsets[1:], strict=False)]
    assert got == expected
    assert all(ids[0] == theirs.cls_token_id and ids[-1] == theirs.sep_token_id for ids in got)
    whole = [len(ids) for ids in theirs(texts, truncation=False, verbose=False)["input_ids"]]
    assert ours.full_lengths.tolist() == whole
    assert ours.ids.dtype == np.int32


def test_the_embedded_tokenizer_too():
    from transformers import AutoTokenizer

    from tunewright.models.backbone import locate

    folder = locate("minilm").folder
    texts = ["Where is my parcel?", "I was charged TWICE…", "", "日本語 text", "x " * 400]
    expected = AutoTokenizer.from_pretrained(folder)(texts, truncation=True, max_length=24)["input_ids"]
    ours = TextTokenizer(folder)(texts, 24)
    assert [ours.ids[a:b].tolist() for a, b in zip(ours.offsets, ours.offsets[1:], strict=False)] == expected


def test_no_texts(tiny_model):
    assert len(TextTokenizer(tiny_model)([])) == 0
