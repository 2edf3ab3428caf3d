"""One strict JSON object, whatever is in it and whatever standard output can take."""

import io
import json
import sys

import numpy as np
import pytest

from tunewright.cli.answer import Answer, json_text, print_answer, print_error


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), np.float64("nan")])
def test_what_is_not_finite_becomes_null(number):
    assert json.loads(json_text({"a": [number, {"b": number}]})) == {"a": [None, {"b": None}]}


def test_lone_surrogates_and_control_characters_are_escaped():
    text = json_text({"a": "\ud800\x1b\u202e"})
    assert text.isascii()
    assert json.loads(text)["a"] == "\ud800\x1b\u202e"


def test_a_narrow_standard_output_never_raises(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert print_answer(Answer(value={}, text="90 – 95 %", code=4), as_json=False) == 4
    assert raw.getvalue() == b"90 \\u2013 95 %\n"


def test_errors_are_on_both_streams_with_json_only(capsys):
    assert print_error("DataError", "a\x1b[31m", code=3, as_json=False) == 3
    assert capsys.readouterr() == ("", "DataError: a␛[31m\n")
    print_error("DataError", "bad", code=3, as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out) == {"error": {"type": "DataError", "message": "bad"}}
    assert said.err == "DataError: bad\n"
