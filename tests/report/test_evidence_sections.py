"""The report on damaged rows, costs and mistakes: complete, keyboard-reachable, and hostile text stays text."""

import re
from html.parser import HTMLParser

import pytest

from tunewright.records import (
    Analysis,
    Column,
    ColumnWeight,
    Damage,
    DamagedText,
    Efficiency,
    Energy,
    Evaluation,
    Explained,
    Flip,
    Mistake,
    Robustness,
    Score,
    Split,
    Table,
    TokenWeight,
    TrainedModel,
    Verdict,
)
from tunewright.report import ReportData, mistakes, render, robust

HOSTILE = "<script>alert(1)</script> \x1b[31m {{ 7*7 }} \u202e"


def score(value, half=0.05):
    return Score(value=value, low=value - half, high=value + half, n=200)


def damage(name, fall, *, verdict="no evidence", flips=()):
    return Damage(
        name=name, kind="typos", says="letters change places", changed=100, fall=None if fall is None else score(fall),
        p_value=None if fall is None else 0.01, verdict=verdict, flipped=score(0.2), flips=flips,
    )  # fmt: skip


def explained(text=HOSTILE, label="sales"):
    middle = text.index("alert") if "alert" in text else 4
    tokens = (
        TokenWeight(text=text[:3], weight=-2.0, column="message", start=0, end=3),
        TokenWeight(text=text[middle : middle + 5], weight=4.0, column="message", start=middle, end=middle + 5),
    )
    return Explained(
        prediction=label, confidence=0.9, label=label, method="occlusion", unit=f"log odds of {label}", tokens=tokens,
        columns=(ColumnWeight(name="message", weight=2.0), ColumnWeight(name="amount", weight=-0.5)),
        notes=("The text is long.",), texts={"message": text},
    )  # fmt: skip


def report_data(*, examples=True, why=True):
    flip = Flip(row=7, before="billing", after=HOSTILE, confidence=0.98)
    found = Robustness(
        metric="f1_macro", part="test", rows=200, of=900, score=score(0.8), text="200 of 900 test rows were damaged.",
        damages=(
            damage("upper case", -0.01), damage(HOSTILE, 0.2, verdict="falls", flips=(flip,)),
            damage("no punctuation", None, verdict="nothing to change"),
        ),
    )  # fmt: skip
    rows = tuple(
        Mistake(
            row=row, truth="billing", predicted="sales", confidence=0.9,
            cells={"message": HOSTILE if examples else "", "amount": str(row)} if examples else {},
            explained=explained() if why and row % 2 else None,
        )
        for row in range(5)
    )  # fmt: skip
    return ReportData(
        run="tickets",
        plan_yaml="seed: 0\n",
        table=Table(
            rows=9, columns=(Column(name="message", kind="text", role="feature", why="words"),), fingerprint="ab",
            target="team", task="multiclass", task_why="three labels",
        ),
        split=Split(train=(0, 1), validation=(2,), test=(3,), how="stratified", proof={}),
        findings=(),
        remedies=(),
        trained=TrainedModel(
            method="head", kept="probe", why="it is better", metric="f1_macro", candidates={}, history=(), best_epoch=0,
            parameters=10, trainable=10, precision="float32", digest="ab", seconds={},
        ),
        evaluation=Evaluation(
            metric="f1_macro", metrics={"test": {"f1_macro": score(0.8)}}, baselines={}, comparisons=(),
            verdict=Verdict(objective="none", text="No objective was set."), robustness=found,
            efficiency=Efficiency(
                rows_per_second=512.0, batch_rows=100, latency_ms={"p50": 3.25, "p95": 5.5}, rounds=80, memory_mb=120.0,
                process_peak_mb=None, size_mb=91.2, precision="bfloat16", machine=f"CPU {HOSTILE}",
            ),
        ),
        analysis=Analysis(
            mistakes=rows,
            damaged=(DamagedText(damage=HOSTILE, row=7, text=f"wrnog {HOSTILE}"),) if examples else (),
        ),
        energy=Energy(joules=None, text="Not measured: no counter."),
        versions={},
        digests={},
        seconds={},
        notes=(),
        examples=examples,
    )  # fmt: skip


def section(page, name, end="</section>"):
    body = page[page.index(f'id="{name}"') :]
    return body[: body.index(end)]


class Parsed(HTMLParser):
    """Every start tag with its attributes, and the ids there are."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)
        self.ids = [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def page():
    return render(report_data())


def test_hostile_text_stays_text_in_every_section(page):
    for name in ("robustness", "costs", "mistakes"):
        body = section(page, name)
        assert "<script>alert" not in body and "\x1b" not in body and "\u202e" not in body
        assert not re.search(r"\b49\b", body)


def test_damage_is_told_worst_first_in_the_chart_and_with_its_answers(page):
    figure = robust.figures(report_data().evaluation.robustness)["robustness"]
    worst, other = figure["data"]
    assert worst["x"] == [0.2] and worst["marker"]["symbol"] == "circle"
    assert other["x"] == [-0.01] and other["marker"]["symbol"] == "circle-open"
    assert "<script>" not in str(figure)
    body = section(page, "robustness")
    assert "200 of 900 test rows were damaged." in body and "Nothing was chosen by it" in body
    assert "nothing to change" in body and "0.98" in body and "wrnog" in body and "letters change places" in body
    assert 'href="#robustness"' in page


def test_costs_are_told_and_energy_is_not_guessed(page):
    body = section(page, "costs")
    for text in ("3.25 ms", "5.5 ms", "512 rows/s", "120 MB", "91.2 MB", "Not measured: no counter."):
        assert text in body, text
    assert "Most memory of this run" not in body


def test_a_mistake_opens_by_a_button_that_says_what_it_opens(page):
    parsed = Parsed(page)
    assert len(parsed.ids) == len(set(parsed.ids))
    buttons = [attributes for tag, attributes in parsed.tags if tag == "button" and "aria-controls" in attributes]
    assert [one["aria-label"] for one in buttons] == ["Why row 1", "Why row 3"]
    hidden = {attributes["id"] for tag, attributes in parsed.tags if tag == "tr" and "hidden" in attributes}
    assert {one["aria-controls"] for one in buttons} == hidden
    assert all(one["aria-expanded"] == "false" and one["type"] == "button" for one in buttons)
    (field,) = [attributes for tag, attributes in parsed.tags if tag == "input"]
    labels = [attributes["for"] for tag, attributes in parsed.tags if tag == "label"]
    assert labels == [field["id"]] and field["data-filters"] in parsed.ids and field["aria-describedby"] in parsed.ids
    bodies = section(page, "mistake-table", "</table>").count("<tbody>")
    assert bodies == 5


def test_words_are_marked_by_how_far_they_pushed(page):
    body = section(page, "mistakes")
    assert '<mark class="for-4" title="+4.00">alert</mark>' in body
    assert '<mark class="against-2" title="-2.00">&lt;sc</mark>' in body
    assert "Strongest: alert +4.00, &lt;sc −2.00, amount −0.50." in body and "The text is long." in body
    # Every mark that a text can have has a style.
    assert all(
        f".{way}-{level} " in page or f".{way}-{level}," in page for way in ("for", "against") for level in (1, 4)
    )


def test_marked_pieces_are_the_whole_text():
    why = explained("late again and again")
    (line,) = mistakes.view(
        Analysis(mistakes=(Mistake(row=1, truth="a", predicted="b", confidence=None, cells={}, explained=why),))
    )["mistakes"]
    ((name, pieces),) = line.texts
    assert name == "message" and "".join(piece.text for piece in pieces) == "late again and again"
    assert [piece.level for piece in pieces if piece.mark] == [-2, 4]
    long = explained("word " * 1000)
    cut = mistakes.view(
        Analysis(mistakes=(Mistake(row=1, truth="a", predicted="b", confidence=None, cells={}, explained=long),))
    )["mistakes"][0]
    assert len("".join(piece.text for piece in cut.texts[0][1])) == 2001


def test_without_examples_no_text_is_shown():
    page = render(report_data(examples=False, why=False))
    assert "alert(1)" not in section(page, "mistakes") and "find-mistake" not in section(page, "mistakes")
    body = section(page, "robustness")
    assert "wrnog" not in body and "What the row looked like" not in body and "0.98" in body


def test_a_run_of_an_earlier_release_has_none_of_the_sections():
    from dataclasses import replace

    data = report_data()
    page = render(replace(data, evaluation=replace(data.evaluation, robustness=None, efficiency=None), energy=None))
    assert 'id="robustness"' not in page and 'id="costs"' not in page and 'href="#costs"' not in page


def test_an_error_is_not_said_to_fall_where_the_model_gets_worse():
    from dataclasses import replace

    data = report_data()
    found = replace(data.evaluation.robustness, metric="mean_absolute_error")
    page = render(replace(data, evaluation=replace(data.evaluation, robustness=found)))
    body = section(page, "robustness")
    assert "How much worse the mean absolute error gets on 200 test rows" in body and "<td>gets worse</td>" in body
    assert "falls" not in body and "Fall" not in body
