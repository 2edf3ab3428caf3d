"""What a run says of its explanation while it goes on, and in its summary: no raw text of the data."""

import pytest

from tunewright.plan import read_plan
from tunewright.records import Analysis, Expectation, Explanation
from tunewright.runfolder import RunFolder
from tunewright.runfolder.context import RunContext
from tunewright.stories.delivering.station import expectations_json
from tunewright.stories.judging import explaining
from tunewright.stories.run import _explained

RULES = "77 of the 88 rows in which 0 is the likeliest hold it."


def expectation(name, *, of="word", verdict="rules undeclared", text=RULES):
    return Expectation(name=name, of=of, verdict=verdict, text=text)


@pytest.fixture
def heard(monkeypatch, tmp_path):
    """(expectations, declared) to what is said while the run explains."""

    def hear(*found, expect=()):
        whole = Explanation(
            part="validation", rows=9, metric="accuracy", columns=(), words={}, linear_words={}, checks=(), method=None,
            expectations=found,
        )  # fmt: skip
        monkeypatch.setattr(explaining, "explain_run", lambda *_: whole)
        plan = read_plan(data={"target": "y"}, knowledge={"expect": list(expect)}, report={"examples": False})
        events = []
        _explained(None, None, Analysis(), plan, RunFolder(tmp_path), RunContext(observe=events.append))
        return [event.text for event in events]

    return hear


def test_a_word_of_the_rows_is_in_no_event(heard):
    assert heard(expectation("parcel")) == [f"rules undeclared: a word that the report names. {RULES}"]


def test_columns_and_words_of_the_plan_are_named(heard):
    declared = expectation("invoice", verdict="not seen", text="No row holds it.")
    said = heard(declared, expectation("amount", of="column", text="It rules."), expect=("invoice",))
    assert said == ["not seen: word 'invoice'. No row holds it.", "rules undeclared: column 'amount'. It rules."]


def test_what_is_confirmed_is_not_told(heard):
    assert heard(expectation("invoice", verdict="confirmed"), expect=("invoice",)) == []


def test_the_summary_masks_a_word_that_is_an_address_or_a_key():
    secret = ("ann@mail.example", "sk-zq81lmnft0vwc4ryxbkd72hs", "parcel")
    masked = [one["name"] for one in expectations_json([expectation(name) for name in secret])]
    assert masked == ["a***@***.example", "s***", "parcel"]
