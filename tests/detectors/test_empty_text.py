"""Texts that say nothing."""

import polars as pl
import pytest

from tunewright.detectors.empty_text import EmptyText


def table(changes, n=200, **columns):
    texts = [f"an ordinary message about thing {i}" for i in range(n)]
    for row, text in changes.items():
        texts[row] = text
    return pl.DataFrame({"text": texts, "y": ["a", "b"] * (n // 2)} | columns)


NOTHING = ["", " ", "\t", "\n ", "\u00a0", "\u200b", None, ".", "...", "?!", "-", '.."', "k", "7", " x "]
SOMETHING = ["ok", "no", ":)", ":((", ";-)", "^_^", "<3", "(:", "❤", "😀😀", "好", "42", "a!b"]


@pytest.mark.parametrize("text", NOTHING)
def test_says_nothing(pose, text):
    (finding,) = EmptyText().find(pose(table({11: text})))
    assert finding.rows == (11,) and finding.columns == ("text",)


@pytest.mark.parametrize("text", SOMETHING)
def test_says_something(pose, text):
    assert EmptyText().find(pose(table({11: text}))) == ()


def test_emptier_texts_come_first_and_are_counted_apart(pose):
    (finding,) = EmptyText().find(pose(table({2: "x", 3: "...", 5: " "})))
    assert finding.rows == (5, 3, 2) and finding.severity == "warning"
    told = "3 of 200 texts in 'text' say nothing: 1 empty or blank, 1 punctuation alone, 1 a single character (as 'x')."
    assert finding.evidence == told
    (one,) = EmptyText().find(pose(table({3: "..."}, n=1000)))
    assert one.severity == "info"


def test_a_column_that_is_often_empty_is_not_at_fault_beside_others(pose):
    notes = [f"a note on what was said in talk {i}" if i % 2 else None for i in range(200)]
    frame = table({}, price=[float(i % 83) for i in range(200)], note=notes)
    assert EmptyText().find(pose(frame)) == ()
    (alone,) = EmptyText().find(pose(frame.select("note", "y")))
    assert alone.rows_total == 100


def test_one_letter_names_are_names(pose):
    frame = table({}, name=[f"{chr(65 + i % 26)}{'rst' * (i % 5)}{i}" if i % 50 else "B" for i in range(200)])
    assert EmptyText().find(pose(frame, name="text")) == ()
