"""A file read in blocks: the cells, and the refusals, of the whole file; never more than a block in memory."""

from __future__ import annotations

import gc
import gzip
import json
import os
import tracemalloc
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tunewright.data import blocks as blocks_module
from tunewright.data import delimited_blocks, object_blocks, raw, read
from tunewright.data.blocks import BlockSize, open_blocks
from tunewright.errors import DataError

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.sampled_from(
    ['"', '""', "a,b", "line\nbreak", "line\r\nbreak", "cr\rx", "tab\tx", " lead", "NA", "1.0", "é", "{", "\n", "\n\n"]
)
# What borders of steps and blocks could tear: quotes, line ends, characters of several bytes, damage.
SCRAPS = [b"a", b",", b'"', b'""', b"\n", b"\r", b"\r\n", b"\t", b";", b" ", b"\0", b"\xe9", "é€".encode(), b"x\n1,2\n"]
OBJECTS = [b'{"a": 1}', b'{"a": "x"}', b'{"a": 1.5, "b": [1]}', b'{"c": null}', b"{", b"[1]", b'{"a": "\xe9"}', b"{}"]


def write(path: Path, data: bytes | str) -> Path:
    data = data.encode() if isinstance(data, str) else data
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def blocked(path: Path, *, rows: int = 3, step: int = 7, start: int = 0) -> pl.DataFrame:
    """All rows of a file, read in blocks of some rows from steps of some bytes."""
    with (
        mock.patch.object(raw, "STEP", step),
        mock.patch.object(delimited_blocks, "MOST_ROWS", 2),
        mock.patch.object(object_blocks, "MOST_ROWS", 2),
        open_blocks(path, size=BlockSize(rows=rows)) as blocks,
    ):
        found = list(blocks.frames(start))
    assert sum(block.height for block in found) == blocks.rows - start
    assert all(0 < block.height <= rows for block in found)
    return pl.concat(found)


def as_delimited(rows: list[list[str]], newline: str, delimiter: str) -> bytes:
    def cell(text: str) -> str:
        needs = not text or any(mark in text for mark in (delimiter, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(delimiter.join(map(cell, row)) + newline for row in rows).encode()


@settings(max_examples=150)
@given(
    rows=st.integers(1, 3).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    form=st.sampled_from(["csv", "tsv"]),
    size=st.integers(1, 4),
    step=st.integers(1, 20),
)
def test_well_formed_files_give_the_same_cells(tmp_path_factory, rows, newline, form, size, step):
    names = [f"c{place}" for place in range(len(rows[0]))]
    path = tmp_path_factory.getbasetemp() / f"well.{form}"
    write(path, as_delimited([names, *rows], newline, "\t" if form == "tsv" else ","))
    agree(path, size, step)  # a line end within quotes is well formed in csv, and may be refused in tsv
    assert form == "tsv" or read(path).frame.height == len(rows)


@settings(max_examples=300)
@given(
    head=st.sampled_from([b"a,b\n", b"a\tb\r\n", b"a\n", b"", b"\xef\xbb\xbfa;b\n", b'"a\nb",c\n', b"a,b\r"]),
    scraps=st.lists(st.sampled_from(SCRAPS), max_size=30),
    form=st.sampled_from(["csv", "tsv"]),
    size=st.integers(1, 4),
    step=st.integers(1, 20),
)
def test_any_text_gives_the_same_cells_or_the_same_refusal(tmp_path_factory, head, scraps, form, size, step):
    path = write(tmp_path_factory.getbasetemp() / f"any.{form}", head + b"".join(scraps))
    agree(path, size, step)


@settings(max_examples=200)
@given(
    lines=st.lists(st.lists(st.sampled_from([*OBJECTS, *SCRAPS]), max_size=2).map(b"".join), max_size=12),
    newline=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    size=st.integers(1, 4),
    step=st.integers(1, 20),
)
def test_any_lines_of_json_give_the_same_cells_or_the_same_refusal(tmp_path_factory, lines, newline, size, step):
    path = write(tmp_path_factory.getbasetemp() / "any.jsonl", newline.join(lines))
    agree(path, size, step)


def agree(path: Path, size: int, step: int) -> None:
    try:
        expected = read(path).frame
    except DataError as problem:
        with pytest.raises(DataError) as refused:
            blocked(path, rows=size, step=step)
        assert str(refused.value) == str(problem)
        return
    assert_frame_equal(blocked(path, rows=size, step=step), expected)


def test_damaged_rows_stay_in_their_places(tmp_path):
    lines = [f'{row},"text {row}\nof two lines"' for row in range(100)]
    lines[40], lines[41], lines[70] = "one cell", '41,5" disk', '70,"never closed'
    path = write(tmp_path / "t.csv", "\n".join(["n,text", *lines]))
    found = blocked(path, rows=9, step=64)
    assert_frame_equal(found, read(path).frame)
    assert found.row(40) == (None, None) and found.row(41) == ("41", '5" disk')


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "parquet"])
def test_every_format_gives_the_cells_of_the_whole_file(tmp_path, form, packed):
    frame = pl.DataFrame(
        {
            "text": [f'line {row}\n"quoted", and\ttabs' if row % 3 else f"é{row}" for row in range(50)],
            "n": [str(row) if row % 4 else None for row in range(50)],
        }
    )
    path = tmp_path / f"t.{form}"
    if form == "parquet":
        frame.write_parquet(path, row_group_size=8)
    elif form == "jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(path, separator="," if form == "csv" else "\t")
    if packed:
        path = write(tmp_path / f"t.{form}.gz", path.read_bytes())
    whole = read(path).frame
    assert whole.height == 50
    for rows, step in ((7, 64), (50, 3), (1, 1000)):
        assert_frame_equal(blocked(path, rows=rows, step=step), whole)
    for start in (0, 1, 7, 20, 49):
        assert_frame_equal(blocked(path, rows=7, step=64, start=start), whole[start:])


def test_utf_16_is_read_alike(tmp_path):
    path = write(tmp_path / "t.csv", "a,b\nä,ö𝄞\n€,ü\n".encode("utf-16"))
    for step in (1, 3, 64):
        assert_frame_equal(blocked(path, rows=1, step=step), read(path).frame)


def test_one_column_keeps_its_commas_and_its_empty_lines(tmp_path):
    path = write(tmp_path / "t.csv", 'text\nWell, yes\n\n"quoted, too"\na\x1fb\n\n\nend\n\n')
    for step in (1, 5, 100):
        assert_frame_equal(blocked(path, rows=2, step=step), read(path).frame)


def test_types_of_json_columns_are_those_of_the_whole_file(tmp_path):
    rows = [{"a": 1, "late": None, "f": 1, "b": True, "list": ["x"], "mixed": 1.0} for _ in range(10)]
    rows += [{"a": "x", "late": 2, "f": 2.5, "b": False, "list": None, "mixed": "y", "new": {"k": 1}}]
    path = write(tmp_path / "t.jsonl", "\n".join(map(json.dumps, rows)))
    found = blocked(path, rows=4)
    assert_frame_equal(found, read(path).frame)
    assert found.row(0) == ("1", None, 1.0, True, ["x"], "1.0", None)
    assert found.schema["late"] == pl.Int64


def test_types_of_parquet_columns_are_those_of_the_whole_file(tmp_path):
    rows = 40
    frame = pl.DataFrame(
        {
            "text": pl.Series([None if row % 5 == 0 else f"t{row % 3}" for row in range(rows)]),
            "category": pl.Series([f"c{row % 4}" for row in range(rows)], dtype=pl.Categorical),
            "int": pl.Series(range(rows), dtype=pl.Int16),
            "float": [float("nan") if row == 3 else row / 4 for row in range(rows)],
            "flag": [row % 2 == 0 for row in range(rows)],
            "day": [date(2024, 1, 1 + row % 28) for row in range(rows)],
            "when": [datetime(2024, 1, 1, row % 24, tzinfo=UTC) for row in range(rows)],
            "clock": [time(row % 24) for row in range(rows)],
            "price": [Decimal(row) / 4 for row in range(rows)],
            "labels": [["x"] * (row % 3) for row in range(rows)],
            "nothing": pl.Series([None] * rows, dtype=pl.Null),
        }
    )
    path = tmp_path / "t.parquet"
    for height in (7, rows):
        frame.write_parquet(path, row_group_size=height)
        assert_frame_equal(blocked(path, rows=6), read(path).frame)
    frame.drop("nothing").to_pandas().to_parquet(path, row_group_size=9)  # as pandas and pyarrow write it
    assert_frame_equal(blocked(path, rows=6), read(path).frame)


def test_cells_of_parquet_that_cannot_be_kept_cost_their_row(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"n": range(50), "t": ["a\0b" if row == 33 else "ok" for row in range(50)]}).write_parquet(path)
    found = blocked(path, rows=10)
    assert found.row(33) == (None, None) and found.null_count().row(0) == (1, 1)
    pl.DataFrame({"t": ["a\0b" if row > 90 else "ok" for row in range(100)]}).write_parquet(path)
    agree(path, 10, 64)
    with pytest.raises(DataError, match=r"9 of 100 rows are; the first is row 91"):
        blocked(path, rows=10)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("t.csv", b""),
        ("t.csv", b"\n \n"),
        ("t.jsonl", b" \n"),
        ("t.csv", b"a,b\n"),
        ("t.csv", b"\xef\xbb\xbf"),
        ("t.jsonl", b"\xef\xbb\xbf"),
        ("t.csv", b"a,b,a\n1,2,3\n"),
        ("t.csv", b'"a,b\n1,2\n'),
        ("t.csv", b"\xff\xfea"),
        ("t.csv", "text,label\nä,b\n".encode("utf-16-le")),
        ("t.csv", "text,label\nä,b\n".encode("utf-32")),
        ("t.csv", b"a,b\n" + b"x\n" * 5 + b"1,2\n" * 50),
        ("t.jsonl", b"[1]\n[2]\n[3]\n"),
        ("t.jsonl", b'{"a": 1}\n' * 50 + b"{\n" * 4),
        ("t.jsonl", b"{}\n"),
        ("t.parquet", b"PAR1nonsense"),
        ("t.parquet", b""),
        ("t.parquet", b"PK\x03\x04nonsense"),
        ("t.csv", b"PAR1,b\n1,PAR1"),
        ("t.csv", b"PK\x03\x04nonsense"),
        ("t.xlsx", b"x"),
        ("t.json", b"[]"),
    ],
)
def test_what_is_refused_whole_is_refused_in_the_same_words(tmp_path, name, data):
    path = write(tmp_path / name, data)
    with pytest.raises(DataError):
        read(path)
    agree(path, 3, 5)


def test_damaged_and_missing_files_are_refused_in_the_same_words(tmp_path):
    agree(tmp_path / "none.csv", 3, 64)
    packed = gzip.compress(b"a,b\n" + os.urandom(400).hex().encode() + b",2\n")
    for name, data in (("cut.csv.gz", packed[:-20]), ("no.csv.gz", b"a,b\n1,2\n"), ("cut.parquet.gz", packed[:-20])):
        (tmp_path / name).write_bytes(data)
        agree(tmp_path / name, 3, 64)


def test_a_bomb_is_refused_before_it_fills_anything(tmp_path, monkeypatch):
    from tunewright.data import bounds

    monkeypatch.setattr(bounds, "MAX_BYTES", 1 << 16)
    path = write(tmp_path / "t.csv.gz", "a,b\n" + "x,y\n" * 200_000)
    with pytest.raises(DataError, match=r"A compressed file may unpack to .* goes beyond both"), open_blocks(path):
        pass
    table = tmp_path / "t.parquet"
    pl.DataFrame({"t": ["x" * 1000] * 100_000}).write_parquet(table)
    with pytest.raises(DataError, match=r"A compressed file may unpack to"), open_blocks(table, size=BlockSize(rows=9)):
        pass


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = write(tmp_path / "t.csv", "a,b\n" + "1,2\n" * 10)
    with open_blocks(path, size=BlockSize(rows=3)) as blocks, closing(blocks.frames(0)) as frames:
        next(frames)
        with path.open("a") as file:
            file.write("3,4\n")
        with pytest.raises(DataError, match=r"must stay as it is while it is read\. .*t\.csv was changed"):
            list(frames)


def test_the_identity_tells_contents_apart(tmp_path):
    def identity(path):
        with open_blocks(path) as blocks:
            return blocks.identity

    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    first = identity(path)
    assert first == identity(path) and first == json.loads(json.dumps(first))
    facts = path.stat()
    write(path, "a,b\n1,3\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert identity(path) != first
    write(path, "a,b\n1,2\n")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert identity(path) != first


def test_a_file_at_a_url_is_read_in_blocks_and_leaves_nothing_behind(tmp_path, monkeypatch):
    from tunewright.remote.files import write_url

    monkeypatch.setattr(blocks_module, "TemporaryDirectory", in_folder(tmp_path))
    write_url("memory://blocks/t.csv", b"a,b\n1,x\n2,y\n3,z\n")
    with open_blocks("memory://blocks/t.csv", size=BlockSize(rows=2)) as blocks:
        assert [block.height for block in blocks.frames(0)] == [2, 1]
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


def in_folder(folder):
    import tempfile

    return lambda prefix: tempfile.TemporaryDirectory(prefix=prefix, dir=folder)


def peak(path: Path) -> int:
    """The most bytes that Python and numpy held at once while a file was read in blocks."""
    gc.collect()
    tracemalloc.start()
    try:
        with (
            mock.patch.object(raw, "STEP", 1 << 14),
            mock.patch.object(delimited_blocks, "HEAD", 1 << 14),
            open_blocks(path, size=BlockSize(rows=200)) as blocks,
        ):
            assert sum(block.height for block in blocks.frames(0)) == blocks.rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("form", ["clean.csv", "damaged.csv", "quoted.tsv", "rows.jsonl", "packed.csv.gz"])
def test_memory_does_not_grow_with_the_file(tmp_path, form):
    def made(rows: int) -> Path:
        if form.endswith("jsonl"):
            lines = [json.dumps({"text": f"some text of row {row}", "n": row}) for row in range(rows)]
        else:
            mark = "\t" if form.endswith("tsv") else ","
            lines = [f"text{mark}n", *(f'"some text of row {row}"{mark}{row}' for row in range(rows))]
            lines[7] = "damaged" if form.startswith("damaged") else lines[7]
        return write(tmp_path / f"{rows}.{form}", "\n".join(lines))

    small, large = made(2_000), made(30_000)
    peak(small)  # what is loaded on first use
    most = peak(large)
    size = large.stat().st_size if not form.endswith("gz") else len(gzip.decompress(large.read_bytes()))
    assert most < 1.3 * peak(small) + 20_000
    assert most < size
