"""A sheet goes out with what a person needs and nothing a spreadsheet would run; labels come back to their own rows."""

import csv
import io

import polars as pl
import pytest

from tunewright.data import describe, fingerprint, read
from tunewright.errors import DataError, PlanError
from tunewright.living.sheet import read_labels, tag, write_sheet
from tunewright.records import Choice, ChosenRow
from tunewright.tasks import Classification, Multilabel, Regression

TASK = Classification(labels=("billing", "shipping"))


@pytest.fixture
def raw():
    rows = 20
    return pl.DataFrame(
        {
            "id": [f"A-{n}" for n in range(rows)],
            "message": [f'=SUM({n}) ünd, "so" on\n{n}' if n % 2 else f"plain text number {n}" for n in range(rows)],
            "label": [str(n % 3) for n in range(rows)],
            "team": ["billing" if n % 2 else "shipping" for n in range(rows)],
        }
    )


@pytest.fixture
def table(raw):
    return describe(raw, target="team", columns={"id": "ignore", "message": "text", "label": "category"})


def choice(raw, rows):
    chosen = tuple(
        ChosenRow(row=row, doubt=0.5, place=place, slice=None, why="doubt 0.50") for place, row in enumerate(rows, 1)
    )
    return Choice(
        rows=chosen,
        asked=len(rows),
        pool=raw.height,
        labelled=0,
        blank=0,
        repeats=0,
        considered=raw.height,
        slices=(),
        seed=0,
        data=fingerprint(raw),
        text="",
    )


@pytest.fixture
def unlabelled(raw):
    return raw.drop("team")


@pytest.fixture
def sheet(tmp_path, unlabelled, table):
    path = tmp_path / "sheet.csv"
    write_sheet(path, choice(unlabelled, [7, 2, 11]), unlabelled, table)
    return path


def lines_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def fill(path, labels, **changes):
    """Write labels by row, as a spreadsheet would save them."""
    lines = lines_of(path)
    for line in lines:
        line.update({"label": labels.get(int(line["row"]), ""), **changes})
    write(path, lines)


def write(path, lines):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def back(path, raw, table, task=TASK):
    return read_labels(path, raw, table=table, task=task)


def test_a_sheet_reads_back_as_a_table(sheet, unlabelled):
    frame = read(sheet).frame
    assert frame.columns == ["row", "message", "label (data)", "label", "why", "data"]
    assert frame["row"].to_list() == ["7", "2", "11"]
    assert frame["label"].null_count() == 3
    assert set(frame["data"]) == {tag(fingerprint(unlabelled))}
    assert frame["label (data)"].to_list() == [unlabelled["label"][row] for row in (7, 2, 11)]
    assert frame["message"].to_list() == [
        "'" + unlabelled["message"][7],
        unlabelled["message"][2],
        "'" + unlabelled["message"][11],
    ]


def test_labels_come_back_to_their_rows_in_the_order_of_the_file(sheet, unlabelled, table):
    fill(sheet, {7: "billing", 11: " shipping "})
    found = back(sheet, unlabelled, table)
    assert found.rows["id"].to_list() == ["A-7", "A-11"]
    assert found.rows["team"].to_list() == ["billing", "shipping"]
    assert found.rows.columns == ["id", "message", "label", "team"]
    assert found.rows["message"].to_list() == [unlabelled["message"][7], unlabelled["message"][11]]
    assert (found.empty, found.new) == (1, {})


def test_lines_may_be_sorted_removed_and_saved_with_semicolons(sheet, unlabelled, table):
    fill(sheet, {7: "billing", 2: "shipping", 11: "billing"})
    lines = sorted(lines_of(sheet), key=lambda line: int(line["row"]))[1:]
    sheet.write_text(
        "\n".join([";".join(["row", "label", "data"]), *(f"{a['row']}.0;{a['label']};{a['data']}" for a in lines)])
        + "\n"
    )
    found = back(sheet, unlabelled, table)
    assert found.rows["id"].to_list() == ["A-7", "A-11"]
    assert found.rows["team"].to_list() == ["billing", "billing"]


def test_a_changed_file_is_refused(sheet, unlabelled, table):
    fill(sheet, {7: "billing"})
    for other in (
        unlabelled.head(19),
        unlabelled[::-1],
        unlabelled.with_columns(pl.lit("x").alias("message")),
    ):
        with pytest.raises(DataError, match="must have been written for the rows at hand"):
            back(sheet, other, table)
    fill(sheet, {7: "billing"}, data="")
    with pytest.raises(DataError, match="says nothing"):
        back(sheet, unlabelled, table)


def test_every_mistake_is_named_with_its_line(sheet, unlabelled, table):
    fill(sheet, {7: "billing", 2: "shipping", 11: "billing"})
    lines = lines_of(sheet)
    lines[1]["row"] = "20"
    lines.append({**lines[0], "label": "shipping"})
    lines.append({**lines[0], "row": "seven"})
    write(sheet, lines)
    with pytest.raises(DataError) as caught:
        back(sheet, unlabelled, table)
    said = str(caught.value)
    assert "Got 3" in said
    assert 'line 3: must have a row of the data, 0 to 19. Got "20"' in said
    assert "line 5: must agree with line 2 on row 7" in said
    assert "line 6" in said


def test_new_labels_are_told_with_what_they_look_like(sheet, unlabelled, table):
    fill(sheet, {7: "shiping", 2: "returns", 11: "returns"})
    found = back(sheet, unlabelled, table)
    assert found.new == {"shiping": 1, "returns": 2}
    assert "shipping" in found.hints["shiping"] and "returns" not in found.hints


def test_a_sheet_without_labels_is_refused(sheet, unlabelled, table):
    with pytest.raises(DataError, match="must hold labels"):
        back(sheet, unlabelled, table)
    sheet.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="lacks row, label, data"):
        back(sheet, unlabelled, table)


def test_numbers_and_several_labels(sheet, unlabelled):
    numbers = pl.DataFrame({"message": [f"text {n}" for n in range(30)], "y": [n / 7 for n in range(30)]})
    table = describe(numbers, target="y", columns={"message": "text"})
    task = Regression(mean=0.0, scale=1.0, log=False, low=0.0, high=9.0)
    fill(sheet, {7: "3.5", 2: "1,25"})
    assert back(sheet, unlabelled, table, task).rows["y"].to_list() == [1.25, 3.5]
    fill(sheet, {7: "many"})
    with pytest.raises(DataError, match="must have a number"):
        back(sheet, unlabelled, table, task)
    several = pl.DataFrame(
        {"message": [f"text {n}" for n in range(30)], "y": [["a;b", "a", "b"][n % 3] for n in range(30)]}
    )
    table = describe(several, target="y", columns={"message": "text", "y": "multilabel"})
    fill(sheet, {7: "a|b", 2: "a|c"})
    found = back(sheet, unlabelled, table, Multilabel(labels=("a", "b")))
    assert found.rows["y"].to_list() == ["a;c", "a;b"]
    assert found.new == {"c": 1}


def test_what_a_spreadsheet_makes_of_labels_is_undone(sheet, unlabelled, table):
    task = Classification(labels=("1", "true", "=x"))
    fill(sheet, {7: "1.0", 2: "TRUE", 11: "'=x"})
    assert back(sheet, unlabelled, table, task).rows["team"].to_list() == ["true", "1", "=x"]


def test_work_is_never_written_over(sheet, unlabelled, table, tmp_path):
    again = choice(unlabelled, [1])
    write_sheet(sheet, again, unlabelled, table)
    fill(sheet, {1: "billing"})
    with pytest.raises(PlanError, match="filled in"):
        write_sheet(sheet, again, unlabelled, table)
    other = tmp_path / "data.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(PlanError, match="must not replace another file"):
        write_sheet(other, again, unlabelled, table)
    with pytest.raises(PlanError, match=r"must end in \.csv"):
        write_sheet(tmp_path / "sheet.xlsx", again, unlabelled, table)
    assert lines_of(sheet)[0]["label"] == "billing"
