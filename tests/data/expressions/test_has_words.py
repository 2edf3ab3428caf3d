"""`has_words`: whole words, in order, whatever stands between them."""

import re

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.expressions import parse

CASES = {
    "Where is my REFUND?": True,
    "refund": True,
    "my-refund,please": True,
    "refunds": False,
    "prerefund": False,
    "": False,
    None: False,
}


def test_whole_words_only():
    frame = pl.DataFrame({"m": list(CASES)})
    assert parse("has_words(m, 'Refund')").holds(frame).to_list() == list(CASES.values())


def test_words_in_a_row_pass_over_signs_but_not_over_words():
    frame = pl.DataFrame({"m": ["not, my fault", "not my-fault", "not exactly my fault", "my fault, not"]})
    assert parse("has_words(m, 'not my fault')").holds(frame).to_list() == [True, True, False, False]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text("aB1 .-_é", max_size=12), min_size=1, max_size=6), st.sampled_from(["a", "ab", "b1", "é"]))
def test_as_a_search_among_the_words(texts, word):
    cut = [re.findall(r"[^\W_]+", text.lower()) for text in texts]
    found = parse(f"has_words(m, '{word}')").holds(pl.DataFrame({"m": texts})).to_list()
    assert found == [word in words for words in cut]
