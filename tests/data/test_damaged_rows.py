"""Corrupted rows in every format (FAULTS 14): counted, located, in their place; the good ones as they were."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data import read
from tunewright.data.encoding import MAX_FIELD, decode_line
from tunewright.data.objects import read_jsonl
from tunewright.errors import DataError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
HALF = b"\xed\xa0\x80"  # half of a surrogate pair, as UTF-8 would write it
LONG = b"x" * 50_000_000


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def lines(*, bad: dict[int, bytes], rows: int = 100) -> list[bytes]:
    return [bad.get(row, json.dumps({"n": row, "text": f"naïve {row}"}).encode()) for row in range(rows)]


@pytest.mark.parametrize(
    ("line", "kind", "columns", "says"),
    [
        (b'{"n": 1, "text": "a\0secret"}', "encoding", (), "NUL"),
        (b'{"n": 1, "text": "a\\u0000secret"}', "encoding", ("text",), "NUL"),
        (b'{"n": 1, "text": "secret' + HALF + b'"}', "encoding", (), "lone surrogate"),
        (b'{"n": 1, "text": "secret\\ud800"}', "encoding", ("text",), "lone surrogate"),
        (b'{"n": 1, "secret\\udfff": "a"}', "encoding", (), "lone surrogate"),
        (b'{"n": 1, "text": ["secret\\ud800"]}', "encoding", ("text",), "lone surrogate"),
        (b'{"n": 1, "text": "' + LONG + b'"}', "mixed_format", ("text",), "10,000,000 characters"),
        (b'{"n": 1, "text": "secret', "mixed_format", (), "not valid JSON"),
        (b'{"n": 1' + b"0" * 5000 + b"}", "mixed_format", (), "not valid JSON"),
        (b'["secret"]', "mixed_format", (), "no object"),
        (b"[" * 100_000, "mixed_format", (), "not valid JSON"),
    ],
    ids=[
        "NUL",
        "NUL-escaped",
        "half",
        "half-escaped",
        "half-name",
        "half-in-list",
        "50MB",
        "cut",
        "digits",
        "list",
        "deep",
    ],
)
def test_a_damaged_line_of_json_is_counted_and_located(tmp_path, line, kind, columns, says):
    found = read(write(tmp_path / "t.jsonl", b"\n".join(lines(bad={41: line}))))
    assert found.frame.height == 100
    assert found.frame.row(41) == (None, None)
    good = [row for row in range(100) if row != 41]
    assert found.frame[good].rows() == [(row, f"naïve {row}") for row in good]
    (finding,) = found.findings
    assert (finding.kind, finding.rows, finding.rows_total, finding.columns) == (kind, (41,), 1, columns)
    assert says in finding.evidence and "row 41" in finding.evidence and "secret" not in finding.evidence
    assert finding.file == str(tmp_path / "t.jsonl")


def test_too_many_damaged_lines_of_json_are_refused(tmp_path):
    path = write(tmp_path / "t.jsonl", b"\n".join(lines(bad=dict.fromkeys(range(10, 16), b"{"))))
    with pytest.raises(
        DataError, match=r"t\.jsonl: 6 of 100 rows are; the first is row 10: such rows are not valid JSON"
    ):
        read(path)
    path = write(tmp_path / "u.jsonl", b"\n".join(lines(bad=dict.fromkeys(range(10, 15), b"{"))))
    assert read(path).findings[0].rows == (10, 11, 12, 13, 14)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(TEXT, min_size=1, max_size=8),
    bad=st.sampled_from([b"{", b'{"text": "\\ud800"}', b'{"text": "\0"}', b'{"text": "' + HALF + b'"}']),
    newline=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    mark=st.booleans(),
    data=st.data(),
)
def test_good_lines_of_json_stay_as_they_are(texts, bad, newline, mark, data):
    place = data.draw(st.integers(0, len(texts)))
    written = [json.dumps({"text": text}, ensure_ascii=False).encode() for text in texts]
    written.insert(place, bad)
    frame, faults = read_jsonl(b"\xef\xbb\xbf" * mark + newline.join(written), file="t.jsonl")
    assert frame["text"].to_list() == [*texts[:place], None, *texts[place:]]
    assert [fault.row for fault in faults] == [place]


def test_mixed_newlines_and_a_mark_in_json(tmp_path):
    data = b"\xef\xbb\xbf" + b'{"a": "x\\ny"}\r\n\n{"a": "2"}\r{"a": "3"}\n\r\n'
    assert read(write(tmp_path / "t.jsonl", data)).frame["a"].to_list() == ["x\ny", "2", "3"]


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_two_encodings_in_one_file(tmp_path, ending, newline):
    """Lines of two exports joined: those in UTF-8 stay byte for byte, the others are recovered and named."""
    cells = [f"Größe {n}, naïve – “{n}” €" for n in range(30)]
    mark = {"csv": ";", "tsv": "\t"}.get(ending, "")
    head = [] if ending == "jsonl" else [f"text{mark}label".encode()]
    body = []
    for n, cell in enumerate(cells):
        said = json.dumps({"text": cell, "label": "ä"}, ensure_ascii=False) if not mark else f"{cell}{mark}ä"
        body.append(said.encode("cp1252" if n % 3 == 1 else "utf-8"))
    found = read(write(tmp_path / f"t.{ending}", newline.encode().join([*head, *body])))
    assert found.frame["text"].to_list() == cells
    assert found.frame["label"].to_list() == ["ä"] * 30
    (finding,) = found.findings
    assert (finding.kind, finding.rows, finding.columns) == ("encoding", tuple(range(1, 30, 3)), ("text", "label"))
    assert "10 of 30 rows" in finding.evidence and "they are kept" in finding.evidence


def test_two_encodings_in_one_line(tmp_path):
    """A column of one source beside a column of another: neither spoils the other."""
    rows = b"".join(f"grün {n},".encode() + "größer\n".encode("latin-1") for n in range(20))
    found = read(write(tmp_path / "t.csv", b"a,b\n" + rows))
    assert found.frame.rows() == [(f"grün {n}", "größer") for n in range(20)]
    assert found.findings[0].rows_total == 20


@pytest.mark.parametrize(
    "text",
    ["»Gruß« und »Grüße«", "CAFÉ\xa0: à volonté", "Ça va\xa0? «\xa0À\xa0»", "señor", "naïve façade", "–€“”", "ÄÖÜ"],
)
def test_windows_1252_that_looks_like_utf_8_in_places(text):
    assert decode_line(text.encode("cp1252")) == (text, "foreign")


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=30))
def test_a_line_is_always_text_and_sound_lines_stay(text):
    assert decode_line(text.encode()) == (text, None)
    said, damage = decode_line(text.encode("latin-1"))
    assert len(said) <= len(text) and (damage in (None, "foreign"))


def test_many_foreign_bytes_cost_one_pass():
    line = b"\xe9 and then " * 400_000
    assert decode_line(line)[0].count("é") == 400_000


@pytest.mark.parametrize("cell", ["half\0cell", "x" * (MAX_FIELD + 1)], ids=["NUL", "long"])
@pytest.mark.parametrize("form", ["parquet", "polars", "arrow", "pandas", "dicts"])
def test_typed_tables_are_held_to_the_same(tmp_path, cell, form):
    frame = pl.DataFrame({"n": range(50), "text": [cell if row == 7 else f"row {row}" for row in range(50)]})
    if form == "parquet":
        frame.write_parquet(tmp_path / "t.parquet")
    sources = {
        "parquet": tmp_path / "t.parquet",
        "polars": frame,
        "arrow": frame.to_arrow(),
        "dicts": frame.rows(named=True),
    }
    found = read(frame.to_pandas() if form == "pandas" else sources[form], file="t")
    assert found.frame.row(7) == (None, None)
    assert found.frame["text"].drop_nulls().to_list() == [f"row {row}" for row in range(50) if row != 7]
    (finding,) = found.findings
    kind = "encoding" if "\0" in cell else "mixed_format"
    assert (finding.kind, finding.rows, finding.columns, finding.rows_total) == (kind, (7,), ("text",), 1)


def test_lists_in_typed_tables_are_looked_into():
    frame = pl.DataFrame({"tags": [["a", "b\0"], None, [], ["c"], [None]], "n": range(5)})
    found = read(pl.concat([frame] + [frame[1:]] * 10))
    assert [finding.rows for finding in found.findings] == [(0,)]
    assert found.frame.row(0) == (None, None) and found.frame["tags"].to_list()[2:4] == [[], ["c"]]


def test_too_many_damaged_rows_of_a_typed_table_are_refused():
    with pytest.raises(DataError, match=r"6 of 100 rows are; the first is row 0, column 't'"):
        read(pl.DataFrame({"t": ["a\0b"] * 6 + ["words"] * 94}))


def test_a_million_sound_cells_take_a_moment():
    frame = pl.DataFrame({"t": ["a few words of text"] * 1_000_000})
    assert read(frame).frame.equals(frame)


def test_rows_with_names_of_their_own_are_no_table(tmp_path):
    body = b"\n".join(json.dumps({f"k{row}-{n}": n for n in range(60)}).encode() for row in range(2000))
    with pytest.raises(
        DataError, match=r"Rows must share their names.*2000 rows bring 120000 different names, .* has 60"
    ):
        read(write(tmp_path / "t.jsonl", body))
