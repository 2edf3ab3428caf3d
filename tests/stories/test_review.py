"""The whole round: a sheet is written, filled in as people and spreadsheets do it, and read back."""

import csv
import io

import polars as pl
import pytest

from tunewright.data import conform, describe, fingerprint, read
from tunewright.errors import DataError, PlanError
from tunewright.records import Finding
from tunewright.stories.reviewing.reviewed import read_review
from tunewright.stories.reviewing.sheet import tag, write_review

LABELS = ("=sum", "billing", "größe", "spam")
RAW = pl.DataFrame(
    {
        "message": [f"an ordinary message number {i} of several, written out" for i in range(38)]
        + ["=HYPERLINK(evil) words and more words here", "x\x1b[31m\nsecond line " + "long " * 300],
        "amount": [str(i) for i in range(39)] + [None],
        "team": [LABELS[i % 4] for i in range(40)],
    }
)
TABLE = describe(RAW, target="team", columns={"amount": "number", "message": "text"})
TYPED = conform(RAW, TABLE)
PRINT = fingerprint(RAW)
FINDINGS = (
    Finding(
        kind="label_errors", severity="warning", evidence=".", rows=(5, 0, 38, 39), scores=(0.9, 0.81234, 0.7, 0.5)
    ),
    Finding(kind="near_duplicates", severity="info", evidence=".", rows=(0, 7)),
    Finding(kind="class_imbalance", severity="info", evidence="."),
)
SHOWN = ["row", "finding", "score", "given_label", "suggested_label", "text"]
COLUMNS = [*SHOWN, "decision", "new_label", "comment", "who", "data"]


@pytest.fixture
def sheet(tmp_path):
    path = tmp_path / "review.csv"
    count = write_review(path, FINDINGS, TYPED, table=TABLE, suggestions={5: "spam", 38: "=sum"}, fingerprint=PRINT)
    assert count == 5
    return path


def lines_of(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def fill(path, changes, delimiter=",", encoding="utf-8", order=None):
    """Fill in cells as {row: {column: text}}, and save as a spreadsheet would."""
    lines = lines_of(path)
    for line in lines:
        line.update(changes.get(int(line["row"]), {}))
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines if order is None else [lines[i] for i in order])
    path.write_bytes(out.getvalue().encode(encoding))


def reviewed(path, **other):
    return read_review(
        path, **{"labels": LABELS, "task": "multiclass", "fingerprint": PRINT, "rows": RAW.height} | other
    )


def refusal(path, **other):
    with pytest.raises(DataError) as refused:
        reviewed(path, **other)
    return str(refused.value)


def test_a_line_per_row_with_what_a_person_needs(sheet):
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    lines = lines_of(sheet)
    assert list(lines[0]) == COLUMNS
    assert [line["row"] for line in lines] == ["5", "0", "38", "39", "7"]
    assert [line["finding"] for line in lines][:2] == ["label_errors", "label_errors; near_duplicates"]
    assert [line["score"] for line in lines] == ["0.9", "0.8123", "0.7", "0.5", ""]
    assert lines[0]["given_label"] == "billing" and lines[0]["suggested_label"] == "spam"
    assert lines[0]["text"] == "message: an ordinary message number 5 of several, written out; amount: 5.0"
    assert all(line[name] == "" for line in lines for name in ("decision", "new_label", "comment", "who"))
    assert {line["data"] for line in lines} == {tag(PRINT)}


def test_nothing_on_the_sheet_runs_or_hides(sheet):
    for line in lines_of(sheet):
        for cell in line.values():
            assert not cell.startswith(("=", "+", "-", "@")) and "\x1b" not in cell and "\n" not in cell
        assert len(line["text"]) <= 500
    assert lines_of(sheet)[1]["given_label"] == "'=sum" and lines_of(sheet)[2]["suggested_label"] == "'=sum"


def test_a_single_text_stands_by_itself(tmp_path):
    raw = RAW.select("message", "team")
    table = describe(raw, target="team")
    path = tmp_path / "r.csv"
    write_review(path, FINDINGS, conform(raw, table), table=table, suggestions={}, fingerprint=PRINT)
    assert lines_of(path)[2]["text"] == "'=HYPERLINK(evil) words and more words here"


def test_the_round_trip(sheet):
    changes = {
        5: {"decision": "relabel", "who": "Ann", "comment": "wrong queue, see\nticket 7"},  # takes the suggestion
        0: {"decision": " Keep "},
        38: {"decision": "RELABEL", "new_label": "billing", "who": "=Bob"},
        7: {"decision": "drop"},
    }
    fill(sheet, changes, order=[3, 1, 4, 0, 2])
    found = reviewed(sheet)
    assert [(e.row, e.decision, e.label) for e in found.entries] == [
        (0, "keep", None),
        (5, "relabel", "spam"),
        (7, "drop", None),
        (38, "relabel", "billing"),
    ]
    assert (found.entries[1].who, found.entries[1].comment) == ("Ann", "wrong queue, see\nticket 7")
    assert found.entries[0].given == "=sum" and found.entries[0].finding == "label_errors; near_duplicates"
    assert (found.undecided, found.file, found.fingerprint) == (1, "review.csv", PRINT)
    done = found.relabelled(TYPED, "team", within=range(40))
    assert done["team"][5] == "spam" and done.height == 40 and found.dropped == (7,)
    assert found.confirmed() == {"label_errors": (2, 3), "near_duplicates": (1, 2)}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_however_a_spreadsheet_saves_it(sheet, delimiter, encoding):
    lines = lines_of(sheet)
    assert len(lines) == 5
    changes = {row: {"text": "cut"} for row in (38, 39)} | {
        5: {"decision": "relabel", "new_label": "größe", "text": "cut"}
    }
    path = sheet if delimiter != "\t" else sheet.rename(sheet.with_suffix(".tsv"))
    fill(path, changes, delimiter=delimiter, encoding=encoding)
    assert [(e.row, e.label) for e in reviewed(path).entries] == [(5, "größe")]


def test_empty_lines_are_no_lines(sheet):
    sheet.write_bytes(sheet.read_bytes() + b"," * 10 + b"\r\n\r\n" + b" ," * 10 + b"\r\n")
    assert reviewed(sheet).undecided == 5


@pytest.mark.parametrize(("new", "label"), [("'=sum", "=sum"), ("=sum", "=sum"), (" spam ", "spam")])
def test_labels_as_people_copy_them(sheet, new, label):
    fill(sheet, {5: {"decision": "relabel", "new_label": new}})
    assert reviewed(sheet).entries[0].label == label


@pytest.mark.parametrize(("new", "label"), [("TRUE", "true"), ("true", "true"), ("1.0", "1"), ("1", "1")])
def test_labels_as_spreadsheets_spoil_them(sheet, new, label):
    fill(sheet, {5: {"decision": "relabel", "new_label": new}})
    assert reviewed(sheet, labels=("1", "true", "billing")).entries[0].label == label


def test_all_problems_are_listed_at_once_by_line(sheet):
    changes = {
        5: {"decision": "relable"},
        0: {"decision": "relabel", "new_label": "biling"},
        38: {"decision": "keep", "new_label": "spam"},
        39: {"new_label": "spam"},
        7: {"decision": "relabel"},
    }
    fill(sheet, changes)
    said = refusal(sheet)
    assert "Got 5:" in said
    for line, part in (
        (2, "Did you mean 'relabel'?"),
        (3, "Did you mean 'billing'?"),
        (4, 'new label only with relabel. Got "spam" with keep'),
        (5, "a decision beside its new label"),
        (6, "none is suggested"),
    ):
        assert any(text.startswith(f"  line {line}: ") and part in text for text in said.splitlines()), (line, said)


def test_rows_must_be_those_of_the_data(sheet):
    lines = lines_of(sheet)
    changed = [dict(line) for line in lines]
    for line, row in zip(changed, ("40", "", "-1", "7.0", "5x"), strict=True):
        line |= {"row": row, "decision": "keep"}
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(changed)
    sheet.write_text(out.getvalue())
    said = refusal(sheet)
    assert "line 2: must have a row of the data, 0 to 39. Got 40." in said
    assert "line 3: must have a row number. Got none." in said
    assert 'line 4: must have a row number. Got "-1".' in said and "line 6" in said and "line 5" not in said


def test_two_lines_on_a_row_must_agree(sheet):
    fill(sheet, {5: {"decision": "drop"}})
    again = sheet.read_text().splitlines()
    sheet.write_text("\n".join([*again, again[1]]) + "\n")
    assert len(reviewed(sheet).entries) == 1
    sheet.write_text("\n".join([*again, again[1].replace("drop", "keep")]) + "\n")
    assert "line 7: must agree with line 2 on row 5" in refusal(sheet)


def test_the_label_must_change(sheet):
    fill(sheet, {5: {"decision": "relabel", "new_label": "billing"}, 0: {"decision": "relabel", "new_label": "'=sum"}})
    said = refusal(sheet)
    assert said.count("must change the label") == 2 and "Write keep." in said


def test_a_sheet_for_other_data_is_refused(sheet):
    fill(sheet, {5: {"decision": "keep"}})
    other = fingerprint(RAW[1:])
    said = refusal(sheet, fingerprint=other)
    assert tag(PRINT) in said and tag(other) in said and "other" not in tag(other)
    fill(sheet, {5: {"data": ""}})
    assert "says nothing" in refusal(sheet)


def test_what_is_no_sheet_is_refused(sheet, tmp_path):
    plain = tmp_path / "plain.csv"
    RAW.write_csv(plain)
    assert "plain.csv lacks row, decision, new_label, data" in refusal(plain)
    with pytest.raises(DataError, match=r"none\.csv is nothing"):
        reviewed(tmp_path / "none.csv")
    with pytest.raises(DataError, match="ending"):
        reviewed(sheet.rename(tmp_path / "review.xlsx"))


def test_a_line_that_cannot_be_read_is_not_passed_over(sheet):
    fill(sheet, {5: {"decision": "drop"}})
    lines = sheet.read_text().splitlines()
    sheet.write_text("\n".join([*lines, *lines[3:], "5,drop"]) + "\n")
    assert "must have as many cells as the header" in refusal(sheet)


def test_several_labels_a_row(tmp_path):
    raw = RAW.with_columns(team=pl.Series(["a|b", "b", "a|c", "c"] * 10))
    table = describe(raw, target="team", columns={"team": "multilabel", "message": "text"})
    typed, path = conform(raw, table), tmp_path / "r.csv"
    write_review(path, FINDINGS[:1], typed, table=table, suggestions={}, fingerprint=PRINT)
    assert lines_of(path)[1]["given_label"] == "a|b"
    fill(path, {5: {"decision": "relabel", "new_label": "c | a"}, 0: {"decision": "relabel", "new_label": "b|a"}})
    assert "must change the label" in refusal(path, labels=("a", "b", "c"), task="multilabel")
    fill(path, {5: {"decision": "relabel", "new_label": "c | a"}, 0: {"decision": "relabel", "new_label": "b|z"}})
    assert 'Got "z"' in refusal(path, labels=("a", "b", "c"), task="multilabel")
    fill(path, {0: {"decision": "", "new_label": ""}})
    found = reviewed(path, labels=("a", "b", "c"), task="multilabel")
    assert found.relabelled(typed, "team", within=range(40))["team"][5].to_list() == ["a", "c"]


def test_numbers(tmp_path):
    raw = RAW.with_columns(team=pl.Series([i * 0.5 for i in range(40)]))
    table = describe(raw, target="team", columns={"message": "text"})
    typed, path = conform(raw, table), tmp_path / "r.csv"
    write_review(path, FINDINGS[:1], typed, table=table, suggestions={5: "7"}, fingerprint=PRINT)
    assert lines_of(path)[0]["given_label"] == "2.5"
    fill(path, {0: {"decision": "relabel", "new_label": "many"}, 5: {"decision": "relabel", "new_label": "2.50"}})
    said = refusal(path, labels=(), task="regression")
    assert "must have a number" in said and "must change the label" in said
    fill(path, {0: {"decision": "relabel", "new_label": "-3,5"}, 5: {"decision": "relabel", "new_label": ""}})
    found = reviewed(path, labels=(), task="regression")
    assert found.relabelled(typed, "team", within=range(40))["team"][[0, 5]].to_list() == [-3.5, 7.0]


def test_what_a_person_did_is_never_overwritten(sheet, tmp_path):
    def again(path):
        return write_review(path, FINDINGS, TYPED, table=TABLE, suggestions={}, fingerprint=PRINT)

    assert again(sheet) == 5  # nobody wrote on it
    fill(sheet, {7: {"comment": "hm"}})
    before = sheet.read_bytes()
    with pytest.raises(PlanError, match="must not replace one that was filled in"):
        again(sheet)
    assert sheet.read_bytes() == before
    for name, text in (("other.csv", "a,b\n1,2\n"), ("empty.csv", "")):
        (tmp_path / name).write_text(text)
        with pytest.raises(PlanError, match="must not replace another file"):
            again(tmp_path / name)
    with pytest.raises(PlanError, match=r"must end in \.csv"):
        again(tmp_path / "review.xlsx")


def test_no_suspects_are_a_sheet_without_lines(tmp_path):
    path = tmp_path / "r.csv"
    assert write_review(path, FINDINGS[2:], TYPED, table=TABLE, suggestions={}, fingerprint=PRINT) == 0
    assert path.read_text(encoding="utf-8-sig").split() == [",".join(COLUMNS)]


def test_a_row_of_the_sheet_is_the_row_of_the_file(sheet, tmp_path):
    RAW.write_csv(tmp_path / "data.csv")
    back = read(tmp_path / "data.csv").frame
    assert all(back["team"][int(line["row"])] == line["given_label"].removeprefix("'") for line in lines_of(sheet))
