"""Rows that are chosen are new, differ from each other, and come from slices of errors first."""

import json

import numpy as np
import polars as pl
import pytest

from tunewright.bundle.predictor import Predictor
from tunewright.bundle.seen import SeenRows
from tunewright.errors import DataError, PlanError
from tunewright.living.choosing import choose_rows
from tunewright.records import Choice, from_json, to_json


@pytest.fixture
def predictor(learned):
    """(kind) to a predictor that knows the rows it learned from."""

    def get(kind, seen=None):
        model = learned(kind)[2].model
        return Predictor(model, seen=None if seen is None else SeenRows.of(seen, model.preprocessor))

    return get


@pytest.fixture
def pool(make_rows):
    return lambda kind, rows=60, seed=9: make_rows(kind, rows, seed).drop("y", "part", "worth", strict=False)


def rows_of(choice):
    return [one.row for one in choice.rows]


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table", "mixed"])
def test_every_kind_of_model_chooses_and_repeats_itself(predictor, pool, kind):
    raw = pool(kind)
    choice = choose_rows(predictor(kind), raw, budget=10, seed=3)
    assert len(set(rows_of(choice))) == 10 and max(rows_of(choice)) < raw.height
    assert choose_rows(predictor(kind), raw, budget=10, seed=3) == choice
    assert [one.place for one in choice.rows] == list(range(1, 11))
    assert from_json(Choice, json.loads(json.dumps(to_json(choice)))) == choice


def test_rows_that_are_known_are_not_chosen(predictor, pool):
    raw = pool("text")
    model = predictor("text", seen=raw.head(30))
    choice = choose_rows(model, raw, budget=60)
    assert min(rows_of(choice)) >= 30
    assert choice.labelled == 30
    given = raw.with_columns(y=pl.Series(["team 1"] * 40 + [None] * 20, dtype=pl.String))
    assert min(rows_of(choose_rows(model, given, budget=60))) >= 40
    with pytest.raises(DataError, match="needs rows without a label"):
        choose_rows(model, raw.head(30), budget=5)


def test_near_repeats_of_chosen_and_of_known_rows_are_passed_over(predictor, pool):
    raw = pool("text", 40)
    edited = raw.head(20).with_columns(pl.col("message") + "!")
    long = raw["message"].str.len_chars() > 25
    both = pl.concat([raw.with_columns(pl.col("message")), edited])
    choice = choose_rows(predictor("text"), both, budget=60)
    chosen = set(rows_of(choice))
    twice = [row for row in range(20) if long[row] and {row, row + 40} <= chosen]
    assert not twice and choice.repeats >= int(long[:20].sum())
    new = pool("text", 10, 77)
    known = choose_rows(predictor("text", seen=raw), pl.concat([both, new]), budget=60)
    assert not [row for row in rows_of(known) if row < 60 and long[row - 40]]
    assert [row for row in rows_of(known) if row >= 60]
    named = choose_rows(predictor("text"), pl.concat([edited, new]), budget=30, labelled=raw)
    assert not [row for row in rows_of(named) if row < 20 and long[row]]
    assert [row for row in rows_of(named) if row >= 20]
    with pytest.raises(DataError, match="repeat none with a label"):
        choose_rows(predictor("text"), raw, budget=5, labelled=raw)


def test_blank_rows_are_not_chosen(predictor, pool):
    raw = pool("text", 20).with_columns(message=pl.when(pl.arange(20) < 5).then(None).otherwise("message"))
    choice = choose_rows(predictor("text"), raw, budget=20)
    assert min(rows_of(choice)) >= 5 and choice.blank == 5


def test_unsure_rows_are_preferred(predictor, pool):
    raw = pool("text", 200)
    model = predictor("text")
    probabilities = np.sort(model.predict(raw)["probabilities"].struct.unnest().to_numpy(), axis=1)
    doubts = 1 - (probabilities[:, -1] - probabilities[:, -2])
    choice = choose_rows(model, raw, budget=20)
    assert np.mean([one.doubt for one in choice.rows]) > doubts.mean()
    np.testing.assert_allclose([one.doubt for one in choice.rows], doubts[rows_of(choice)], atol=1e-4)


def test_slices_of_errors_come_first_and_leave_half(predictor, pool):
    raw = pool("mixed", 80)
    middle = float(raw["amount"].median())
    condition = f"amount > {middle}"
    choice = choose_rows(predictor("mixed"), raw, budget=20, slices=[condition, "nothing_like_it > 1", "amount > 1e9"])
    first = choice.rows[:10]
    assert all(one.slice == condition and condition in one.why for one in first)
    assert all(raw["amount"][one.row] > middle for one in first)
    assert all(one.slice is None for one in choice.rows[10:])
    assert choice.slices == (condition,)
    assert "10 of them are from 1 slice of errors" in choice.text


def test_a_regression_spreads_out(predictor, pool):
    raw = pool("pair", 60)
    choice = choose_rows(predictor("pair"), raw, budget=12, labelled=raw.head(10))
    assert not {*rows_of(choice)} & set(range(10))
    assert all("unlike" in one.why and one.doubt == 0 for one in choice.rows)


def test_fewer_rows_than_asked_for_are_told(predictor, pool):
    raw = pool("text", 5)
    choice = choose_rows(predictor("text"), pl.concat([raw, raw]), budget=9)
    assert len(choice.rows) <= 5
    assert "9 were asked for" in choice.text
    with pytest.raises(PlanError, match="1 row or more"):
        choose_rows(predictor("text"), raw, budget=0)
    with pytest.raises(DataError, match="message"):
        choose_rows(predictor("text"), pl.DataFrame({"other": ["x"]}), budget=1)
