import random

import polars as pl
import pytest

from tunewright.data import infer_pair
from tunewright.errors import PlanError

WORDS = [f"w{n}" for n in range(400)]
RANDOM = random.Random(0)


def texts(rows: int = 100) -> list[list[str]]:
    return [RANDOM.sample(WORDS, 8) for _ in range(rows)]


def joined(rows: list[list[str]]) -> list[str]:
    return [" ".join(row) for row in rows]


def frame(first: str, second: str) -> pl.DataFrame:
    return pl.DataFrame({first: joined(texts()), second: joined(texts())})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sentence1", "sentence2"),
        ("text_a", "text_b"),
        ("left", "right"),
        ("question1", "question2"),
        ("left_title", "right_title"),
        ("premise", "hypothesis"),
        ("query", "document"),
        ("anchor", "positive"),
        ("Hypothesis", "Premise"),
        ("s2", "s1"),
    ],
)
def test_names_that_belong_together(first: str, second: str) -> None:
    assert infer_pair(frame(first, second), [first, second])[0] == (first, second)


@pytest.mark.parametrize(("first", "second"), [("title", "body"), ("beta", "gamma"), ("review", "summary")])
def test_other_names_need_shared_words(first: str, second: str) -> None:
    apart = frame(first, second)
    assert infer_pair(apart, [first, second])[0] is None
    base = texts()
    shared = pl.DataFrame({first: joined(base), second: joined([row[:5] + RANDOM.sample(WORDS, 3) for row in base])})
    pair, why = infer_pair(shared, [first, second])
    assert pair == (first, second)
    assert "%" in why
    shifted = shared.with_columns(pl.col(second).gather(pl.int_range(1, 101) % 100))
    assert infer_pair(shifted, [first, second])[0] is None


def test_a_pair_needs_exactly_two_texts() -> None:
    data = frame("text1", "text2")
    assert infer_pair(data, ["text1"])[0] is None
    assert infer_pair(data.with_columns(text3="text1"), ["text1", "text2", "text3"])[0] is None
    assert infer_pair(data, ["text1", "text2"], "none") == (None, "switched off")
    assert infer_pair(data.clear(), ["title", "body"][:0])[0] is None


def test_a_given_pair_is_checked() -> None:
    data = frame("title", "body").with_columns(n=1)
    assert infer_pair(data, ["title", "body"], ("body", "title")) == (("body", "title"), "given")
    assert infer_pair(data, ["title", "body"], ["body", "title"])[0] == ("body", "title")
    for option, message in (
        (("titel", "body"), r"Did you mean 'title'\?"),
        (("n", "body"), "'n' is none"),
        (("body", "body"), "two different"),
        (("body",), "two different"),
        ("yes", "two different"),
    ):
        with pytest.raises(PlanError, match=message):
            infer_pair(data, ["title", "body"], option)  # type: ignore[arg-type]
