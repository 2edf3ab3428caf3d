import datetime as dt
import pickle

import polars as pl
import pytest

from tunewright.data.expressions import parse
from tunewright.errors import PlanError

FRAME = pl.DataFrame(
    {
        "amount": [10, 0, None],
        "message": ["Refund me", "", None],
        "channel": ["phone", "form", None],
        "created_at": [dt.datetime(2025, 6, 21, 18, 30), dt.datetime(2024, 2, 29), None],
        "is_new": [True, False, None],
        "odd name": [1.5, 2.5, -0.5],
        "a`b": [1, 2, 3],
        "empty": [None, None, None],
    }
)


def values(text):
    return parse(text).evaluate(FRAME).to_list()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("amount / 4", [2.5, 0.0, None]),
        ("`odd name` * 2", [3.0, 5.0, -1.0]),
        ("`a``b` + 1", [2.0, 3.0, 4.0]),
        ("round(`odd name`)", [2.0, 2.0, 0.0]),
        ("round(amount / 3, 2)", [3.33, 0.0, None]),
        ("created_at.hour", [18.0, 0.0, None]),
        ("created_at.hour_of_week", [5 * 24 + 18.0, 3 * 24.0, None]),
        ("created_at.is_weekend", [True, False, None]),
        ("created_at - '2025-06-20 18:30'", [1.0, -477.7708333333333, None]),
        ("created_at >= '2025-01-01'", [True, False, None]),
        ("'2024-01-01' <= created_at < '2025-01-01'", [False, True, None]),
        ("created_at in ('2024-02-29', '2020-01-01')", [False, True, None]),
        ("max(created_at, '2025-01-01').year", [2025.0, 2025.0, None]),
        ("is_new + is_new + 1", [3.0, 1.0, None]),
        ("is_new == 1", [True, False, None]),
        ("is_new in (0, 2)", [False, True, None]),
        ("not is_new and amount == 0", [False, True, None]),
        ("is_new or true", [True, True, True]),
        ("is_new and false", [False, False, False]),
        ("channel + ': ' + message", ["phone: Refund me", "form: ", None]),
        ("contains(lower(message), 'refund')", [True, False, None]),
        ("'Ref' in message", [True, False, None]),
        ("channel not in ['phone']", [False, True, None]),
        ("if(amount == 0, missing, 1 / amount)", [0.1, None, None]),
        ("if(is_new, 'new', 'old')", ["new", "old", None]),
        ("is_missing(amount)", [False, False, True]),
        ("is_missing(log(amount))", [False, True, True]),
        ("empty + 1", [None, None, None]),
        ("is_missing(empty)", [True, True, True]),
        ("empty == 'x'", [None, None, None]),
        ("words(message)", [2.0, 0.0, None]),
        ("2", [2.0, 2.0, 2.0]),
        (r"'it\'s'", ["it's"] * 3),
    ],
)
def test_what_the_language_says(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "dtype"),
    [
        ("amount + 1", "number", pl.Float64),
        ("length(message)", "number", pl.Float64),
        ("upper(channel)", "text", pl.String),
        ("amount > 1", "truth", pl.Boolean),
        ("min(created_at, created_at)", "date", pl.Datetime("us")),
        ("1 + 1", "number", pl.Float64),
        ("missing", "nothing", pl.Null),
    ],
)
def test_kinds_are_known_before_any_row(text, kind, dtype):
    expression = parse(text)
    assert expression.kind(FRAME.schema) == kind
    for rows in (FRAME, FRAME[:0]):
        answer = expression.evaluate(rows)
        assert (answer.dtype, answer.name, answer.len()) == (dtype, text, rows.height)


@pytest.mark.parametrize(
    ("dtype", "cells", "text", "expected"),
    [
        (pl.Int8, [100, 7], "x * 100", [10_000.0, 700.0]),
        (pl.UInt64, [1, 2], "-x", [-1.0, -2.0]),
        (pl.Float32, [float("nan"), float("inf")], "is_missing(x)", [True, True]),
        (pl.Categorical, ["b", "a"], "x > 'a'", [True, False]),
        (pl.Date, [dt.date(2025, 1, 1), None], "x.weekday", [2.0, None]),
        (pl.Datetime("ms", "Asia/Tokyo"), [dt.datetime(2025, 1, 1)] * 2, "x.hour", [15.0, 15.0]),
        (pl.Decimal(10, 2), [1.25, 2.5], "x + 0", [1.25, 2.5]),
    ],
)
def test_columns_of_every_type_are_computed_with(dtype, cells, text, expected):
    column = pl.Series("x", cells).cast(dtype) if dtype != pl.Datetime("ms", "Asia/Tokyo") else None
    if column is None:
        column = pl.Series("x", cells, dtype=pl.Datetime("ms")).dt.replace_time_zone("Asia/Tokyo")
    assert parse(text).evaluate(column.to_frame()).to_list() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("message - 2", '"-" takes a number and a number; or a date and a date. Got text (`message`) and a number (2)'),
        ("message - 2", "at character 9 of"),
        ("amount == 'ten'", "takes values of one kind"),
        ("created_at > 'June'", "Write a date as '2025-12-31'"),
        ("created_at - 3", "takes a number and a number; or a date and a date"),
        ("message.hour", '".hour" takes a date. Got text (`message`) at character 8'),
        ("if(amount, 1, 2)", "takes a condition and two values of one kind"),
        ("if(is_new, 1, 'x')", "takes a condition and two values of one kind"),
        ("amount and is_new", '"and" takes a condition and a condition'),
        ("round(amount, 2.5)", "a whole number from 0 to 10"),
        ("channel in (1, 2)", "values of the kind that is looked for"),
        ("channel in ('a', 1)", "values of the kind that is looked for"),
        ("created_at in ('June',)", "Write a date"),
        ("amount == missing", "Write is_missing(…)"),
        ("mesage", "Did you mean 'message'?"),
        ("channel == phone", "Got `phone` at character 12"),
        ("chanel + amuont", "`chanel` and `amuont`, the first at character 1"),
        ("lenght(message)", "Did you mean 'length'?"),
        ("created_at.hours", "Did you mean 'hour'?"),
        ("amount = 1", "Write == to compare."),
        ("amount AND 1", "Did you mean 'and'?"),
        ("max(amount)", "takes 2 or more values. Got 1"),
        ("log(amount, 2)", "takes 1 value. Got 2"),
        ("amount in (message)", "must hold numbers or quoted texts"),
        ("amount == not is_new", "in brackets"),
        ("“phone”", "Use straight quotes."),
        ("(amount", 'An open "(" must be closed. Got the end at character 8'),
        ("", "must say something"),
        ("amount message", "an operator or the end must follow"),
        (r"'a\q'", "After a backslash"),
    ],
)
def test_a_refusal_says_what_where_and_what_to_do(text, said):
    with pytest.raises(PlanError) as refused:
        parse(text).evaluate(FRAME)
    assert said in str(refused.value)
    assert str(refused.value).endswith((".", "?"))


def test_a_column_that_nothing_can_be_computed_with_is_refused():
    with pytest.raises(PlanError, match="holds List"):
        parse("is_missing(x)").evaluate(pl.DataFrame({"x": [["a"]]}))


def test_a_long_expression_is_shown_around_the_place():
    with pytest.raises(PlanError) as refused:
        parse("amount + " * 30 + "* 1" + " + amount" * 30)
    assert 'Got "*" at character 271 of "…unt + amount + amount + * 1 + amount + amount + amount…"' in str(
        refused.value
    )


def test_columns_are_named_once_in_order():
    assert parse("b + a.hour + if(b in (1, 2), `c d`, 0 < a < b)").columns == ("b", "a", "c d")
    assert parse("1 + 1").columns == ()


def test_what_is_unknown_does_not_hold():
    assert parse("channel == 'phone'").holds(FRAME).to_list() == [True, False, False]
    assert parse("channel != 'phone'").holds(FRAME).to_list() == [False, True, False]
    assert parse("is_new").holds(FRAME).to_list() == [True, False, False]
    assert parse("empty").holds(FRAME).to_list() == [False, False, False]
    assert parse("true").holds(FRAME[:2]).to_list() == [True, True]


@pytest.mark.parametrize("text", ["amount + 1", "channel", "created_at"])
def test_a_slice_must_be_a_condition(text):
    with pytest.raises(PlanError, match="A condition must be true or false"):
        parse(text).holds(FRAME)
    with pytest.raises(PlanError, match="A condition must be true or false"):
        parse(text).check_condition(FRAME.schema)


def test_modulo_is_exact_for_large_quotients():
    frame = pl.DataFrame({"x": [1e300, 1.0, -7.0], "y": [3.0, 0.1, 3.0]})
    assert parse("x % y").evaluate(frame).to_list() == [1e300 % 3.0, 1.0 % 0.1, -7.0 % 3.0]


def test_an_expression_is_a_value():
    expression = parse("amount + 1")
    assert pickle.loads(pickle.dumps(expression)) == expression == parse("amount + 1") != parse("amount + 2")


def test_a_million_rows_take_a_moment():
    frame = pl.DataFrame({"x": pl.Series(range(1_000_000), dtype=pl.Float64)})
    answer = parse("log1p(x) / (x + 1) > 0.001 and x % 7 in (1, 2)").evaluate(frame)
    assert answer.len() == 1_000_000
