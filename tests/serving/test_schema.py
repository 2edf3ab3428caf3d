"""Rows of a request are held to what was learned from: 422 that names what is wrong, or a defined default."""

from __future__ import annotations

import math
from datetime import datetime

import polars as pl
import pytest

from tunewright.bundle.predictor import Predictor
from tunewright.records import Column
from tunewright.serving.cells import read_cells
from tunewright.serving.refusals import Refused
from tunewright.serving.schema import Schema


def refused(call):
    with pytest.raises(Refused) as found:
        call()
    assert found.value.status == 422
    return [(one.row, one.column, one.what) for one in found.value.problems]


def test_good_rows_become_a_typed_frame(make_schema):
    checked = make_schema().of_rows(
        [{"message": "hello", "amount": "1,200", "plan": "pro"}, {"message": "", "amount": 3, "team": "x"}]
    )
    frame = make_schema().frame([checked])
    assert frame.schema == {"message": pl.String, "amount": pl.Float64, "plan": pl.String}
    assert frame.rows() == [("hello", 1200.0, "pro"), (None, 3.0, None)]
    assert checked.notes == ()


def test_columns_and_rows_are_the_same(make_schema):
    rows = [{"message": "a", "amount": 1, "plan": None}, {"message": "b", "amount": None, "plan": "free"}]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    schema = make_schema()
    assert schema.frame([schema.of_columns(columns)]).equals(schema.frame([schema.of_rows(rows)]))


def test_a_missing_column_is_named_unless_the_model_knows_it_empty(make_schema):
    assert refused(lambda: make_schema().of_rows([{"amount": 1}])) == [
        (0, "message", "is missing; the model has never seen it empty")
    ]
    make_schema().of_rows([{"message": "a"}])  # amount and plan had empty cells
    assert refused(lambda: make_schema(strict=True).of_rows([{"message": "a", "plan": "pro"}])) == [
        (0, "amount", "is missing")
    ]


def test_a_mistyped_column_is_named_with_what_was_meant(make_schema):
    problems = refused(lambda: make_schema().of_rows([{"mesage": "a", "amount": 1}]))
    assert (0, "mesage", "is not a column of the model. Did you mean 'message'?") in problems


def test_what_the_table_knows_and_the_model_does_not_read_is_passed_over(make_schema):
    assert make_schema().of_rows([{"message": "a", "team": "red", "ticket": 7}]).count == 1


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("a lot", "must be a number; the text cannot be read as one"),
        (True, "must be a number; got true or false"),
        ([1], "must be a number; got a list"),
        ({"a": 1}, "must be a number; got an object"),
        (10**400, "must be a number that 64 bits can hold"),
    ],
)
def test_a_wrong_number_is_named(value, what, make_schema):
    assert refused(lambda: make_schema().of_rows([{"message": "a", "amount": value}])) == [(0, "amount", what)]


@pytest.mark.parametrize("value", [7, 1.5, True, ["a"], {"a": "b"}])
def test_a_text_must_be_text(value, make_schema):
    ((row, column, what),) = refused(lambda: make_schema().of_rows([{"message": value}]))
    assert (row, column) == (0, "message") and what.startswith("must be a text; got")


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 100_001])
def test_a_text_that_nothing_can_read_is_named(text, make_schema):
    assert refused(lambda: make_schema().of_rows([{"message": text}]))[0][:2] == (0, "message")


def test_an_unseen_category_is_told_or_refused(make_schema):
    row = {"message": "a", "amount": 1, "plan": "gold"}
    (note,) = make_schema().of_rows([row]).notes
    assert (note.row, note.column) == (0, "plan") and "gold" not in note.what
    assert refused(lambda: make_schema(strict=True).of_rows([row]))[0][1] == "plan"


def test_every_problem_is_told_and_no_cell_is_repeated(make_schema):
    rows = [{"message": 1, "amount": "card 4556 7375 8689 9855"}, {"message": "ok", "colour": "sk_live_51Habcdef"}]
    with pytest.raises(Refused) as found:
        make_schema().of_rows(rows)
    body = str(found.value.body())
    assert {one["column"] for one in found.value.body()["problems"]} == {"amount", "message", "colour"}
    assert "4556" not in body and "sk_live" not in body


def test_many_problems_are_counted(make_schema):
    with pytest.raises(Refused) as found:
        make_schema().of_rows([{"message": 1}] * 50)
    assert len(found.value.body()["problems"]) == 20
    assert "30 more problems" in found.value.body()["message"]


@pytest.mark.parametrize("count", [0, 2001])
def test_rows_are_counted(count, make_schema):
    with pytest.raises(Refused, match="between 1 and 2,000"):
        make_schema().of_rows([{"message": "a"}] * count)


def test_columns_must_be_lists_of_one_length(make_schema):
    assert {one[1] for one in refused(lambda: make_schema().of_columns({"message": ["a"], "amount": [1, 2]}))} == {
        "message",
        "amount",
    }
    assert refused(lambda: make_schema().of_columns({"message": "a"})) == [
        (None, "message", "must be a list with a value for each row")
    ]
    assert refused(lambda: make_schema().of_columns({"nothing": [1]})) == [
        (None, "nothing", "is not a column of the model.")
    ]


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("category", 3, "3"),
        ("category", 3.0, "3"),
        ("category", 0.5, "0.5"),
        ("category", True, "true"),
        ("category", "", None),
        ("boolean", "Yes", True),
        ("boolean", 0, False),
        ("boolean", "n/a", None),
        ("number", "12 %", 12.0),
        ("number", math.nan, None),
        ("datetime", "2024-05-01 10:30", datetime(2024, 5, 1, 10, 30)),
        ("datetime", None, None),
    ],
)
def test_cells_are_read_as_the_table_was(kind, value, cell):
    column = Column(name="x", kind=kind, role="feature", why="", format="%Y-%m-%d" if kind == "datetime" else None)
    assert read_cells(column, [value], longest=10) == ([cell], {})


@pytest.mark.parametrize(
    ("kind", "value"), [("boolean", "perhaps"), ("boolean", 2), ("datetime", "soon"), ("datetime", 7)]
)
def test_cells_that_are_not_of_their_kind_are_told(kind, value):
    column = Column(name="x", kind=kind, role="feature", why="")
    assert read_cells(column, [value], longest=10)[1].keys() == {0}


def test_a_cell_does_not_hang_on_its_neighbours():
    column = Column(name="x", kind="category", role="feature", why="")
    for beside in ("a", 1, 2.5, None, True):
        assert read_cells(column, [3.0, beside], longest=10)[0][0] == "3"


@pytest.mark.parametrize("kind", ["text", "pair", "table", "mixed", "multilabel"])
def test_a_served_row_is_answered_as_the_predictor_answers_it(learned, make_rows, kind):
    """The oracle: what `Predictor.predict` says of the same rows in a frame."""
    _, _, fitted = learned(kind)
    predictor = Predictor(fitted.model)
    frame = make_rows(kind, 40, 3).drop("y", "part")
    schema = Schema.of(fitted.model.preprocessor)
    rows = frame.to_dicts()
    checked = [schema.of_rows(rows[:1]), schema.of_rows(rows[1:])]
    typed = fitted.model.preprocessor.conform(schema.frame(checked))
    assert predictor.predict_typed(typed).equals(predictor.predict(frame))
    assert len(checked[1].costs) == 39


def test_costs_are_about_tokens(learned):
    _, _, fitted = learned("text")
    schema = Schema.of(fitted.model.preprocessor)
    short, long = schema.of_rows([{"message": "bako"}, {"message": "bako " * 500}]).costs
    assert short < 6 and long == fitted.model.preprocessor.max_length
