"""Repeats are those that a plain computation of Jaccard similarities finds."""

import numpy as np
import pytest

from tunewright.living.alike import THRESHOLD, SameCells, SameTexts
from tunewright.splits.shingles import normalise


def jaccard(a, b, size=5):
    sets = [{t[i : i + size] for i in range(max(len(t) - size + 1, 1))} for t in map(normalise, (a, b))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.fixture
def texts(tiny_words):
    rng = np.random.default_rng(3)
    made = [" ".join(rng.choice(tiny_words, rng.integers(1, 12))) for _ in range(40)]
    edited = [text + rng.choice(["!", " please", " " + rng.choice(tiny_words)]) for text in made[:20]]
    return [*made, *edited, made[3].upper(), ""]


def test_texts_are_alike_where_their_shingles_are(texts):
    found = SameTexts.of(texts)
    for row, text in enumerate(texts):
        expected = [
            other == row or bool(text and texts[other] and jaccard(text, texts[other]) >= THRESHOLD)
            for other in range(len(texts))
        ]
        assert found.near(row).tolist() == expected


def test_empty_texts_repeat_nothing():
    found = SameTexts.of(["", " ", ""])
    assert found.near(0).tolist() == [True, False, False]


def test_cells_are_alike_where_all_are_equal():
    found = SameCells(np.array([[1, 2], [2, 2], [1, 2]]))
    assert [found.near(row).tolist() for row in range(3)] == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]
