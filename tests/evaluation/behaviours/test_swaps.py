import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import PlanError
from tunewright.evaluation.behaviours.swaps import read_swaps, swap_text


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("Anna called anna, ANNA!", {"Anna": "Aylin"}, "Aylin called Aylin, AYLIN!"),
        ("he saw her; she saw him", {"he": "she", "she": "he", "her": "him", "him": "her"}, "she saw him; he saw her"),
        ("Annabel and Anna-Maria", {"Anna": "Eve"}, "Annabel and Eve-Maria"),
        ("I love C++ and C", {"C++": "Java", "C": "Go"}, "I love Java and Go"),
        ("New York, not York", {"York": "Leeds", "New York": "Paris"}, "Paris, not Leeds"),
        ("Straße in Über", {"über": "unter", "straße": "gasse"}, "Gasse in Unter"),
        ("plain text", {"word": "other"}, "plain text"),
        ("", {"a": "b"}, ""),
        ("I know I", {"I": "you"}, "you know you"),
        ("a.b a", {"a": r"\1"}, r"\1.b \1"),
        ("ſ", {"s": "x"}, "ſ"),
    ],
)
def test_whole_words_in_the_case_of_the_old_one(text, words, expected):
    assert swap_text(text, words) == expected


NAMES = ["ba", "Ko", "li mu", "x1", "r.s"]


@given(st.lists(st.sampled_from([*NAMES, "BA", "other", "ko", ",", "bako"]), max_size=8))
def test_only_whole_words_change(tokens):
    words = dict(zip(NAMES, ["one", "two", "three", "four", "five"], strict=True))
    expected = " ".join(
        {"ba": "one", "BA": "ONE", "Ko": "two", "ko": "two", "li mu": "three", "x1": "four", "r.s": "five"}.get(t, t)
        for t in tokens
    )
    assert swap_text(" ".join(tokens), words) == expected


def test_ways_to_swap():
    assert read_swaps({"from": ("a", "b"), "to": ("c", "d")}) == ({"a": "c", "b": "d"},)
    assert read_swaps({"from": ("a", "b"), "to": "c"}) == ({"a": "c", "b": "c"},)
    assert read_swaps({"from": "a", "to": ("c", "d")}) == ({"a": "c"}, {"a": "d"})
    assert read_swaps({"to": ("a", "b"), "from": ("b", "a")}) == ({"b": "a", "a": "b"},)
    with pytest.raises(PlanError, match="Got 2 and 3"):
        read_swaps({"from": ("a", "b"), "to": ("c", "d", "e")})
