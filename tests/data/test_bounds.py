"""Compressed files that explode (FAULTS 20): stopped at a size and a ratio, with little memory, whatever the format."""

import gzip
import io
import tracemalloc

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunewright.data import bounds, read
from tunewright.errors import DataError

MEGA = 1 << 20
HEADS = {"csv": b"text,label\n", "tsv": b"text\tlabel\n", "txt": b"text\tlabel\n", "jsonl": b"", "ndjson": b""}


@pytest.fixture
def small_cap(monkeypatch):
    """As for a gigabyte, in the time of a megabyte."""
    monkeypatch.setattr(bounds, "MAX_BYTES", MEGA)


def peak(work):
    """Bytes that were held at most while a refusal came about."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="goes beyond both"):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("ending", HEADS)
@pytest.mark.parametrize("filling", [b"\0", b"a", b"\n"])
def test_gzip_bombs_stop_at_the_cap(tmp_path, small_cap, ending, filling):
    path = tmp_path / f"bomb.{ending}.gz"
    path.write_bytes(gzip.compress(HEADS[ending] + filling * (64 * MEGA)))
    assert path.stat().st_size < MEGA / 8
    assert peak(lambda: read(path)) < 32 * MEGA


def test_members_of_one_gzip_file_count_together(tmp_path, small_cap):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"text\n") + gzip.compress(b"a" * (MEGA // 2)) * 64)
    assert peak(lambda: read(path)) < 32 * MEGA


def test_either_bound_alone_is_no_refusal(tmp_path, monkeypatch):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a\n" + b"0" * 3_000_000))
    assert read(path).frame.height == 1
    monkeypatch.setattr(bounds, "MAX_BYTES", MEGA)
    monkeypatch.setattr(bounds, "MAX_RATIO", 100_000)
    assert read(path).frame.height == 1


def test_gzip_within_gzip_is_not_read_as_a_table(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"a,b\n" + b"1,2\n" * 50)))
    with pytest.raises(DataError, match="packed twice"):
        read(path)
    twice = tmp_path / "t.csv.gz.gz"
    path.rename(twice)
    with pytest.raises(DataError, match="ending must be one of"):
        read(twice)


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_cut_or_false_gzip_file_is_damaged(tmp_path, cut):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 50)[:-cut])
    with pytest.raises(DataError, match="damaged or cut"):
        read(path)
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(DataError, match="damaged or cut"):
        read(path)


def parquet(frame, **options):
    held = io.BytesIO()
    frame.write_parquet(held, **options)
    return held.getvalue()


def explosive(what):
    """A small Parquet file that declares, or becomes, more than it may."""
    if what == "pages":  # plain pages, squeezed
        table = pa.table({"text": ["x" * 4 * MEGA] * 4, "y": ["a", "b"] * 2})
        held = io.BytesIO()
        pq.write_table(table, held, compression="zstd", use_dictionary=False)
        return held.getvalue()
    if what == "rows":  # nothing but nulls, counted and not written
        return parquet(pl.DataFrame({"text": pl.Series([None] * (2 * MEGA), dtype=pl.String)}))
    # One long cell in a dictionary, and every row points to it.
    return parquet(pl.DataFrame({"text": ["x" * 10_000] * 2000, "y": ["a", "b"] * 1000}))


@pytest.mark.parametrize("what", ["pages", "rows", "cells"])
@pytest.mark.parametrize("packed", [False, True])
def test_parquet_bombs_stop_at_the_cap(tmp_path, small_cap, what, packed):
    data = explosive(what)
    assert len(data) < 8000
    path = tmp_path / ("bomb.parquet.gz" if packed else "bomb.parquet")
    path.write_bytes(gzip.compress(data) if packed else data)
    assert peak(lambda: read(path)) < 32 * MEGA


def test_ratios_of_gzip_and_parquet_do_not_multiply(tmp_path, small_cap):
    """Each step alone stays within the ratio: the Parquet file is padded with what gzip takes away again."""
    line = "some words that are the same in every row of this table"
    table = pa.table({"text": [line] * 60_000, "y": ["a", "b"] * 30_000}).replace_schema_metadata({"pad": "x" * 40_000})
    held = io.BytesIO()
    pq.write_table(table, held)
    plain, path, text = tmp_path / "t.parquet", tmp_path / "t.parquet.gz", 60_000 * len(line)
    plain.write_bytes(held.getvalue())
    path.write_bytes(gzip.compress(held.getvalue()))
    assert text < bounds.MAX_RATIO * plain.stat().st_size
    assert len(held.getvalue()) < bounds.MAX_RATIO * path.stat().st_size
    assert read(plain).frame.height == 60_000
    with pytest.raises(DataError, match="goes beyond both"):
        read(path)


def test_ordinary_parquet_is_far_from_the_bounds(tmp_path):
    frame = pl.DataFrame({"text": [f"row {n}" for n in range(5000)], "none": [None] * 5000})
    path = tmp_path / "t.parquet"
    path.write_bytes(parquet(frame))
    assert read(path).frame["text"].to_list() == frame["text"].to_list()


@pytest.mark.parametrize("at", [4, -5, -9, 30])
def test_a_damaged_parquet_file_is_refused(tmp_path, at):
    data = bytearray(parquet(pl.DataFrame({"text": [f"row {n}" for n in range(500)], "y": ["a", "b"] * 250})))
    data[at : at + 3] = b"\xff\xff\xff"
    path = tmp_path / "t.parquet"
    path.write_bytes(data)
    try:
        assert read(path).frame.height == 500  # what was hit says nothing of the rows
    except DataError as refusal:
        assert "Parquet" in str(refusal) or "goes beyond" in str(refusal)


FOREIGN = {
    "gzip": gzip.compress(b"a,b\n1,2\n"),
    "zip": b"PK\x03\x04" + bytes(200),
    "xlsx": b"PK\x03\x04\x14\0\x06\0[Content_Types].xml" + bytes(200),
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200),
    "xz": b"\xfd7zXZ\0" + bytes(20),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(20),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(20),
    "pdf": b"%PDF-1.7\n1 0 obj\n",
    "sqlite": b"SQLite format 3\0" + bytes(100),
    "parquet": parquet(pl.DataFrame({"a": [1, 2]})),
}


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("sort", FOREIGN)
def test_another_format_under_the_name_of_a_text_file_is_named(tmp_path, sort, ending):
    path = tmp_path / f"t.{ending}"
    path.write_bytes(FOREIGN[sort])
    with pytest.raises(DataError, match=r"must hold what its ending says.*holds"):
        read(path)


def test_headers_that_begin_like_another_format_are_text(tmp_path):
    for start in (b"PAR1", b"PK", b"BZh9", b"7z"):
        path = tmp_path / "t.csv"
        path.write_bytes(start + b",b\n1,2\n")
        assert read(path).frame.columns == [start.decode(), "b"]
