"""The report's story of improvement: what was seen, tried, gained, kept, and why it ended."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.records import Improvement, RemedyTrial, Round, Score
from tunewright.report import render

spec = importlib.util.spec_from_file_location("report_examples", Path(__file__).with_name("test_report.py"))
examples = importlib.util.module_from_spec(spec)
spec.loader.exec_module(examples)


def a_round(number, move, *, kept, value=0.02, **more):
    told = {
        "seen": "Overfit from epoch 3.",
        "changes": {"training.learning_rate": 0.0001},
        "why": "validation rows show the gain" if kept else "no gain beyond noise",
        "seconds": 12.0,
        "difference": Score(value=value, low=value - 0.01, high=value + 0.01, n=139),
        "p_value": 0.001 if kept else 0.4,
    }
    return Round(number=number, move=move, kept=kept, **told | more)


def page_of(*rounds, why="3 rounds of the plan"):
    data = examples.multiclass()
    improvement = Improvement(metric="f1_macro", rounds=tuple(rounds), why_ended=why)
    return examples.Page(render(replace(data, improvement=improvement)))


def section(page, start, end):
    """What the page says between two headings."""
    return page.text[page.text.index(start) : page.text.index(end)]


def test_every_round_is_a_row_with_what_was_seen_tried_and_gained():
    page = page_of(
        a_round(1, "lower learning rate", kept=True),
        a_round(2, "mixup", kept=False, value=-0.003, changes={"augment.kind": "mixup"}),
        a_round(3, "another head", kept=False, difference=None, p_value=None, why="it failed: It diverged."),
    )
    told = section(page, "Improvement\n", "What was trained")
    for said in ("Overfit from epoch 3.", "lower learning rate", "+2.0 points (+1.0 to +3.0)", "mixup"):
        assert said in told
    assert "−0.3 points (−1.3 to +0.7)" in told and "it failed: It diverged." in told and "–" in told
    assert "It ended with 3 rounds of the plan. Kept: lower learning rate." in told
    assert told.index("lower learning rate") < told.index("mixup") < told.index("another head")


def test_nothing_kept_is_said_in_so_many_words():
    told = page_of(a_round(1, "mixup", kept=False), why="nothing is left to try").text
    assert "It ended with nothing is left to try. Nothing was kept, so the plan stayed as it was." in told


def test_no_round_is_no_verdict_on_what_was_kept():
    told = page_of(why="the objective is met on validation rows").text
    assert "It ended with the objective is met on validation rows." in told and "Nothing was kept" not in told
    assert "Improvement\n" not in examples.Page(render(examples.multiclass())).text


def test_the_story_is_told_in_the_order_in_which_it_happened():
    data = examples.multiclass()
    trial = RemedyTrial(
        remedy="augment_mixup",
        rule="gain",
        metric="f1_macro",
        effect=Score(value=0.011, low=0.004, high=0.018, n=10),
        p_value=0.001,
        kept=True,
        why="the gain is shown",
        order=2,
    )
    improvement = Improvement(metric="f1_macro", rounds=(a_round(1, "mixup", kept=False),), why_ended="1 round")
    page = examples.Page(render(replace(data, remedies=(*data.remedies, trial), improvement=improvement)))
    places = [page.text.index(said) for said in ("What was tried", "augment mixup", "Each round trained", "Learning c")]
    assert places == sorted(places)
    tried = section(page, "What was tried", "Each round trained")
    assert "+1.1 points (+0.4 to +1.8)" in tried and "the gain is shown" in tried


@pytest.mark.parametrize("place", ["seen", "why"])
def test_what_a_round_says_is_text_and_no_markup(place):
    hostile = "<script>alert(1)</script> \x1b[31m {{ 7*7 }}"
    page = page_of(a_round(1, "mixup", kept=False, **{place: hostile}))
    assert not [text for _, text in page.scripts if "alert(1)" in text]
    assert "<script>alert(1)</script>" in page.text and "{{ 7*7 }}" in page.text
