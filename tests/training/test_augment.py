"""The table of augmentations: what every kind keeps to, and what each changes."""

import json
import re
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.models.inputs import Inputs
from tunewright.models.tokens import TextTokenizer, Tokens
from tunewright.planfile import convert
from tunewright.records import to_json
from tunewright.training.augment import AUGMENTATIONS, draws, make_augmentation, why_idle
from tunewright.training.augment.base import drawn
from tunewright.training.augment.token_dropout import TokenDropout, drop
from tunewright.training.augment.word_swap import Vocabulary, WordSwap, swap
from tunewright.training.labelled import Labelled, Texts
from tunewright.training.options import AugmentKind, AugmentOptions

MAX_LENGTH = 24


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return TextTokenizer(tiny_model)


@pytest.fixture(scope="module")
def make(tokenizer, tiny_words):
    """(texts per segment, rows) to labelled rows as fine-tuning makes them."""

    def labelled(segments, rows=None):
        rows = np.arange(len(segments[0])) if rows is None else rows
        tokens = tuple(tokenizer(one, MAX_LENGTH).take(rows) for one in segments)
        texts = Texts(
            segments=tuple(segments), rows=rows, tokenize=lambda t: tokenizer(t, MAX_LENGTH), edges=tokenizer.edges()
        )
        dense = np.random.default_rng(0).normal(size=(len(rows), 2)).astype(np.float32)
        return Labelled(Inputs(tokens, dense), np.arange(len(rows)) % 3, None, texts)

    return labelled


def some_texts(words, rows, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, n)) for n in rng.integers(1, 12, rows)]


@pytest.fixture(scope="module")
def training(make, tiny_words):
    return make([[*some_texts(tiny_words, 60), "", "!", "bako"]])


def as_lists(tokens):
    return [tokens.ids[a:b].tolist() for a, b in zip(tokens.offsets, tokens.offsets[1:], strict=False)]


def seen(inputs):
    return [as_lists(one) for one in inputs.segments], inputs.dense.tolist()


@pytest.mark.parametrize("one", AUGMENTATIONS, ids=lambda one: one.kind)
class TestEvery:
    def test_is_a_frozen_kind_that_the_plan_can_name(self, one):
        options, problems = convert(AugmentOptions, one.kind)
        assert problems == [] and make_augmentation(options) == one
        other = one.strength / 2
        assert make_augmentation(AugmentOptions(kind=one.kind, strength=other)) == replace(one, strength=other)
        with pytest.raises(FrozenInstanceError):
            one.strength = 0.5
        assert json.loads(json.dumps(to_json(one))) == {"strength": one.strength}
        assert 0 < one.strength < one.below and one.says

    def test_is_a_function_of_rows_and_generator(self, one, training):
        before = seen(training.inputs)
        first, again, other = (one.inputs(training, draws(5, epoch)) for epoch in (1, 1, 2))
        assert seen(first) == seen(again)
        assert (seen(first) != seen(other)) == one.of_texts
        assert seen(training.inputs) == before, "the clean rows were changed"
        pairs = [one.pairs(8, draws(5, 1, batch)) for batch in (1, 1, 2)]
        if pairs[0] is not None:
            assert np.array_equal(pairs[0].partner, pairs[1].partner) and np.array_equal(pairs[0].share, pairs[1].share)
            assert not np.array_equal(pairs[0].share, pairs[2].share)

    def test_keeps_every_row_in_its_place(self, one, training, tokenizer):
        found = one.inputs(training, draws(0, 1))
        assert len(found) == len(training.inputs) == len(found.lengths)
        np.testing.assert_array_equal(found.dense, training.inputs.dense)
        opening, closing = as_lists(tokenizer([""]))[0]
        for changed, clean in zip(found.segments, training.inputs.segments, strict=True):
            assert changed.ids.dtype == clean.ids.dtype and changed.offsets.dtype == clean.offsets.dtype
            assert changed.offsets[-1] == len(changed.ids)
            for ids, given_ids in zip(as_lists(changed), as_lists(clean), strict=True):
                assert (ids[0], ids[-1]) == (opening, closing) and len(ids) <= MAX_LENGTH
                assert len(ids) > 2 or len(given_ids) == 2, "a text lost all of its tokens"

    def test_never_looks_at_a_target(self, one, training):
        other = replace(training, targets=training.targets[::-1].copy())
        assert seen(one.inputs(training, draws(1, 1))) == seen(one.inputs(other, draws(1, 1)))

    def test_takes_one_row(self, one, make):
        alone = make([["bako limu"]])
        assert len(one.inputs(alone, draws(0, 1))) == 1
        pairs = one.pairs(1, draws(0, 1, 1))
        assert pairs is None or pairs.partner.tolist() == [0]

    def test_takes_pairs_of_texts_and_rows_without(self, one, make, tiny_words):
        two = make([some_texts(tiny_words, 20, 1), some_texts(tiny_words, 20, 2)])
        changed = one.inputs(two, draws(0, 1))
        for side in (0, 1):
            same = as_lists(changed.segments[side]) == as_lists(two.inputs.segments[side])
            assert same != one.of_texts
        table = Labelled(Inputs((), np.ones((4, 2), np.float32)), np.zeros(4, np.int64))
        assert seen(one.inputs(table, draws(0, 1))) == seen(table.inputs)

    def test_says_where_it_could_change_nothing(self, one):
        assert why_idle(one, method="full", head="linear", text=True) is None
        assert why_idle(one, method="head", head="linear", text=True)
        assert bool(why_idle(one, method="head", head="mlp", text=False)) == one.of_texts
        assert bool(why_idle(one, method="head", head="auto", text=True)) == one.of_texts


def test_the_plans_words_are_the_table():
    assert get_args(AugmentKind) == ("auto", "none", *(one.kind for one in AUGMENTATIONS))
    assert make_augmentation(AugmentOptions()) is make_augmentation(AugmentOptions(kind="none")) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=40), st.floats(0.01, 0.99), st.integers(0, 99))
def test_one_piece_of_every_text_stays(owners, share, seed):
    owners = np.array(owners, np.int64)
    chosen = drawn(owners, share, np.random.default_rng(seed))
    assert chosen.shape == owners.shape
    assert set(owners[~chosen]) == set(owners)


LISTS = st.lists(st.lists(st.integers(10, 500), max_size=9), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(LISTS, st.sampled_from([(1, 1), (0, 0), (0, 1), (2, 1)]), st.floats(0.01, 0.99), st.integers(0, 99))
def test_dropped_texts_are_what_is_left_in_order(lists, edges, share, seed):
    before, behind = [1] * edges[0], [2] * edges[1]
    whole = [[*before, *one, *behind] for one in lists]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in whole])]).astype(np.int64)
    tokens = Tokens(np.array([i for one in whole for i in one], np.int32), offsets, np.arange(len(whole)))
    found = drop(tokens, share, np.random.default_rng(seed), edges=edges)
    np.testing.assert_array_equal(found.full_lengths, tokens.full_lengths)
    for given_ids, ids in zip(lists, as_lists(found), strict=True):
        assert ids[: edges[0]] == before and ids[len(ids) - edges[1] :] == behind
        rest = iter(given_ids)
        inner = ids[edges[0] : len(ids) - edges[1]]
        assert all(one in rest for one in inner), "not a subsequence"
        assert bool(inner) == bool(given_ids)


def within(found, n, share):
    """Within five standard errors of the binomial."""
    return abs(found - share) < 5 * np.sqrt(share * (1 - share) / n)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_the_share_of_dropped_tokens_is_the_strength(make, tiny_words, share):
    texts = [" ".join(np.random.default_rng(i).choice(tiny_words, 20)) for i in range(400)]
    clean = make([texts])
    found = TokenDropout(strength=share).inputs(clean, draws(0, 1))
    tokens = int(clean.inputs.lengths.sum()) - 2 * len(texts)
    lost = int(clean.inputs.lengths.sum() - found.lengths.sum())
    assert within(lost / tokens, tokens, share)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_the_share_of_swapped_words_is_the_strength(tiny_words, share):
    texts = [" ".join(np.random.default_rng(i).choice(tiny_words[:5], 20)) for i in range(400)]
    known = Vocabulary.count([texts])
    found = swap(texts, known, share, draws(0, 1))
    old, new = (np.array([text.split() for text in side]) for side in (texts, found))
    assert within((old != new).mean(), old.size, share)


def test_swapped_in_words_come_by_their_count_among_all_others():
    known = Vocabulary.count([["a " * 60 + "b " * 30 + "c " * 10]])
    drawn_words = known.draw(np.full(30_000, known.places["a"]), np.random.default_rng(0))
    shares = Counter(known.words[place] for place in drawn_words)
    assert "a" not in shares and within(shares["b"] / 30_000, 30_000, 0.75)
    middle = Counter(known.words[p] for p in known.draw(np.full(30_000, known.places["b"]), np.random.default_rng(1)))
    assert "b" not in middle and within(middle["a"] / 30_000, 30_000, 6 / 7)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="abé .,!-漢1", max_size=14), min_size=1, max_size=8), st.integers(0, 99))
def test_swapping_keeps_what_stands_between_words_and_uses_known_words_only(texts, seed):
    known = Vocabulary.count([texts])
    if len(known.words) < 2:
        return
    found = swap(texts, known, 0.6, np.random.default_rng(seed))
    for text, changed in zip(texts, found, strict=True):
        assert re.split(r"\w+", text) == re.split(r"\w+", changed)
        assert set(re.findall(r"\w+", changed)) <= set(known.words)
        old, new = (re.findall(r"\w+", one) for one in (text, changed))
        assert not old or any(a == b for a, b in zip(old, new, strict=True))


def test_texts_are_swapped_in_chunks_and_repeated_rows_differ(make, tiny_words, monkeypatch):
    monkeypatch.setattr("tunewright.training.augment.word_swap.CHUNK", 7)
    texts = some_texts(tiny_words, 12, 3)
    rows = np.repeat(np.arange(12), 3)
    found = WordSwap(strength=0.5).inputs(make([texts], rows), draws(0, 1))
    lists = as_lists(found.segments[0])
    assert len(lists) == 36
    assert sum(lists[i] != lists[i + 1] for i in range(0, 36, 3)) > 6


def test_one_word_in_all_texts_is_left_alone(make):
    alone = make([["bako", "bako bako"]])
    assert WordSwap(strength=0.9).inputs(alone, draws(0, 1)) is alone.inputs


@pytest.mark.parametrize("strength", [0.1, 1.0, 4.0])
def test_mixing_weights_are_beta(strength):
    mixup = make_augmentation(AugmentOptions(kind="mixup", strength=strength))
    pairs = mixup.pairs(20_000, draws(0, 1, 1))
    assert sorted(pairs.partner.tolist()) == list(range(20_000)) and pairs.share.dtype == np.float32
    assert pairs.share.mean() == pytest.approx(0.5, abs=0.02)
    assert pairs.share.var() == pytest.approx(1 / (4 * (2 * strength + 1)), rel=0.05)


def test_draws_are_nobody_elses():
    """Not those that shuffle an epoch's rows, and other ones in every epoch and batch."""
    found = {float(draws(3, epoch, batch).random()) for epoch in range(3) for batch in range(3)}
    found.add(float(np.random.default_rng([3, 1]).random()))
    assert len(found) == 10


def test_edges_are_the_special_tokens(tokenizer):
    assert tokenizer.edges() == (1, 1)
