import json

import polars as pl
import pytest

from tunewright.errors import DataError
from tunewright.records import from_json, to_json
from tunewright.stories.auditing.corrections import Correction, Corrections

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


def test_rows_are_relabelled_by_id():
    before = FRAME.clone()
    done = corrections().relabelled(FRAME, "y", within=range(6))
    assert done["y"].to_list() == ["a", "a", "a", "b", "b", "a"] and done["x"].equals(FRAME["x"])
    assert FRAME.equals(before)


def test_rows_outside_are_left_as_they_are():
    assert corrections().relabelled(FRAME, "y", within=[0, 1, 2])["y"].to_list() == ["a", "a", "a", "b", None, "a"]


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
    done = corrections(Correction(row=0, decision="relabel", label=label)).relabelled(frame, "y", within=[0])
    assert done.schema == frame.schema and done["y"].to_list() == [expected, values[1]]


def test_what_does_not_fit_is_refused():
    wrong = corrections(Correction(row=0, decision="relabel", label="spam"))
    with pytest.raises(DataError, match=r"must fit the target 'y', which holds Float64\. Got 'spam'"):
        wrong.relabelled(pl.DataFrame({"y": [1.0]}), "y", within=[0])


def test_no_entries_change_nothing():
    assert Corrections(file="r.csv", fingerprint="f", entries=()).relabelled(FRAME, "y", within=[0]).equals(FRAME)


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
    done = corrections(*entries).relabelled(frame, "y", within=range(500_000))
    assert (done["y"] != frame["y"]).sum() == len([row for row in range(0, 500_000, 7) if row % 2])
