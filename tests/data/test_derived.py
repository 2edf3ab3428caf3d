"""Derived columns: part of the table, computed again for every later row, from what a row to predict has."""

import json

import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.errors import DataError, PlanError
from tunewright.records import Table, from_json, to_json

RAW = pl.DataFrame(
    {
        "created": [f"2024-01-{i % 28 + 1:02d} {i % 24:02d}:00:00" for i in range(48)],
        "message": [f"hello number {i} there you are" for i in range(48)],
        "amount": [i * 1.5 for i in range(48)],
        "y": ["a", "b"] * 24,
    }
)
DERIVE = {"hour": "created.hour", "big": "amount > 30", "kind": "if(amount > 30, 'large', 'small')"}


@pytest.fixture
def table():
    return describe(RAW, target="y", columns={"created": "ignore"}, derive=DERIVE)


def test_kinds_follow_from_the_values(table):
    found = {c.name: (c.kind, c.role, c.derived) for c in table.columns if c.derived}
    assert found == {
        "hour": ("number", "feature", "created.hour"),
        "big": ("boolean", "feature", "amount > 30"),
        "kind": ("category", "feature", "if(amount > 30, 'large', 'small')"),
    }


def test_a_later_row_gets_them_too_even_through_json(table):
    back = from_json(Table, json.loads(json.dumps(to_json(table))))
    row = pl.DataFrame({"created": ["2025-05-05 17:30:00"], "message": ["new"], "amount": ["40"], "more": [1]})
    assert conform(row, back).row(0, named=True) == {
        "message": "new",
        "amount": 40.0,
        "hour": 17.0,
        "big": True,
        "kind": "large",
    }


def test_a_source_that_is_left_out_is_no_feature_but_must_be_there(table):
    assert "created" not in conform(RAW, table).columns
    assert next(c for c in table.columns if c.name == "created").role == "ignore"
    with pytest.raises(DataError, match="'created'"):
        conform(RAW.drop("created"), table)


def test_a_derived_column_that_is_ignored_is_not_computed(table):
    from dataclasses import replace

    columns = tuple(replace(c, role="ignore") if c.derived else c for c in table.columns)
    assert set(conform(RAW, replace(table, columns=columns)).columns) == {"message", "amount", "y"}


@pytest.mark.parametrize(
    ("derive", "message"),
    [
        ({"amount": "amount + 1"}, "must be a new name"),
        ({"z": "y == 'a'"}, "must not use the target"),
        ({"z": "amuont + 1"}, "Did you mean 'amount'"),
        ({"z": "amount +"}, "at character"),
        ({"z": "1 + 2"}, "must look at a column"),
        ({"z": "message - 1"}, "text"),
    ],
)
def test_what_cannot_be_derived_says_why(derive, message):
    with pytest.raises(PlanError, match=message):
        describe(RAW, target="y", derive=derive)
