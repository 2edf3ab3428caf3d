"""The report's section on what the model looks at: complete, and hostile names stay text."""

import re
from dataclasses import replace

import pytest

from tunewright.cli.highlight import whole_text
from tunewright.records import (
    Analysis,
    Column,
    Concept,
    ConceptCheck,
    ConceptEffect,
    ConceptExample,
    ConceptWord,
    Evaluation,
    Expectation,
    Explanation,
    Importance,
    MethodCheck,
    Score,
    Split,
    Table,
    TrainedModel,
    Verdict,
    WordEffect,
)
from tunewright.report import ReportData, explaining, render

HOSTILE = "<script>alert(1)</script> \x1b[31m {{ 7*7 }} \u202e"


def score(value, half=0.05):
    return Score(value=value, low=value - half, high=value + half, n=200)


def word(text, weight):
    return WordEffect(text=text, weight=weight, low=weight - 1, high=weight + 1, rows=4)


@pytest.fixture
def found():
    return Explanation(
        part="validation",
        rows=200,
        metric="f1_macro",
        columns=(
            Importance(name="message", kind="text", drop=score(0.4)),
            Importance(name=HOSTILE, kind="number", drop=score(0.01)),
        ),
        words={"billing": (word("invoice", 2.1), word(HOSTILE, 1.4)), "sales": (word("offer", 1.2),), "none": ()},
        linear_words={"billing": (word("my invoice", 3.0),)},
        checks=(
            MethodCheck(
                method="occlusion", rows=12, deletion=score(0.2), insertion=score(0.1), shuffled=score(0.02), gap=None,
                seconds_per_row=0.1, passed=True, why="fine",
            ),
            MethodCheck(
                method="integrated_gradients", rows=12, deletion=score(-0.2), insertion=score(0.0), shuffled=None,
                gap=0.01, seconds_per_row=0.4, passed=False, why="no better than chance",
            ),
        ),
        method="occlusion",
        expectations=(
            Expectation(name="amount", of="column", verdict="no effect shown", text="No effect is shown."),
            Expectation(name=HOSTILE, of="word", verdict="rules undeclared", text=f"{HOSTILE} rules."),
        ),
        notes=("It took 3.0 s.",),
    )  # fmt: skip


@pytest.fixture
def report_data():
    """The smallest run there is."""
    column = Column(name="message", kind="text", role="feature", why="words")
    return ReportData(
        run="tickets",
        plan_yaml="seed: 0\n",
        table=Table(
            rows=9, columns=(column,), fingerprint="ab", target="team", task="multiclass", task_why="three labels"
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
            verdict=Verdict(objective="none", text="No objective was set."),
        ),
        analysis=Analysis(),
        versions={},
        digests={},
        seconds={},
        notes=(),
        examples=True,
    )  # fmt: skip


def test_chart_marks_what_is_shown_to_matter(found):
    figure = explaining.figures(found)["columns"]
    used, unused = figure["data"]
    assert used["x"] == [0.4] and used["marker"]["symbol"] == "circle" and used["marker"]["color"] == "--accent"
    assert unused["marker"]["symbol"] == "circle-open" and unused["marker"]["color"] == "--muted"
    assert figure["layout"]["xaxis"]["title"]["text"] == "how much worse macro F1 gets"
    assert "<script>" not in str(figure)
    assert explaining.figures(replace(found, columns=found.columns[:1])) == {}
    assert explaining.figures(replace(found, columns=())) == {}


def test_words_stand_beside_those_of_the_words_model(found):
    view = explaining.view(found)
    assert [line[0] for line in view["classes"]] == ["billing", "sales"]  # a class without words has no line
    assert view["classes"][0][1].startswith("invoice (+2.10)") and view["classes"][0][2] == "my invoice (+3.00)"
    assert view["beside"] and not view["folded"]


def test_page_holds_the_section_and_no_markup_of_the_data(report_data, found):
    page = render(replace(report_data, explanation=found))
    body = page[page.index('id="explained"') :]
    body = body[: body.index("</section>")]
    for text in ("What was expected", "invoice (+2.10)", "no better than chance", "macro F1", "It took 3.0 s."):
        assert text in body
    assert "<script>alert" not in body and "\x1b" not in body and "\u202e" not in body
    assert not re.search(r"\b49\b", body)
    assert 'href="#explained"' in page
    without = render(report_data)
    assert 'id="explained"' not in without and 'href="#explained"' not in without


def concept(name, labels=("billing", HOSTILE)):
    effects = tuple(ConceptEffect(label=label, effect=score(2.0)) for label in labels)
    words = (ConceptWord(text=name, inside=0.62, outside=0.031, rows=31),)
    examples = (ConceptExample(row=41, label=HOSTILE, amount=3.2, cells={"message": f"{name} {HOSTILE}"}),)
    return Concept(
        name=name, share=score(0.1), towards=effects, against=(), change=score(0.4), chance=0.03, p_value=0.04,
        agreement=0.9, words=words, examples=examples,
    )  # fmt: skip


def checked(*concepts, why="5 directions were found."):
    passed = bool(concepts)
    return {
        "concepts": concepts,
        "concept_check": ConceptCheck(
            rows=900, found=5, shown=len(concepts), shuffled=score(0.0), passed=passed, why=why
        ),
    }


def part_of(page):
    body = page[page.index('id="concepts"') :]
    return body[: body.index("Can explanations be trusted")]


def test_directions_stand_in_a_table_with_words_labels_and_texts(report_data, found):
    page = render(replace(report_data, explanation=replace(found, **checked(concept("card"), concept(HOSTILE)))))
    body = part_of(page)
    told = ("5 directions were found.", "card (62 %, others 3 %)", "row 41", "billing", "at random 0.03", "raw text")
    for text in told:
        assert text in body
    assert body.count("<tr>") == 3  # the head and two directions
    assert "<script>alert" not in body and "\x1b" not in body and "\u202e" not in body
    assert not re.search(r"\b49\b", body)


def test_a_hundred_and_fifty_labels_keep_the_table_small(report_data, found):
    concepts = [concept(f"word{n}", labels=[f"label {n} {side}" for side in range(3)]) for n in range(12)]
    body = part_of(render(replace(report_data, explanation=replace(found, **checked(*concepts)))))
    assert body.count("<tr>") == 13 and body.count("label ") == 36


def test_directions_without_texts_or_that_are_not_shown(report_data, found):
    silent = replace(concept("card"), name="", words=(), examples=())
    body = part_of(render(replace(report_data, explanation=replace(found, **checked(silent)))))
    assert "card" not in body and "raw text" not in body and "Train texts" not in body and "billing" in body
    none = replace(found, **checked(why="No direction was found."))
    refused = part_of(render(replace(report_data, explanation=none)))
    assert "No direction was found." in refused and "<table>" not in refused
    assert 'id="concepts"' not in render(replace(report_data, explanation=found))


def test_a_terminal_gets_a_line_for_each(found):
    said = whole_text(replace(found, **checked(concept("card"), concept(HOSTILE)))).splitlines()
    lines = [line for line in said if line.startswith("direction ")]
    assert len(lines) == 2 and "5 directions were found." in said
    assert lines[0].startswith("direction 1  card: 10 % of rows, towards billing +2.00, ")
    assert "answers move by 0.4, at random by 0.03" in lines[0] and "\x1b" not in lines[1] and "\u202e" not in lines[1]
    assert not [line for line in whole_text(found).splitlines() if "irection" in line]


def test_an_error_is_not_said_to_fall_where_a_column_is_missed(report_data, found):
    page = render(replace(report_data, explanation=replace(found, metric="mean_absolute_error")))
    body = page[page.index('id="explained"') :]
    body = body[: body.index("</section>")]
    assert body.count("How much worse the mean absolute error") >= 2
    assert "error falls" not in body and "Loss of" not in body
