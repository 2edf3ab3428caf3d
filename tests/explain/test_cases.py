"""Words as written, their places, cuts, empty and unknown texts."""

import itertools

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.explain.cases import make_cases, words_of


@given(st.text(max_size=80))
def test_words_cover_all_but_blanks_and_never_overlap(text):
    spans = words_of(text)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
    inside = {place for start, end in spans for place in range(start, end)}
    assert all(text[place].isspace() for place in range(len(text)) if place not in inside)
    assert all(not text[start:end].isspace() and end > start for start, end in spans)


def typed(fitted, **cells):
    return fitted.model.preprocessor.conform(pl.DataFrame({name: [cell] for name, cell in cells.items()}))


def test_words_stand_as_written(learned):
    fitted = learned("text")[2]
    (case,) = make_cases(fitted.model, typed(fitted, message="  Bako&amp;LILI <b>it's</b>  good! "))
    assert case.cells["message"] == "Bako&LILI it's good!"
    assert [case.cells["message"][w.start : w.end] for w in case.words] == ["Bako", "&", "LILI", "it's", "good", "!"]
    mask = case.column_mask("message")
    assert mask.all() and case.without(mask)["message"] == ""
    mask[0] = False
    assert case.without(mask)["message"] == "Bako"


def test_taking_out_leaves_single_blanks(learned):
    fitted = learned("text")[2]
    (case,) = make_cases(fitted.model, typed(fitted, message="one two three"))
    assert case.without([False, True, False])["message"] == "one three"


@pytest.mark.parametrize("cell", ["", "   ", None])
def test_an_empty_text_says_so(learned, cell):
    fitted = learned("text")[2]
    frame = fitted.model.preprocessor.conform(pl.DataFrame({"message": pl.Series([cell], dtype=pl.String)}))
    (case,) = make_cases(fitted.model, frame)
    assert case.words == () and "there is no text" in case.notes[0]


def test_a_text_of_unknown_words_says_so(learned):
    fitted = learned("text")[2]
    (case,) = make_cases(fitted.model, typed(fitted, message="Ж Щ 漢"))
    assert len(case.words) == 3
    assert "knows no word" in case.notes[0]


def test_words_behind_the_cut_have_no_part_but_in_the_words_model(learned):
    from dataclasses import replace

    fitted = learned("text")[2]
    limit = fitted.model.preprocessor.max_length
    text = " ".join(["bako"] * (limit + 10))
    frame = typed(fitted, message=text)
    network = replace(fitted.model, lexical=None)
    (case,) = make_cases(network, frame)
    assert len(case.words) == limit - 2  # two special tokens
    assert f"reads {limit} tokens. 12 words stand behind them and have no weight" in case.notes[0]
    if fitted.model.lexical is not None:
        (case,) = make_cases(fitted.model, frame)
        assert len(case.words) == limit + 10 and "the words model reads them" in case.notes[0]


def test_long_texts_are_weighed_in_groups(learned):
    fitted = learned("text")[2]
    (case,) = make_cases(fitted.model, typed(fitted, message=" ".join(f"w{n}" for n in range(20))), most=5)
    assert len(case.words) <= 5 and "in groups of" in case.notes[-1]
    assert not case.without(case.column_mask("message"))["message"]


def test_pairs_have_words_in_both_texts(learned):
    fitted = learned("pair")[2]
    (case,) = make_cases(fitted.model, typed(fitted, first="bako lili", second="mura"))
    assert [(w.column, case.cells[w.column][w.start : w.end]) for w in case.words] == [
        ("first", "bako"), ("first", "lili"), ("second", "mura"),
    ]  # fmt: skip
