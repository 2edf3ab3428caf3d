"""The future is the test."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError, PlanError
from tunewright.records import Split, Table
from tunewright.splits.by_time import ByTime
from tunewright.splits.clusters import Clusters
from tunewright.splits.strata import Strata

TABLE = Table(rows=0, columns=(), fingerprint="", target="y", task="binary", task_why="")


def split(times: pl.Series, *, codes: list[int] | None = None, labels: list[int] | None = None) -> Split:
    n = len(times)
    alone = np.arange(n)
    together = Clusters(labels=alone if labels is None else np.array(labels), copies=alone, groups=alone)
    layers = Strata(codes=np.zeros(n, dtype=np.int64) if codes is None else np.array(codes), names=("a",))
    return ByTime(column="when").split(pl.DataFrame({"when": times}), TABLE, together, layers, 0)


@given(st.permutations(list(range(40))))
def test_later_rows_test_and_the_shares_hold(order: list[int]) -> None:
    days = pl.Series([dt.datetime(2024, 1, 1) + dt.timedelta(days=day) for day in order])
    found = split(days)
    assert found.sizes() == {"train": 28, "validation": 6, "test": 6}
    when = {part: [order[row] for row in getattr(found, part)] for part in ("train", "validation", "test")}
    assert max(when["train"]) < min(when["validation"]) <= max(when["validation"]) < min(when["test"])
    assert sorted(found.train + found.validation + found.test) == list(range(40))


def test_rows_of_one_time_are_not_torn_apart() -> None:
    times = pl.Series(np.repeat([1, 2, 3, 4, 5, 6], [60, 8, 10, 7, 9, 6]))
    found = split(times)
    parts = {part: set(times[list(getattr(found, part))]) for part in ("train", "validation", "test")}
    assert parts == {"train": {1, 2}, "validation": {3, 4}, "test": {5, 6}}


def test_equal_times_everywhere_are_cut_by_row_order() -> None:
    found = split(pl.Series([7] * 20))
    assert found.test == (17, 18, 19) and found.validation == (14, 15, 16)


def test_rows_without_time_train_and_rows_without_target_are_nowhere() -> None:
    times = pl.Series([None, *range(1, 21)])
    found = split(times, codes=[0] * 10 + [-1] + [0] * 10)
    assert 0 in found.train
    assert 10 not in found.train + found.validation + found.test
    assert found.proof["rows_without_time"] == 1


def test_clusters_across_a_cut_are_counted_and_not_moved() -> None:
    labels = list(range(20))
    labels[19] = labels[0]
    labels[15] = labels[14]
    found = split(pl.Series(range(20)), labels=labels)
    assert found.proof["straddling_clusters"] == 1
    assert 0 in found.train and 19 in found.test


@pytest.mark.parametrize("ties", [[1, 2, 2, 2], [1, 1, 1, 2], [1, 2, 3, 4], [1, 1, 2, 2]])
def test_four_rows_still_fill_every_part(ties: list[int]) -> None:
    assert min(split(pl.Series(ties)).sizes().values()) >= 1


def test_rows_without_time_may_be_all_of_train() -> None:
    assert split(pl.Series([None, None, 4, 5])).sizes() == {"train": 2, "validation": 1, "test": 1}


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match="at least 3 labelled rows"):
        split(pl.Series([1, 2]))
    with pytest.raises(DataError, match="with a time"):
        split(pl.Series([None, None, None, 4], dtype=pl.Int64))


def test_the_time_column_must_hold_times() -> None:
    with pytest.raises(PlanError, match="must hold dates or numbers"):
        split(pl.Series(["Monday", "Tuesday"]))
    with pytest.raises(PlanError, match="must name a column"):
        ByTime(column="date").split(pl.DataFrame({"when": [1]}), TABLE, *_one(), 0)


def _one() -> tuple[Clusters, Strata]:
    alone = np.arange(1)
    return Clusters(labels=alone, copies=alone, groups=alone), Strata(codes=alone, names=("a",))
