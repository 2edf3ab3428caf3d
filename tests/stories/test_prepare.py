"""Files given apart become one table: what is said of a file's rows stays true of them there."""

import polars as pl
import pytest

import tunewright as tw
from tunewright.data import Reading
from tunewright.errors import DataError
from tunewright.plan import read_plan
from tunewright.records import Finding
from tunewright.stories.judging.errors import _marks
from tunewright.stories.prepare import _findings, load_rows


def written(path, rows, damaged=None):
    """A file of texts and labels in which one row holds a NUL byte."""
    lines = [f"words of row {row}{chr(0) * (row == damaged)},{'ab'[row % 2]}" for row in range(rows)]
    path.write_text("\n".join(["message,y", *lines]) + "\n")
    return str(path)


def test_findings_of_each_file_name_its_rows_among_those_of_all(tmp_path):
    files = {"train": (40, 2), "validation": (30, None), "test": (20, 4)}
    data = {part: written(tmp_path / f"{part}.csv", *how) for part, how in files.items()}
    loaded = load_rows(read_plan(data={**data, "target": "y"}))
    first, last = loaded.findings
    assert (first.rows, last.rows) == ((2,), (74,))
    assert loaded.frame["y"].is_null().arg_true().to_list() == [2, 74]
    assert "first: row 2" in first.evidence and "first: row 4" in last.evidence
    assert last.file.endswith("test.csv")
    marked = [row for rows in _marks(loaded.findings).values() for row in rows.tolist()]
    assert 4 not in marked and 74 in marked


def test_groups_move_with_their_rows():
    found = Finding(kind="encoding", severity="info", evidence=".", rows=(0, 2), groups=((0, 2),))
    frame = pl.DataFrame({"x": [1, 2, 3]})
    _, moved = _findings({part: Reading(frame=frame, findings=(found,)) for part in ("train", "test")})
    assert (moved.rows, moved.groups) == ((3, 5), ((3, 5),))


@pytest.mark.parametrize(("missing", "names"), [("validation", ("train", "test")), ("test", ("train", "dev"))])
def test_a_part_that_is_neither_given_nor_split_off_is_refused(missing, names):
    rows = [{"x": f"words of row {row}", "y": "ab"[row % 2], "where": names[row % 5 == 4]} for row in range(60)]
    with pytest.raises(DataError, match=f"needs labelled {missing} rows.*splits.{missing}"):
        tw.audit(rows, target="y", deep=False, splits={"part": "where", missing: 0})
