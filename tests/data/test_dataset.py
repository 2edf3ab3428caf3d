from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tunewright.data import conform, describe, read
from tunewright.errors import DataError, PlanError
from tunewright.records import Table, from_json, to_json

SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.shared
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")

RAW = pl.DataFrame(
    {
        "id": [str(row) for row in range(40)],
        "message": [f"please look at order number {row} again" for row in range(40)],
        "amount": ["1.250,5", "0,5", "n/a", "7"] * 10,
        "day": ["03-02-2024", "28-02-2024 07:30", "", "01-02-2024"] * 10,
        "vip": ["yes", "no", "Yes", ""] * 10,
        "channel": ["phone", "mail", "web", None] * 10,
        "who": ["c1", "c2"] * 20,
        "y": ["1", "2", "1 ", ""] * 10,
    }
)


@pytest.fixture(scope="module")
def table() -> Table:
    return describe(RAW, target="y", roles={"who": "group"}, files=("t.csv",))


def test_a_table_says_what_it_is(table: Table) -> None:
    assert {c.name: (c.kind, c.role) for c in table.columns} == {
        "id": ("id", "ignore"),
        "message": ("text", "feature"),
        "amount": ("number", "feature"),
        "day": ("datetime", "feature"),
        "vip": ("boolean", "feature"),
        "channel": ("category", "feature"),
        "who": ("category", "group"),
        "y": ("category", "target"),
    }
    assert (table.rows, table.task, table.target, table.pair, table.files) == (40, "binary", "y", None, ("t.csv",))
    assert {c.name: c.missing for c in table.columns if c.missing} == {
        "amount": 10,
        "day": 10,
        "vip": 10,
        "channel": 10,
        "y": 10,
    }
    assert from_json(Table, to_json(table)) == table


def test_raw_columns_are_cast_to_their_kinds(table: Table) -> None:
    typed = conform(RAW, table, require_target=True)
    assert typed.schema == {
        "message": pl.String,
        "amount": pl.Float64,
        "day": pl.Datetime("us"),
        "vip": pl.Boolean,
        "channel": pl.String,
        "who": pl.String,
        "y": pl.String,
    }
    assert typed["amount"].to_list()[:4] == [1250.5, 0.5, None, 7.0]
    assert typed["day"].to_list()[:3] == [datetime(2024, 2, 3), datetime(2024, 2, 28, 7, 30), None]
    assert typed["vip"].to_list()[:4] == [True, False, True, None]
    assert typed["y"].to_list()[:4] == ["1", "2", "1", None]
    assert typed.height == table.rows


def test_each_row_is_cast_on_its_own(table: Table) -> None:
    whole = conform(RAW, table)
    rows = [conform(RAW[row : row + 1], table) for row in range(RAW.height)]
    assert pl.concat(rows).equals(whole)
    assert conform(RAW.clear(), table).schema == whole.schema
    assert conform(RAW[::-1], table).equals(whole[::-1])


def test_columns_may_be_extra_but_not_missing(table: Table) -> None:
    typed = conform(RAW.with_columns(extra=1).drop("y", "who", "id"), table)
    assert typed.columns == ["message", "amount", "day", "vip", "channel"]
    with pytest.raises(DataError, match=r"Missing: 'amount' \(did you mean 'amuont'\?\), 'vip'\. "):
        conform(RAW.rename({"amount": "amuont"}).drop("vip"), table)
    with pytest.raises(DataError, match="Missing: 'y'"):
        conform(RAW.drop("y"), table, require_target=True)


def test_the_file_format_does_not_change_a_cast(table: Table) -> None:
    parsed = RAW.with_columns(
        vip=pl.Series([True, False, True, None] * 10),
        y=pl.Series([1.0, 2.0, 1.0, None] * 10),
        channel=pl.col("channel").fill_null(""),
    )
    assert conform(parsed, table).equals(conform(RAW, table))


def test_targets_are_cast_by_task() -> None:
    words = ["a b c d e f"] * 20 + [f"other words in row number {n}" for n in range(20)]
    labels = describe(pl.DataFrame({"t": words, "y": ["p|q", "p", "q", "q|r"] * 10}), target="y")
    assert labels.task == "multilabel"
    typed = conform(pl.DataFrame({"t": ["x"], "y": ["q|zz"]}), labels)
    assert typed["y"].to_list() == [["q", "zz"]]
    scores = describe(
        pl.DataFrame({"t": words, "y": [f"{n / 10:.1f}".replace(".", ",") for n in range(40)]}), target="y"
    )
    assert scores.task == "regression"
    assert conform(pl.DataFrame({"t": ["x"], "y": ["1,5"]}), scores)["y"].to_list() == [1.5]


def test_a_given_pair_is_text() -> None:
    frame = pl.DataFrame({"a": ["x", "y"] * 10, "b": ["x", "z"] * 10, "y": ["0", "1"] * 10})
    assert describe(frame, target="y", pair=("a", "b")).pair == ("a", "b")


def test_beside_a_pair_a_third_text_is_ignored_and_says_so() -> None:
    texts = {name: [f"{name} speaks at length of thing {row}" for row in range(20)] for name in ("a", "b", "note")}
    table = describe(
        pl.DataFrame({**texts, "n": [0.5, 1.5, 2.5, 3.5] * 5, "y": ["1", "2"] * 10}), target="y", pair=("a", "b")
    )
    found = {column.name: column for column in table.columns}
    assert (found["note"].role, found["n"].role) == ("ignore", "feature")
    assert "'a' and 'b' are a pair" in found["note"].why
    assert table.features("text") == ("a", "b")


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (RAW.rename({"y": "why"}), PlanError, r"no 'y'"),
        (RAW.with_columns(y=pl.lit("a")), DataError, "same one in all 40"),
        (RAW.with_columns(y=pl.lit(None, dtype=pl.String)), DataError, "empty in all 40"),
        (RAW[:3], DataError, "has 3 of 3"),
        (RAW.clear(), DataError, "empty in all 0"),
        (pl.concat([RAW[:1]] * 40), DataError, "same one in all 40"),
        (RAW.select("y"), DataError, "there is no other"),
        (RAW.select("id", "y"), DataError, "No column does \\('id': a whole number of its own"),
        (pl.concat([RAW.select("message")[:1]] * 40).with_columns(RAW["y"]), DataError, "one value in all rows"),
    ],
    ids=[
        "no target",
        "one class",
        "target empty",
        "three rows",
        "empty",
        "duplicates",
        "target only",
        "id only",
        "constant",
    ],
)
def test_degenerate_tables_are_refused(frame: pl.DataFrame, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        describe(frame, target="y")


REAL = {
    ("titanic/train.csv", "Survived"): (
        "binary",
        {
            "PassengerId": "id",
            "Pclass": "number",
            "Name": "text",
            "Sex": "category",
            "Age": "number",
            "SibSp": "number",
            "Ticket": "category",
            "Fare": "number",
            "Cabin": "category",
            "Embarked": "category",
        },
    ),
    ("googleplay/googleplaystore.csv.gz", "Rating"): (
        "regression",
        {
            "App": "text",
            "Category": "category",
            "Reviews": "number",
            "Size": "number",
            "Installs": "number",
            "Price": "number",
            "Type": "category",
            "Genres": "category",
            "Last Updated": "datetime",
            "Android Ver": "category",
        },
    ),
    ("bike_sharing/hour.csv.gz", "count"): (
        "regression",
        {"instant": "id", "dateday": "datetime", "season": "number", "holiday": "number", "temp": "number"},
    ),
    ("california_housing/housing.csv.gz", "median_house_value"): (
        "regression",
        {"longitude": "number", "population": "number", "total_bedrooms": "number", "ocean_proximity": "category"},
    ),
    ("emobank/emobank.csv.gz", "V"): ("regression", {"id": "id", "split": "category", "A": "number", "text": "text"}),
    ("sts_captions_forums/train.csv.gz", "similarity_score"): (
        "regression",
        {"sentence1": "text", "sentence2": "text"},
    ),
    ("imdb_label_errors/reviews.jsonl.gz", "given_label"): ("binary", {"id": "id", "text": "text", "stars": "number"}),
    ("marvel_characters/marvel-wikia-data.csv.gz", "ALIGN"): (
        "multiclass",
        {"page_id": "id", "name": "text", "ID": "category", "APPEARANCES": "number", "Year": "number"},
    ),
}


@shared
@needs_shared
@pytest.mark.parametrize(("source", "expected"), REAL.items(), ids=[key[0].split("/")[0] for key in REAL])
def test_real_tables(source: tuple[str, str], expected: tuple[str, dict[str, str]]) -> None:
    found = read(SHARED / source[0])
    assert not found.findings
    told = describe(found.frame, target=source[1])
    kinds = {c.name: c.kind for c in told.columns}
    assert told.task == expected[0]
    assert {name: kinds[name] for name in expected[1]} == expected[1]
    typed = conform(found.frame, told)
    assert typed.height == found.frame.height
    assert typed[100:110].equals(conform(found.frame[100:110], told))


@shared
@needs_shared
def test_quirks_of_real_files() -> None:
    emobank = read(SHARED / "emobank/emobank.csv.gz").frame
    assert emobank.filter(pl.col("text") == "None").height == 1
    bike = read(SHARED / "bike_sharing/hour.csv.gz").frame
    days = conform(bike, describe(bike, target="count"))["dateday"]
    assert days.is_sorted()
    assert (days[0], days[-1]) == (datetime(2011, 1, 1), datetime(2012, 12, 31))
    play = read(SHARED / "googleplay/googleplaystore.csv.gz").frame
    assert play.height == 10_841
    size = conform(play, describe(play, target="Rating"))["Size"]
    assert size[0] == 19e6
    pairs = read(SHARED / "sts_captions_forums/dev.csv.gz").frame
    assert describe(pairs, target="similarity_score").pair == ("sentence1", "sentence2")
    messages = read(SHARED / "goemotions/train.tsv.gz").frame
    assert messages.height == 43_409  # the file has no header: its first line is taken for one
    assert describe(messages, target="27").task == "multilabel"


def test_labels_spelled_in_several_ways_are_one_if_asked() -> None:
    labels = ["Billing", "billing", " billing ", "Refunds", "refunds", "refunds"] * 5
    frame = pl.DataFrame({"text": [f"words about case number {i}" for i in range(30)], "y": labels})
    plain = describe(frame, target="y")
    assert plain.task == "multiclass" and conform(frame, plain)["y"].n_unique() == 4
    table = describe(frame, target="y", unify=True)
    assert table.task == "binary"
    assert set(conform(frame, table)["y"]) == {"billing", "refunds"}
    back = from_json(Table, to_json(table))
    assert conform(pl.DataFrame({"text": ["a"], "y": ["BILLING"]}), back)["y"].to_list() == ["billing"]
    assert conform(pl.DataFrame({"text": ["a"], "y": [" other"]}), back)["y"].to_list() == ["other"]


def test_a_target_of_numbers_has_no_spellings() -> None:
    frame = pl.DataFrame(
        {"text": [f"words about case number {i}" for i in range(30)], "y": [f"{i / 7:.3f}" for i in range(30)]}
    )
    assert describe(frame, target="y", unify=True).task == "regression"
    assert not any(column.spellings for column in describe(frame, target="y", unify=True).columns)


def test_columns_may_be_called_count() -> None:
    """The name that polars gives to its own counts."""
    words = pl.Series(["one", "two", "Two"] * 12)
    frame = pl.DataFrame({"text": [f"words about case number {i}" for i in range(36)], "count": words, "x": words})
    assert describe(frame, target="count", unify=True).task == "binary"
    assert describe(frame, target="x").task == "multiclass"


def test_a_table_is_named_by_its_cells_as_they_were_read():
    from tunewright.data import fingerprint

    frame = pl.DataFrame(
        {"text": [f"message number {n}" for n in range(40)], "y": (["Billing"] + ["billing"] * 19) * 2}
    )
    frame = frame.with_columns(y=pl.when(pl.int_range(40) < 20).then("y").otherwise(pl.lit("refunds")))
    table = describe(frame, target="y", unify=True)
    assert table.fingerprint == fingerprint(frame)
