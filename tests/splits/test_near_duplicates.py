"""The join against a double loop, and the bounds that keep it fast."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import PlanError
from tunewright.splits.near_duplicates import near_duplicate_links, near_duplicate_pairs

WORDS = ("order", "status", "please", "ａrrived", "É", "e\u0301", "1", "27", "x", "\ud800", "日本")
TEXTS = st.lists(
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join) | st.text("ab ", max_size=9) | st.text(max_size=12),
    max_size=14,
)


def folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def shingles(text: str, length: int) -> set[str]:
    if not text:
        return set()
    return {text[i : i + length] for i in range(len(text) - length + 1)} or {text}


def brute_force(texts: list[str], threshold: float, length: int) -> list[list[int]]:
    """Near pairs of first occurrences, and each repeat with its first occurrence."""
    plain = [folded(text) for text in texts]
    pairs = []
    for i in range(len(texts)):
        for j in range(i + 1, len(texts)):
            a, b = shingles(plain[i], length), shingles(plain[j], length)
            if not a or not b:
                continue
            if plain[i] == plain[j]:
                if plain.index(plain[j]) == i:
                    pairs.append([i, j])
            elif plain.index(plain[i]) == i and plain.index(plain[j]) == j and len(a & b) / len(a | b) >= threshold:
                pairs.append([i, j])
    return pairs


def component_sets(count: int, pairs: list[list[int]]) -> set[frozenset[int]]:
    sets = {row: {row} for row in range(count)}
    for a, b in pairs:
        if sets[a] is not sets[b]:
            merged = sets[a] | sets[b]
            for row in merged:
                sets[row] = merged
    return {frozenset(rows) for rows in sets.values()}


@settings(max_examples=300, deadline=None)
@given(
    texts=TEXTS, threshold=st.sampled_from([0.3, 0.5, 0.6, 0.75, 0.8, 0.9, 1.0]), length=st.sampled_from([1, 2, 5, 20])
)
def test_pairs_are_those_of_a_double_loop(texts: list[str], threshold: float, length: int) -> None:
    found = near_duplicate_pairs(texts, threshold=threshold, shingle=length)
    assert found.tolist() == brute_force(texts, threshold, length)


@settings(max_examples=150, deadline=None)
@given(texts=TEXTS, threshold=st.sampled_from([0.3, 0.5, 0.8]))
def test_links_connect_what_the_pairs_connect(texts: list[str], threshold: float) -> None:
    links = near_duplicate_links(texts, threshold=threshold, shingle=3)
    wanted = brute_force(texts, threshold, 3)
    assert component_sets(len(texts), links.pairs.tolist()) == component_sets(len(texts), wanted)
    for (a, b), similarity in zip(links.pairs.tolist(), links.similarity.tolist(), strict=True):
        x, y = shingles(folded(texts[a]), 3), shingles(folded(texts[b]), 3)
        assert similarity == len(x & y) / len(x | y) >= threshold


def test_many_texts_in_many_batches_agree_with_the_double_loop() -> None:
    rng = np.random.default_rng(3)
    words = ["parcel", "invoice", "refund", "login", "password"]
    texts = [" ".join(rng.choice(words, 3)) + f" {rng.integers(40)}" for _ in range(350)]
    plain = list(dict.fromkeys(texts))
    pairs = brute_force(plain, 0.6, 5)
    assert len(pairs) > 500
    assert near_duplicate_pairs(plain, threshold=0.6).tolist() == pairs
    links = near_duplicate_links(plain, threshold=0.6)
    assert component_sets(len(plain), links.pairs.tolist()) == component_sets(len(plain), pairs)


def test_a_text_repeated_many_times_is_a_star() -> None:
    pairs = near_duplicate_pairs(["other words"] + ["The same text"] * 1000)
    assert pairs.tolist() == [[1, row] for row in range(2, 1001)]


def test_fillings_of_one_template_are_connected_without_comparing_them_all() -> None:
    texts = [f"Dear customer, your order {i} was shipped and arrives tomorrow before noon" for i in range(4000)]
    links = near_duplicate_links(texts)
    assert len(component_sets(len(texts), links.pairs.tolist())) == 1
    assert len(links.pairs) < 20 * len(texts)  # of 8 million


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, rows=st.sampled_from([1, 2, 3]), bits=st.sampled_from([1, 46]))
def test_blocks_of_any_size_and_numbered_windows_agree_with_the_double_loop(
    texts: list[str], rows: int, bits: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunewright.splits.shingles.ROWS", rows)
        patch.setattr("tunewright.splits.comparing.ROWS", rows)
        patch.setattr("tunewright.splits.shingles.CODE_BITS", bits)
        assert near_duplicate_pairs(texts, threshold=0.5, shingle=3).tolist() == brute_force(texts, 0.5, 3)


@pytest.mark.parametrize("count", [500, 700, 8000])  # packed, packed and numbered, numbered on the way
def test_an_alphabet_too_large_to_pack_into_one_integer(count: int) -> None:
    letters = [chr(0x4E00 + i) for i in range(count)]
    texts = ["".join(letters[i : i + 40]) for i in range(0, count - 40, 20)]
    texts.append(texts[7][:-1] + "。")
    assert near_duplicate_pairs(texts).tolist() == [[7, len(texts) - 1]]


def test_empty_texts_resemble_nothing() -> None:
    assert near_duplicate_pairs(["", " \n", "", "\u3000"]).shape == (0, 2)
    assert near_duplicate_pairs([]).shape == (0, 2)


@pytest.mark.parametrize(("threshold", "length"), [(0.0, 5), (1.1, 5), (0.8, 0)])
def test_wrong_options_are_refused(threshold: float, length: int) -> None:
    with pytest.raises(PlanError, match="threshold must be in"):
        near_duplicate_pairs(["a", "b"], threshold=threshold, shingle=length)
