"""Table features: fitted on train rows alone, and equal to what scikit-learn or a plain loop makes of them."""

import json
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

from tunewright.features.categories import MOST_CATEGORIES, CategoryFeature
from tunewright.features.dates import DateFeature
from tunewright.features.featurizer import Featurizer
from tunewright.features.numbers import NumberFeature
from tunewright.features.options import PreprocessOptions
from tunewright.records import Column, Table


def number(values, how="robust", missing="auto"):
    return NumberFeature.fit(pl.Series("x", values, dtype=pl.Float64), how, missing)


def moved(feature, values):
    return feature.transform(pl.DataFrame({"x": pl.Series(values, dtype=pl.Float64)}))


def make_frame(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    start = datetime(2024, 1, 1, 9)
    return pl.DataFrame(
        {
            "amount": [None if rng.random() < 0.1 else float(x) for x in rng.lognormal(3, 1, rows)],
            "plan": [str(x) for x in rng.choice(["free", "pro", "team", "odd"], rows, p=[0.5, 0.3, 0.19, 0.01])],
            "open": [None if rng.random() < 0.05 else bool(x) for x in rng.integers(0, 2, rows)],
            "at": [start + timedelta(hours=int(h)) for h in rng.integers(0, 20_000, rows)],
            "note": ["text"] * rows,
        }
    )


TABLE = Table(
    rows=200,
    columns=(
        Column(name="amount", kind="number", role="feature", why=""),
        Column(name="plan", kind="category", role="feature", why=""),
        Column(name="open", kind="boolean", role="feature", why=""),
        Column(name="at", kind="datetime", role="feature", why=""),
        Column(name="note", kind="text", role="feature", why=""),
        Column(name="price", kind="number", role="target", why=""),
    ),
    fingerprint="",
    target="price",
    task="regression",
    task_why="",
)


@pytest.mark.parametrize(
    ("how", "scaler"),
    [("standard", StandardScaler()), ("robust", RobustScaler(unit_variance=True))],
)
def test_scaling_is_scikit_learns_within_five(how, scaler):
    train = np.random.default_rng(1).normal(40, 7, 300)
    fresh = np.array([-300.0, 20, 40, 41.5, 60, 900])
    expected = scaler.fit(train[:, None]).transform(fresh[:, None])[:, 0].clip(-5, 5)
    np.testing.assert_allclose(moved(number(train, how), fresh)[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_no_scaling_leaves_the_number_as_it_is():
    assert moved(number([1.0, 2.0, 30.0], "none"), [-70.0, 12.0, 1e6])[:, 0].tolist() == [-70.0, 12.0, 1e6]


def test_quantile_scaling_is_monotone_and_bounded_by_the_train_range():
    train = np.random.default_rng(2).lognormal(0, 2, 500)
    scaled = moved(number(train, "quantile"), np.sort(np.concatenate([train, [-9, 1e9]])))[:, 0]
    assert (np.diff(scaled) >= 0).all()
    assert scaled[0] == pytest.approx(-1.7) and scaled[-1] == pytest.approx(1.7)
    # Ranks spread evenly: the middle half of the rows takes the middle half of the scale.
    inner = np.quantile(moved(number(train, "quantile"), train)[:, 0], [0.25, 0.75])
    np.testing.assert_allclose(inner, [-0.85, 0.85], atol=0.05)


def test_missing_and_infinite_cells_take_the_train_median_and_are_marked():
    feature = number([1.0, 2.0, 9.0, None])
    out = moved(feature, [None, float("inf"), float("nan"), 2.0])
    assert (out[:, 0] == 0).all()
    assert out[:, 1].tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("missing", "cells", "marked"),
    [
        ("auto", [1.0, 2.0], False),
        ("auto", [1.0, None], True),
        ("indicator", [1.0, 2.0], True),
        ("impute", [1.0, None], False),
    ],
)
def test_who_gets_an_indicator(missing, cells, marked):
    assert number(cells, missing=missing).indicator is marked


def test_a_column_without_any_number_is_zero():
    assert not moved(number([None, None]), [None, 3.0])[0].any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4), min_size=100, max_size=250), st.lists(st.floats(-2e4, 2e4), min_size=1))
def test_bins_fill_from_the_left_and_interpolate_the_train_range(train, fresh):
    feature = number(train)
    if not feature.knots:
        return
    edges = np.array(feature.knots)
    assert (np.diff(edges) > 0).all()
    shares = moved(feature, fresh)[:, -(len(edges) - 1) :].astype(float)
    assert ((shares >= 0) & (shares <= 1)).all()
    for row, value in zip(shares, fresh, strict=True):
        # A bin is begun only once the one before it is full; filled lengths add up to the way from the left end.
        assert all(a == pytest.approx(1, abs=1e-6) or b == 0 for a, b in pairwise(row))
        way = np.clip(value, edges[0], edges[-1]) - edges[0]
        assert (row * np.diff(edges)).sum() == pytest.approx(way, abs=1e-5 * (edges[-1] - edges[0]))


def test_categories_against_one_hot():
    cells = ["a"] * 9 + ["b"] * 7 + ["c"] * 5 + ["rare"] * 4 + [None] * 3
    feature = CategoryFeature.fit(pl.Series("x", cells))
    assert feature.values == ("a", "b", "c")
    fresh = ["b", "rare", "never", None, "a"]
    out = feature.transform(pl.DataFrame({"x": fresh}))
    oracle = OneHotEncoder(categories=[["a", "b", "c", "~other", "~missing"]], sparse_output=False)
    as_known = [[c if c in ("a", "b", "c") else "~missing" if c is None else "~other"] for c in fresh]
    np.testing.assert_array_equal(out, oracle.fit_transform(as_known))


def test_categories_are_bounded():
    cells = [f"v{i}" for i in range(100) for _ in range(5)]
    assert len(CategoryFeature.fit(pl.Series("x", cells)).values) == MOST_CATEGORIES


def test_booleans_are_categories():
    feature = CategoryFeature.fit(pl.Series("x", [True] * 6 + [False] * 5))
    out = feature.transform(pl.DataFrame({"x": [True, False, None]}))
    assert (out.sum(1) == 1).all() and len({tuple(row) for row in out.tolist()}) == 3


def test_dates_repeat_weekly_and_yearly_and_know_missing():
    days = [datetime(2024, 1, 1) + timedelta(days=i) for i in range(400)]
    feature = DateFeature.fit(pl.Series("at", days))
    assert not feature.clock
    shown = [datetime(2024, 3, 4), datetime(2024, 3, 11), datetime(2024, 3, 5), None]
    time, missing, year_sin, week_sin, year_cos, week_cos = feature.transform(pl.DataFrame({"at": shown})).T
    np.testing.assert_allclose([week_sin[0], week_cos[0]], [week_sin[1], week_cos[1]], atol=1e-4)
    assert abs(week_sin[0] - week_sin[2]) > 0.1
    np.testing.assert_allclose(year_sin**2 + year_cos**2, [1, 1, 1, 0], atol=1e-5)
    assert missing.tolist() == [0, 0, 0, 1]
    assert time[1] > time[0] and time[3] == 0


def test_a_clock_adds_the_hour():
    feature = DateFeature.fit(pl.Series("at", [datetime(2024, 1, 1, 5), datetime(2024, 1, 2, 6)]))
    out = feature.transform(pl.DataFrame({"at": [datetime(2024, 6, 1, 0), datetime(2024, 6, 1, 12)]}))
    assert out.shape[1] == 8
    assert abs(out[0, -1] - out[1, -1]) == pytest.approx(2, abs=1e-4)


def test_all_dates_missing():
    feature = DateFeature.fit(pl.Series("at", [None, None], dtype=pl.Datetime("us")))
    out = feature.transform(pl.DataFrame({"at": pl.Series([None], dtype=pl.Datetime("us"))}))
    assert np.isfinite(out).all() and out[0, 1] == 1


def test_only_train_rows_decide_and_each_row_stands_alone():
    frame = make_frame()
    train, test = frame[:120], frame[120:]
    before = Featurizer.fit(train, TABLE, PreprocessOptions())
    shown = before.to_json()
    whole = before.transform(frame)
    absurd = test.with_columns(amount=pl.lit(1e9), plan=pl.lit("new"), open=pl.lit(None, pl.Boolean))
    before.transform(absurd)
    assert before.to_json() == shown == Featurizer.fit(train, TABLE, PreprocessOptions()).to_json()
    np.testing.assert_array_equal(before.transform(test), whole[120:])
    order = np.random.default_rng(0).permutation(frame.height)
    np.testing.assert_array_equal(before.transform(frame[order.tolist()]), whole[order])
    assert np.isfinite(whole).all() and whole.dtype == np.float32
    # The fit does look at its rows.
    assert Featurizer.fit(absurd, TABLE, PreprocessOptions()).to_json() != shown


def test_the_order_of_train_rows_does_not_matter():
    frame = make_frame()
    assert Featurizer.fit(frame, TABLE, PreprocessOptions()) == Featurizer.fit(
        frame.reverse(), TABLE, PreprocessOptions()
    )


@pytest.mark.parametrize("numbers", ["robust", "standard", "quantile", "none"])
def test_featurizer_json_and_back(numbers):
    fitted = Featurizer.fit(make_frame(), TABLE, PreprocessOptions(numbers=numbers))
    again = Featurizer.from_json(json.loads(json.dumps(fitted.to_json(), allow_nan=False)))
    assert again == fitted
    np.testing.assert_array_equal(again.transform(make_frame(seed=3)), fitted.transform(make_frame(seed=3)))


def test_one_row_and_no_columns():
    fitted = Featurizer.fit(make_frame(), TABLE, PreprocessOptions())
    assert fitted.transform(make_frame()[:1]).shape == (1, fitted.transform(make_frame()).shape[1])
    assert Featurizer(features=()).transform(make_frame()).shape == (200, 0)
