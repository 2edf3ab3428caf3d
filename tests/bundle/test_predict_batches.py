"""Answers batch by batch: those of the whole table, for every task; a bad batch is named."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tunewright.bundle.predictor import Predictor
from tunewright.errors import DataError


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table"])
def test_batches_answer_as_the_whole_table_does(learned, make_rows, kind):
    predictor = Predictor(learned(kind)[2].model)
    rows = make_rows(kind, 50, 1).drop("y", "part")
    whole = predictor.predict(rows)
    parts = list(predictor.predict_batches([rows[:20], rows[20:20], rows[20:].to_arrow()]))
    assert [part.height for part in parts] == [20, 0, 30]
    assert all(part.schema == whole.schema for part in parts)
    assert_frame_equal(pl.concat(parts), whole, check_exact=False, rel_tol=1e-4, abs_tol=1e-6)


def test_nothing_is_computed_before_it_is_asked_for(learned, make_rows):
    predictor = Predictor(learned("table")[2].model)
    rows, taken = make_rows("table", 30, 1), []

    def batches():
        for part in rows.iter_slices(10):
            taken.append(part.height)
            yield part

    answers = predictor.predict_batches(batches())
    assert taken == []
    assert next(answers).height == 10 and taken == [10]


def test_a_batch_that_lacks_a_column_is_named(learned, make_rows):
    predictor = Predictor(learned("table")[2].model)
    rows = make_rows("table", 30, 1)
    answers = predictor.predict_batches([rows[:10], rows[10:].drop("plan")])
    assert next(answers).height == 10
    with pytest.raises(DataError, match=r"Batch 1 \(counted from 0\): Data must have the columns .* Missing: 'plan'"):
        next(answers)
