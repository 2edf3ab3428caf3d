"""Tables that come one after another, from whatever yields them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from tunewright.data import read
from tunewright.data.batches import tables
from tunewright.errors import DataError

FRAME = pl.DataFrame({"text": [f"row {row}" for row in range(10)], "n": range(10)})


class Dataset:
    """Iterated in batches as Hugging Face datasets are: dicts of columns."""

    def __init__(self, frame):
        self.frame = frame
        self.asked = []

    def iter(self, batch_size, drop_last_batch=False):
        self.asked.append(batch_size)
        for part in self.frame.iter_slices(batch_size):
            yield part.to_dict(as_series=False)


SOURCES = {
    "path": lambda path: path,
    "text of a path": str,
    "polars": lambda path: FRAME,
    "lazy": lambda path: FRAME.lazy(),
    "lazy from a file": lambda path: pl.scan_csv(path),
    "pandas": lambda path: FRAME.to_pandas(),
    "arrow": lambda path: FRAME.to_arrow(),
    "reader": lambda path: pa.table(FRAME).to_reader(max_chunksize=7),
    "dataset": lambda path: Dataset(FRAME),
    "slices": lambda path: FRAME.iter_slices(4),
    "record batches": lambda path: iter(FRAME.to_arrow().to_batches(max_chunksize=4)),
    "pandas chunks": lambda path: pd.read_csv(path, chunksize=4),
    "dicts": lambda path: [FRAME[at : at + 4].rows(named=True) for at in (0, 4, 8)],
    "columns": lambda path: (
        {"text": part["text"].to_list(), "n": part["n"].to_numpy()} for part in FRAME.iter_slices(4)
    ),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_all_rows_come_once_and_in_order(tmp_path, kind):
    FRAME.write_csv(tmp_path / "t.csv")
    found = [read(table).frame for table in tables(SOURCES[kind](tmp_path / "t.csv"), rows=4)]
    assert len(found) > 1 and all(part.height <= 4 for part in found)
    assert pl.concat(found)["text"].to_list() == FRAME["text"].to_list()
    assert [str(n) for part in found for n in part["n"]] == [str(n) for n in range(10)]
    assert_frame_equal(found[0].head(0).select("text"), FRAME.head(0).select("text"))


def test_a_dataset_is_asked_for_batches_of_our_size():
    dataset = Dataset(FRAME)
    assert [len(table) for table in tables(dataset, rows=6)] == [6, 4]
    assert dataset.asked == [6]


def test_nothing_is_taken_before_it_is_asked_for():
    taken = []

    def parts():
        for part in FRAME.iter_slices(4):
            taken.append(part.height)
            yield part

    found = tables(parts())
    assert taken == []
    next(found)
    assert taken == [4]


def test_columns_of_numpy_become_plain_rows():
    (table,) = tables([{"text": np.array(["a", "b"]), "n": np.array([1, 2])}])
    assert read(table).frame.rows() == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (5, "Got int"),
        ({"text": ["a"]}, "Got dict"),
        ([{"text": "a", "n": 1}], r"Batch 0 \(counted from 0\): 'text' is str"),
        ([{"n": [1]}, {"n": [1, 2], "m": [1]}], r"Batch 1 \(counted from 0\): lengths \[1, 2\]"),
    ],
)
def test_what_is_no_row_of_tables_is_refused(source, says):
    with pytest.raises(DataError, match=says):
        list(tables(source))
