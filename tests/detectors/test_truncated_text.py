"""What is cut at the limit of tokens: told where it is much, with the rows that lose most first."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.detectors.truncated_text import TruncatedText
from tunewright.learning.cut import Cut
from tunewright.records import Finding, from_json, to_json


def cut(full, *, at=100, limit=512, rows=None):
    full = np.array(full)
    return Cut(
        rows=np.arange(len(full)) if rows is None else np.array(rows),
        full=full,
        read=np.minimum(full, at),
        columns=("message",),
        max_length=at,
        limit=limit,
        backbone="some/folder/minilm",
    )


@pytest.mark.parametrize(
    ("full", "severity"),
    [
        ([20] * 100, None),
        ([20] * 99 + [100], None),
        ([60] * 99 + [180], None),  # one row of a hundred loses a tail: what the automatic limit allows
        ([60] * 199 + [900], "info"),  # a single row, and most of it, is much of all that was written
        ([60] * 1999 + [500], None),
        ([60] * 98 + [220] * 2, "info"),
        ([150] * 100, "info"),  # every row loses a tail
        ([60] * 96 + [210] * 4, "info"),
        ([60] * 95 + [210] * 5, "warning"),
        ([2000] * 40, "warning"),
    ],
)
def test_severity_follows_what_rows_lose(full, severity):
    found = TruncatedText().judge(cut(full))
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_numbers_rows_and_what_to_do():
    (found,) = TruncatedText().judge(cut([100, 50, 400, 101, 200], rows=[3, 5, 8, 9, 11]))
    assert found.rows == (8, 11, 9) and found.rows_total == 3
    assert found.scores == (0.75, 0.5, 0.0099)
    assert found.score == pytest.approx(401 / 851)
    assert found.evidence == (
        "Texts are read up to 100 tokens: 47.1% of all tokens are cut. 3 of 5 rows are cut, 1 (20.0%) by more than "
        "50% of their tokens; the longest has 400. Raise model.max_length (up to 512) to read more."
    )
    (found,) = TruncatedText().judge(cut([400] * 5, limit=100))
    assert "100 tokens, the most that minilm takes:" in found.evidence
    assert found.evidence.endswith("Take a backbone for longer texts to read more.")


@given(st.lists(st.integers(3, 3000), min_size=1, max_size=60))
def test_rows_and_scores_against_a_plain_count(lengths):
    for found in TruncatedText().judge(cut(lengths)):
        lost = {row: 1 - 100 / n for row, n in enumerate(lengths) if n > 100}
        assert set(found.rows) == set(lost) and found.rows_total == len(lost)
        assert list(found.scores) == sorted(found.scores, reverse=True)
        assert all(abs(score - lost[row]) < 1e-4 for row, score in zip(found.rows, found.scores, strict=True))
        assert from_json(Finding, json.loads(json.dumps(to_json(found), allow_nan=False))) == found


def test_a_million_rows_take_a_moment():
    lengths = np.random.default_rng(0).integers(5, 400, 1_000_000)
    (found,) = TruncatedText().judge(cut(lengths))
    assert found.rows_total == int((lengths > 100).sum())
