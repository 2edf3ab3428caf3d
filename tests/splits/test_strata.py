"""Classes, quantile ranges and rarest labels."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.splits.strata import strata


def test_classes_are_strata_and_missing_targets_none() -> None:
    found = strata(pl.Series(["b", None, "a", "b"]), "multiclass")
    assert found.codes.tolist() == [1, -1, 0, 1]
    assert found.names == ("a", "b")
    assert found.labelled.tolist() == [0, 2, 3]


def test_nan_class_numbers_are_missing() -> None:
    assert strata(pl.Series([1.0, float("nan"), 2.0]), "binary").codes.tolist() == [0, -1, 1]


def test_the_rarest_label_of_a_row_counts() -> None:
    target = pl.Series([["joy"], ["joy", "grief"], ["joy", "love"], ["love"], [], None])
    found = strata(target, "multilabel")
    assert [found.names[code] if code >= 0 else None for code in found.codes] == [
        "joy",
        "grief",
        "love",
        "love",
        "(no label)",
        None,
    ]


@given(st.lists(st.floats(-1e6, 1e6) | st.integers(0, 3).map(float) | st.none(), min_size=1, max_size=400))
def test_ranges_of_a_number_are_ordered_and_about_equal(values: list[float | None]) -> None:
    present = [value for value in values if value is not None]
    if not present:
        with pytest.raises(DataError, match="empty in all"):
            strata(pl.Series("y", values, dtype=pl.Float64), "regression")
        return
    found = strata(pl.Series("y", values, dtype=pl.Float64), "regression")
    assert [code < 0 for code in found.codes] == [value is None for value in values]
    codes = found.codes[found.codes >= 0]
    assert set(codes.tolist()) == set(range(len(found.names)))
    order = np.argsort(present, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    assert len(found.names) <= max(1, min(10, len(present) // 10))


def test_a_hundred_different_numbers_make_ten_ranges_of_ten() -> None:
    found = strata(pl.Series(np.random.default_rng(0).permutation(100) * 1.0), "regression")
    assert np.bincount(found.codes).tolist() == [10] * 10


def test_a_target_without_a_value_is_refused() -> None:
    with pytest.raises(DataError, match="empty in all 2 rows"):
        strata(pl.Series("y", [None, None], dtype=pl.String), "binary")
