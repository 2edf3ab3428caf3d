"""Text as the tokenizer sees it."""

import time
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.features.text import TextCleaner, segments

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
MARKUP = st.text(st.sampled_from("<>/!-&;#x3ab ltgamp\n\x00\x85"), max_size=40)
CLEANERS = [TextCleaner(unicode=u, html=h) for u in ("nfkc", "nfc", "none") for h in ("strip", "keep")]


@settings(max_examples=200, deadline=None)
@given(TEXTS | MARKUP, st.sampled_from(CLEANERS))
def test_no_control_characters_and_no_loose_space(text, cleaner):
    cleaned = cleaner(text)
    assert not any(unicodedata.category(c) == "Cc" for c in cleaned)
    assert cleaned == " ".join(cleaned.split())


@settings(max_examples=200, deadline=None)
@given(TEXTS | MARKUP, st.sampled_from(["nfkc", "nfc", "none"]))
def test_cleaning_twice_is_cleaning_once_where_markup_is_kept(text, form):
    cleaner = TextCleaner(unicode=form, html="keep")
    assert cleaner(cleaner(text)) == cleaner(text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_cleaning_twice_is_cleaning_once_without_escapes(text):
    # "&amp;lt;" is the text "&lt;": one level of escapes is resolved, never two.
    plain = unicodedata.normalize("NFKC", text).replace("&", " ").replace("<", " ")
    assert TextCleaner()(TextCleaner()(plain)) == TextCleaner()(plain)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<&"), max_size=40))
def test_plain_words_are_left_alone(text):
    assert TextCleaner()(text) == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("<p>Hello <b>you</b></p>", "Hello you"),
        ("<!-- hidden > note -->shown<!DOCTYPE html>", "shown"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("5 < 6 and 7 > 3, <3", "5 < 6 and 7 > 3, <3"),
        ("ﬁne １２ n°", "fine 12 n°"),
        ("cafe\u0301", "café"),
        ("a\x00b\tc\r\nd\x9f", "a b c d"),
        ("", ""),
    ],
)
def test_examples(text, cleaned):
    assert TextCleaner()(text) == cleaned


@pytest.mark.parametrize("piece", ["<!--", "<a ", "<", "&", "&amp", "<!-- <", "-->"])
def test_a_megabyte_of_broken_markup_takes_no_minute(piece):
    start = time.perf_counter()
    TextCleaner()(piece * (1_000_000 // len(piece)))
    assert time.perf_counter() - start < 5


def test_columns_compose_and_missing_cells_add_nothing():
    frame = pl.DataFrame({"a": ["x", None, None], "b": ["<i>y</i>", "z", None]})
    assert TextCleaner().compose(frame, ["a", "b"]) == ["x | y", "z", ""]
    assert TextCleaner().compose(frame, ["b"]) == ["y", "z", ""]


def test_segments():
    assert segments(["a", "b"], None) == (("a", "b"),)
    assert segments(["a", "b"], ("b", "a")) == (("b",), ("a",))
    assert segments([], None) == ()
