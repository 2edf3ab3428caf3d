import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data import read, reading
from tunewright.data.careful import Dialect, read_carefully
from tunewright.data.delimited import read_delimited
from tunewright.errors import DataError

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    [
        '"',
        '""',
        "a,b",
        "line\nbreak",
        "line\r\nbreak",
        "cr\rx",
        " lead",
        "trail ",
        "NA",
        "None",
        "1.0",
        "007",
        "é",
        "#x",
    ]
)


def write(path: Path, data: bytes | str) -> Path:
    data = data.encode() if isinstance(data, str) else data
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def expected(rows: list[list[str]]) -> list[tuple[str | None, ...]]:
    return [tuple(cell or None for cell in row) for row in rows]


def as_csv(rows: list[list[str]], newline: str = "\n", delimiter: str = ",", always: bool = False) -> bytes:
    """RFC 4180; the csv module's own writer leaves a carriage return unquoted."""

    def cell(text: str) -> str:
        needs = always or not text or any(mark in text for mark in (delimiter, '"', "\r", "\n"))
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(delimiter.join(map(cell, row)) + newline for row in rows).encode()


@settings(max_examples=150, deadline=None)
@given(
    rows=st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    delimiter=st.sampled_from(",;\t"),
    always=st.booleans(),
    bom=st.booleans(),
)
def test_a_well_formed_file_is_read_byte_for_byte(
    rows: list[list[str]], newline: str, delimiter: str, always: bool, bom: bool
) -> None:
    names = [f"c{place}" for place in range(len(rows[0]))]
    data = as_csv([names, *rows], newline, delimiter, always)
    frame, faults = read_delimited((b"\xef\xbb\xbf" if bom else b"") + data, tabs=False, file="t.csv")
    assert frame.columns == names
    assert frame.rows() == expected(rows)
    assert not faults


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=8),
    bad=st.sampled_from([b"only,two", b"one,two,three,four", b"a,\0,c", b"a,b,\xed\xa0\x80"]),
    data=st.data(),
)
def test_one_damaged_row_leaves_the_good_rows_byte_identical_and_in_place(
    rows: list[list[str]], bad: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(rows)))
    lines = [as_csv([row]) for row in [["a", "b", "c"], *rows]]
    lines.insert(place + 1, bad + b"\n")
    frame, faults = read_delimited(b"".join(lines), tabs=False, file="t.csv")
    assert [fault.row for fault in faults] == [place]
    good = expected(rows)
    assert frame.rows() == [*good[:place], (None, None, None), *good[place:]]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6))
def test_the_fast_and_the_careful_reader_agree(rows: list[list[str]]) -> None:
    data = as_csv([["a", "b"], *rows])
    fast, _ = read_delimited(data, tabs=False, file="t.csv")
    careful, faults = read_carefully(data, ["a", "b"], Dialect(delimiter=","))
    assert fast.rows() == careful.rows()
    assert not faults


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_either_read_or_are_refused_as_data(body: bytes) -> None:
    for tabs in (True, False):
        try:
            frame, _ = read_delimited(b"a,b\tc\n" + body, tabs=tabs, file="t")
        except DataError:
            continue
        assert frame.height >= 1


def hundred(bad: dict[int, bytes]) -> bytes:
    lines = [bad.get(row, f"{row},text {row}".encode()) for row in range(100)]
    return b"\n".join([b"n,text", *lines])


@pytest.mark.parametrize(
    ("line", "kind", "columns"),
    [
        (b"just one", "shifted_row", ()),
        (b"a,b,c", "shifted_row", ()),
        (b"1,nul \0 secret", "encoding", ("text",)),
        (b"1,\xed\xa0\x80", "encoding", ("text",)),
        (b"1," + b"x" * 50_000_000, "mixed_format", ("text",)),
        (b'1,"' + (b"x" * 1000 + b"\n") * 12_000 + b'"', "mixed_format", ("text",)),
        (b'1,"never closed', None, ()),
        (b'1,5" disk', None, ()),
        (b'1,"quoted" start', None, ()),
    ],
    ids=["few", "many", "nul", "surrogate", "50MB", "12MB-lines", "unclosed", "inch", "malformed"],
)
def test_damage_is_counted_and_located(tmp_path: Path, line: bytes, kind: str | None, columns: tuple[str, ...]) -> None:
    found = read(write(tmp_path / "t.csv", hundred({41: line})))
    assert found.frame.height == 100
    assert found.frame["n"].to_list()[42:] == [str(row) for row in range(42, 100)]
    if kind is None:
        assert not found.findings
        assert found.frame.row(41) == ("1", line[2:].decode())
        return
    (finding,) = found.findings
    assert (finding.kind, finding.rows, finding.rows_total, finding.columns) == (kind, (41,), 1, columns)
    assert finding.file == str(tmp_path / "t.csv")
    assert found.frame.row(41) == (None, None)
    assert "row 41" in finding.evidence
    assert "secret" not in finding.evidence


def test_foreign_bytes_are_recovered_and_told(tmp_path: Path) -> None:
    latin = "9,Fußgänger – \x81".encode("cp1252", "ignore")
    found = read(write(tmp_path / "t.csv", hundred({7: latin, 9: b"9,\x81\xe9"})))
    (finding,) = found.findings
    assert (finding.kind, finding.rows, finding.columns) == ("encoding", (7, 9), ("text",))
    assert found.frame["text"].to_list()[7] == "Fußgänger – "
    assert found.frame["text"].to_list()[9] == "\x81é"


def test_mixed_newlines_quoted_newlines_and_a_byte_order_mark(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfa;b\r\n1;"two\nlines"\n2;x\r3;"y\r\nz"\r\n\r\n'
    found = read(write(tmp_path / "t.csv", data))
    assert found.frame.rows() == [("1", "two\nlines"), ("2", "x"), ("3", "y\r\nz")]
    assert found.frame.columns == ["a", "b"]


def test_utf16_with_its_mark_is_read(tmp_path: Path) -> None:
    assert read(write(tmp_path / "t.csv", "a,b\nä,ö\n".encode("utf-16"))).frame.rows() == [("ä", "ö")]


def test_too_many_unreadable_rows_are_refused_with_file_row_and_reason(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", hundred({row: b"x" for row in range(10, 16)}))
    with pytest.raises(
        DataError, match=r"t\.csv: 6 of 100 rows are; the first is row 10: such rows have more or fewer"
    ):
        read(path)
    assert read(write(tmp_path / "u.csv", hundred({row: b"x" for row in range(10, 15)}))).findings[0].rows_total == 5
    few = read(write(tmp_path / "v.csv", "a,b\n1,2\nx\ny\n3,4\n"))
    assert few.findings[0].rows == (1, 2)


def test_recovered_rows_do_not_count_as_unreadable(tmp_path: Path) -> None:
    found = read(write(tmp_path / "t.csv", b"a,b\n" + b"1,\xe9\n" * 50))
    assert found.frame["b"].to_list() == ["é"] * 50
    assert found.findings[0].rows_total == 50


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ('ham\tsay "hi\nspam\tx\n', [("ham", 'say "hi'), ("spam", "x")]),
        ('ham\t"hi\nspam\tyes"\n', [("ham", '"hi'), ("spam", 'yes"')]),
        ('ham\t"A" and B\nspam\t"C"\n', [("ham", '"A" and B'), ("spam", '"C"')]),
        ('ham\t"tab\tinside"\nspam\t"say ""x"""\n', [("ham", "tab\tinside"), ("spam", 'say "x"')]),
    ],
    ids=["stray", "swallow", "phrase", "quoted"],
)
def test_quotes_of_tab_separated_files(tmp_path: Path, body: str, rows: list[tuple[str, str]]) -> None:
    for name in ("t.tsv", "t.txt.gz"):
        found = read(write(tmp_path / name, "label\ttext\n" + body))
        assert found.frame.rows() == rows
        assert not found.findings


def test_header_oddities(tmp_path: Path) -> None:
    quoted = read(write(tmp_path / "t.csv", '"first\nname","a,b"\n1,2\n'))
    assert quoted.frame.columns == ["first\nname", "a,b"]
    assert read(write(tmp_path / "u.csv", ",x\n0,2\n")).frame.columns == ["column_1", "x"]


def test_one_column_keeps_its_commas(tmp_path: Path) -> None:
    body = 'text\nWell, yes; no\n"quoted, too"\n'
    assert read(write(tmp_path / "t.csv", body)).frame.rows() == [("Well, yes; no",), ("quoted, too",)]


def test_one_column_keeps_whatever_signs_it_holds(tmp_path: Path) -> None:
    signs = [chr(code) for code in range(0x1F, 0, -1) if chr(code) not in "\t\n\r"]
    for held in (signs[:1], signs[:-1]):
        rows = [f"a{sign}b" for sign in held]
        assert read(write(tmp_path / "t.csv", "\n".join(["text", *rows]))).frame["text"].to_list() == rows


def test_one_column_keeps_its_empty_lines(tmp_path: Path) -> None:
    assert read(write(tmp_path / "t.csv", "text\na\n\nb\n\n")).frame.rows() == [("a",), (None,), ("b",)]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n\n", "is empty"),
        ("t.csv", b"a,b\n", "only a header"),
        ("t.csv", b"\xef\xbb\xbf", "is empty"),
        ("t.csv", b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
        ("t.csv", b'"a,b\n1,2\n', "quotes must be closed"),
        ("t.csv", b"\xff\xfea", "starts as UTF-16"),
        ("t.csv", "text,label\nä,b\n".encode("utf-16-le"), "UTF-16 without its mark"),
        ("t.jsonl", '{"text": "ä"}\n'.encode("utf-16-be"), "UTF-16 without its mark"),
        ("t.csv", "text,label\nä,b\n".encode("utf-32"), "is UTF-32"),
        ("t.jsonl", b"[1]\n[2]\n[3]\n", "no row is"),
        ("t.jsonl", b"{}\n", "rows with named values"),
        ("t.parquet", b"PAR1nonsense", "whole Parquet file"),
        ("t.xlsx", b"x", r"Got 't\.xlsx'"),
        ("t.json", b"[]", r"name it \.jsonl"),
        ("noending", b"x", "ending must be one of"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path / name, data))


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "tickets.csv", "a\n1\n")
    with pytest.raises(DataError, match=r"Did you mean 'tickets\.csv'\?"):
        read(tmp_path / "tickest.csv")
    with pytest.raises(DataError, match="a folder"):
        (tmp_path / "folder.csv").mkdir()
        read(tmp_path / "folder.csv")


def test_json_lines_keep_types_rows_and_places(tmp_path: Path) -> None:
    rows = [{"text": f"t{row}", "labels": ["a", "b"], "n": row, "ok": True, "x": 0.5} for row in range(100)]
    lines = [json.dumps(row) for row in rows]
    lines[3] = '{"text": "cut'
    lines[4] = '{"text": "\\ud800", "n": 1}'
    lines[5] = '{"n": 5}'
    lines[6] = "[" * 100_000
    found = read(write(tmp_path / "t.jsonl.gz", "\r\n".join(lines) + "\n\n"))
    assert found.frame.schema == {
        "text": pl.String,
        "labels": pl.List(pl.String),
        "n": pl.Int64,
        "ok": pl.Boolean,
        "x": pl.Float64,
    }
    assert found.frame.row(5) == (None, None, 5, None, None)
    assert [(f.kind, f.rows) for f in found.findings] == [("mixed_format", (3, 6)), ("encoding", (4,))]
    good = [row for row in range(100) if row not in (3, 4, 5, 6)]
    assert found.frame[good].rows(named=True) == [rows[row] for row in good]


def test_json_columns_of_several_types_become_text(tmp_path: Path) -> None:
    body = '{"a": 1, "b": {"k": 1}, "c": 1, "d": 99999999999999999999}\n{"a": "x", "b": null, "c": 2.5, "d": 1}\n'
    frame = read(write(tmp_path / "t.ndjson", body)).frame
    assert frame.rows() == [("1", '{"k": 1}', 1.0, "99999999999999999999"), ("x", None, 2.5, "1")]


def test_memory_tables_read_alike(tmp_path: Path) -> None:
    import pandas as pd
    import pyarrow as pa

    frame = pl.DataFrame({"text": ["a", "", None], "n": [1, 2, 3], "tags": [["x"], [], None]})
    path = tmp_path / "t.parquet"
    frame.write_parquet(path)
    for source in (frame, path, str(path), frame.to_arrow(), frame.rows(named=True)):
        assert read(source).frame.equals(frame)
    odd = pd.DataFrame({"c": pd.Categorical(["p", "q"]), "m": ["x", 1]}, index=[5, 9])
    assert read(odd).frame.rows() == [("p", "x"), ("q", "1")]
    dates = pd.DataFrame({"t": pd.to_datetime(["2024-01-01T01:00+01:00", None], utc=True)})
    assert read(dates).frame["t"].cast(pl.String).to_list() == ["2024-01-01 00:00:00.000000", None]
    assert read(pa.table({"d": pa.array([1, None], pa.decimal128(5, 2))})).frame["d"].to_list() == [1.0, None]


def test_lone_surrogates_in_memory_are_located() -> None:
    import pandas as pd

    rows = [{"text": f"t{row}"} for row in range(50)]
    rows[7] = {"text": "half \ud800"}
    for source in (rows, pd.DataFrame(rows, dtype=object)):
        found = read(source, file="memory")
        assert found.frame["text"].null_count() == 1
        assert [(f.kind, f.rows, f.columns, f.file) for f in found.findings] == [
            ("encoding", (7,), ("text",), "memory")
        ]


@pytest.mark.parametrize("source", [[], 5, [1, 2], pl.DataFrame(), pl.DataFrame({"a": []})])
def test_other_objects_are_refused(source: object) -> None:
    with pytest.raises(DataError, match=r"Pass (one of those|some examples)"):
        read(source)


def test_reading_is_pure() -> None:
    rows = [{"a": 1}, {"a": 2}]
    read(rows)
    assert rows == [{"a": 1}, {"a": 2}]
    assert reading.Reading(frame=pl.DataFrame()).findings == ()


@pytest.mark.parametrize("body", ["a,b\r\n1,x\r\n", 'a,b\n1,"x, ""y""\nz"\n', "a\n1\n2", 'a,b\n"",\n'])
def test_clean_files_take_the_fast_reader(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a clean file was read line by line")

    monkeypatch.setattr("tunewright.data.delimited.read_carefully", refuse)
    assert read_delimited(body.encode(), tabs=False, file="t.csv")[1] == []
