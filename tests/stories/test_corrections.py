import json

import polars as pl
import pytest

from tunewright.errors import DataError
from tunewright.records import from_json, to_json
from tunewright.stories.corrections import Correction, Corrections

FRAME = pl.DataFrame({"x": range(6), "y": ["a", "b", "a", "b", None, "a"]})
ENTRIES = (
    Correction(row=0, decision="keep", given="a", finding="label_errors"),
    Correction(
        row=1, decision="relabel", given="b", label="a", finding="label_errors; duplicates", who="Ann", comment="why"
    ),
    Correction(row=3, decision="drop", given="b", finding="label_errors"),
    Correction(row=4, decision="relabel", label="b"),
)


def corrections(*entries):
    return Corrections(file="r.csv", fingerprint="f", entries=entries or ENTRIES, undecided=2)


def test_rows_are_relabelled_and_dropped_by_id():
    before = FRAME.clone()
    done = corrections().apply(FRAME, "y")
    assert done.frame.rows() == [(0, "a"), (1, "a"), (2, "a"), (4, "b"), (5, "a")]
    assert done.rows.tolist() == [0, 1, 2, 4, 5]
    assert done.counts == {"keep": 1, "relabel": 2, "drop": 1, "outside": 0}
    assert FRAME.equals(before)
    assert done.frame["x"].to_list() == done.rows.tolist()


def test_rows_outside_are_left_as_they_are():
    done = corrections().apply(FRAME, "y", within=[0, 1, 2])
    assert done.frame.rows() == [(0, "a"), (1, "a"), (2, "a"), (3, "b"), (4, None), (5, "a")]
    assert done.counts == {"keep": 1, "relabel": 1, "drop": 0, "outside": 2}


@pytest.mark.parametrize(
    ("values", "label", "expected"),
    [
        (["a", "b"], "b", "b"),
        ([1.5, 2.5], "-3.25", -3.25),
        ([["a"], ["b", "c"]], "c|a", ["c", "a"]),
        ([1, 2], "7", 7),
    ],
)
def test_targets_of_every_task(values, label, expected):
    frame = pl.DataFrame({"y": values})
    done = corrections(Correction(row=0, decision="relabel", label=label)).apply(frame, "y")
    assert done.frame.schema == frame.schema and done.frame["y"].to_list() == [expected, values[1]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="row 9, the data 6 rows"):
        corrections(Correction(row=9, decision="keep")).apply(FRAME, "y")
    with pytest.raises(DataError, match=r"must fit the target 'y', which holds Float64\. Got 'spam'"):
        corrections(Correction(row=0, decision="relabel", label="spam")).apply(pl.DataFrame({"y": [1.0]}), "y")


def test_no_entries_change_nothing():
    done = Corrections(file="r.csv", fingerprint="f", entries=()).apply(FRAME, "y")
    assert done.frame.equals(FRAME) and done.rows.tolist() == list(range(6)) and sum(done.counts.values()) == 0


def test_what_was_confirmed_is_counted():
    assert corrections().counts() == {"keep": 1, "relabel": 2, "drop": 1, "undecided": 2}
    assert corrections().confirmed() == {"label_errors": (2, 3), "duplicates": (1, 1)}
    assert corrections().dropped == (3,)


def test_who_and_why_survive_json():
    record = corrections()
    assert from_json(Corrections, json.loads(json.dumps(to_json(record)))) == record
    assert record.entries[1].who == "Ann"


def test_a_million_rows_take_a_moment():
    frame = pl.DataFrame({"y": ["a", "b"] * 500_000})
    entries = [
        Correction(row=row, decision="relabel" if row % 2 else "drop", label="a") for row in range(0, 999_999, 7)
    ]
    done = corrections(*entries).apply(frame, "y", within=range(500_000))
    assert done.frame.height == len(done.rows) == 1_000_000 - done.counts["drop"]
