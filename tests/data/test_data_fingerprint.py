from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data import fingerprint, row_digests

FRAME = pl.DataFrame(
    {
        "t": ["a", None, "bc", ""],
        "n": [1.5, None, float("nan"), 0.0],
        "i": [1, 2, None, 4],
        "b": [True, None, False, True],
        "d": [datetime(2024, 1, 1), None, datetime(2024, 1, 2), None],
        "l": [["x", "y"], [], None, ["x"]],
    }
)


def test_the_chunking_does_not_matter() -> None:
    chunked = pl.concat([FRAME[:1], FRAME[1:3], FRAME[3:]], rechunk=False)
    assert chunked.n_chunks() == 3
    assert fingerprint(chunked) == fingerprint(FRAME)
    assert fingerprint(pl.concat([FRAME, FRAME])[4:]) == fingerprint(FRAME)


@pytest.mark.parametrize(
    "other",
    [
        FRAME[::-1],
        FRAME[:3],
        FRAME.rename({"t": "u"}),
        FRAME.select("n", "t", "i", "b", "d", "l"),
        FRAME.with_columns(t=pl.Series(["ab", None, "c", ""])),
        FRAME.with_columns(t=pl.Series(["a", "", "bc", None])),
        FRAME.with_columns(n=pl.Series([1.5, 0.0, float("nan"), None])),
        FRAME.with_columns(i=pl.Series([1, 2, 0, 4])),
        FRAME.with_columns(i=pl.col("i").cast(pl.String)),
        FRAME.with_columns(b=pl.Series([True, False, False, True])),
        FRAME.with_columns(l=pl.Series([["x"], ["y"], None, ["x"]])),
        FRAME.with_columns(l=pl.Series([["x", "y"], None, [], ["x"]])),
    ],
)
def test_any_change_shows(other: pl.DataFrame) -> None:
    assert fingerprint(other) != fingerprint(FRAME)


def test_the_value_is_the_same_in_every_release() -> None:
    assert fingerprint(FRAME) == GOLDEN


def test_empty_frames_have_fingerprints() -> None:
    assert fingerprint(FRAME.clear()) != fingerprint(pl.DataFrame())


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([["x"], ["x", "y"], [], None])), min_size=1)
)
def test_equal_rows_and_only_they_share_a_digest(rows: list[tuple[str | None, list[str] | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"t": pl.String, "l": pl.List(pl.String)}, orient="row")
    digests = row_digests(frame, ["t", "l"])
    assert digests.dtype == np.uint64
    equal = digests[:, None] == digests[None, :]
    assert equal.tolist() == [[one == other for other in rows] for one in rows]


def test_digests_look_at_the_chosen_columns_only() -> None:
    frame = pl.DataFrame({"a": ["x", "x"], "b": [1, 2]})
    assert len(set(row_digests(frame, ["a"]).tolist())) == 1
    assert len(set(row_digests(frame, ["b", "a"]).tolist())) == 2


GOLDEN = "5e568d06d0b3e6dc54e73f50a0ec936f5246994423a32abe8cbed1fc4c11dc39"
