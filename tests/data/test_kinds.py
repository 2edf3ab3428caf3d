import random
import uuid

import polars as pl
import pytest

from tunewright.data import infer_columns
from tunewright.errors import PlanError
from tunewright.records import Column

RANDOM = random.Random(0)
VOCABULARY = [f"{a}{b}" for a in ("lo", "mi", "ra", "te", "su") for b in ("ne", "pa", "ver", "dan", "kor")]
ROWS = 200


def one(values: list[object], name: str = "x", **options: str) -> Column:
    frame = pl.DataFrame({name: values, "y": ["a", "b"] * (len(values) // 2)}, strict=False)
    overrides = {name: options["kind"]} if "kind" in options else {}
    roles = {name: options["role"]} if "role" in options else {}
    return infer_columns(frame, target="y", overrides=overrides, roles=roles)[0]


def sentence(words: int) -> str:
    return " ".join(RANDOM.choice(VOCABULARY) for _ in range(words))


COLUMNS: list[tuple[str, str, str, str, list[object]]] = [
    ("sentences", "message", "text", "feature", [sentence(8) for _ in range(ROWS)]),
    ("short phrases", "app", "text", "feature", [sentence(2) for _ in range(ROWS)]),
    ("long texts that repeat", "t", "text", "feature", [sentence(9) for _ in range(40)] * 5),
    ("names", "name", "text", "feature", [f"{a} {b}" for a in VOCABULARY[:20] for b in VOCABULARY[:10]]),
    (
        "chinese",
        "x",
        "text",
        "feature",
        ["".join(chr(0x4E00 + RANDOM.randrange(9000)) for _ in range(12)) for _ in range(ROWS)],
    ),
    (
        "few phrases",
        "os",
        "category",
        "feature",
        ["4.0.3 and up", "5.0 and up", "Varies with device", "2.3 and up"] * 50,
    ),
    ("words", "colour", "category", "feature", ["red", "green"] * 100),
    ("missing words count as values of a category", "c", "category", "feature", ["none", "a", "b", "c"] * 50),
    ("codes that repeat", "cabin", "category", "feature", [f"C{row % 120}" for row in range(ROWS)]),
    ("codes of their own", "ticket", "id", "ignore", [f"A/{row} {row * 7}" for row in range(ROWS)]),
    ("uuid", "x", "id", "ignore", [str(uuid.UUID(int=RANDOM.getrandbits(128))) for _ in range(ROWS)]),
    ("hash", "x", "id", "ignore", [f"{RANDOM.getrandbits(128):032x}" for _ in range(ROWS)]),
    ("row counter", "instant", "id", "ignore", list(range(5, 5 + ROWS))),
    ("numbers named id", "customer_id", "id", "ignore", [RANDOM.randrange(10**9) for _ in range(ROWS)]),
    ("camel case id", "PassengerId", "id", "ignore", [str(row * 3) for row in range(ROWS)]),
    ("an id that repeats is none", "shop_id", "number", "feature", [row % 9 for row in range(ROWS)]),
    ("a word ending in id", "paid", "number", "feature", [RANDOM.randrange(10**9) for _ in range(ROWS)]),
    ("unique amounts", "amount", "number", "feature", [row * row for row in range(ROWS)]),
    ("numbers as text", "x", "number", "feature", ["1,000", "$3.50", "19M", "7"] * 50),
    (
        "numbers and a word",
        "size",
        "number",
        "feature",
        [f"{row}k" for row in range(150)] + ["Varies with device"] * 50,
    ),
    ("numbers and disguised missing", "x", "number", "feature", ["1.5", "?", "N/A", "2"] * 50),
    ("zero and one", "x", "number", "feature", ["0", "1"] * 100),
    ("mostly words", "x", "category", "feature", ["1", "2", "red", "blue"] * 50),
    ("versions", "x", "category", "feature", ["1.0.0", "2.1", "1.0.1", "Varies"] * 50),
    ("yes and no", "x", "boolean", "feature", ["Yes", "no"] * 100),
    ("true booleans", "x", "boolean", "feature", [True, False, None, True] * 50),
    ("yes only", "x", "category", "ignore", ["yes"] * ROWS),
    ("dates", "day", "datetime", "feature", [f"{1 + row % 28:02d}-{1 + row % 12:02d}-2011" for row in range(ROWS)]),
    ("times", "at", "datetime", "feature", [f"{row % 24}:{row % 60:02d}" for row in range(ROWS)]),
    ("constant", "x", "number", "ignore", [3.5] * ROWS),
    ("nothing", "x", "ignore", "ignore", [None] * ROWS),
    ("blank", "x", "ignore", "ignore", ["", " "] * 100),
    ("lists", "x", "ignore", "ignore", [["a"], ["b"]] * 100),
    ("parts", "split", "category", "ignore", ["train", "train", "dev", "test"] * 50),
]


@pytest.mark.parametrize(
    ("name", "kind", "role", "values"), [case[1:] for case in COLUMNS], ids=[c[0] for c in COLUMNS]
)
def test_kinds_that_a_person_would_give(name: str, kind: str, role: str, values: list[object]) -> None:
    column = one(values, name)
    assert (column.kind, column.role) == (kind, role), column.why
    assert len(column.why) > 3


def test_the_reason_is_in_plain_words() -> None:
    assert one(["red", "green", "blue", "blue"] * 50).why == "3 distinct values in 200 rows, mean 1.0 words"
    assert "50 other values are taken as missing" in one([str(n) for n in range(150)] + ["soon"] * 50).why


def test_how_text_is_read_is_stored() -> None:
    assert one(["0,5", "1.250,0"] * 100).format == ","
    assert one(["28-02-2011", "01-02-2011"] * 100).format == "%d-%m-%Y"
    assert one(["0.5", "1,250.0"] * 100).format is None


def test_the_order_of_rows_does_not_matter() -> None:
    for _, name, _, _, values in COLUMNS:
        if values[0] is None or name == "day":
            continue
        shuffled = values.copy()
        random.Random(1).shuffle(shuffled)
        assert one(values, name) == one(shuffled, name)


def test_what_the_user_says_wins() -> None:
    assert one([1, 2] * 50, kind="category").kind == "category"
    assert one([1, 2] * 50, kind="ignore").role == "ignore"
    assert one(["a b", "c d"] * 50, kind="text").kind == "text"
    assert one(["1,5", "2,5"] * 50, kind="number").format == ","
    assert one(["01-02-2011", "13-02-2011"] * 50, kind="datetime").format == "%d-%m-%Y"
    assert one([1, 2] * 50, role="weight").role == "weight"
    assert one(list(range(100)), role="time").kind == "number"
    assert one(["c1", "c2"] * 50, role="group").why.endswith("used as group")


@pytest.mark.parametrize(
    ("overrides", "roles", "message"),
    [
        ({"mesage": "text"}, {}, r"no 'mesage'\. Did you mean 'message'\?"),
        ({"message": "txt"}, {}, r"must be one of .*; got 'txt'\. Did you mean 'text'\?"),
        ({}, {"grup": "group"}, "no 'grup'"),
        ({}, {"message": "feature"}, "must be weight, group, time, part or ignore"),
        ({}, {"message": "weight"}, "A weight column must be a number"),
        ({}, {"message": "time"}, "A time column must be a date or a number"),
        ({}, {"y": "group"}, "cannot be group too"),
        ({"y": "text"}, {}, "must be a number, a category or multilabel"),
        ({"message": "number"}, {}, "no value reads as one"),
        ({"message": "datetime"}, {}, "no known date format"),
    ],
)
def test_wrong_options_are_plan_errors(overrides: dict[str, str], roles: dict[str, str], message: str) -> None:
    frame = pl.DataFrame({"message": ["a", "b", "c", "d"] * 5, "y": ["p", "q"] * 10})
    with pytest.raises(PlanError, match=message):
        infer_columns(frame, target="y", overrides=overrides, roles=roles)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(PlanError, match=r"(?s)'z'.*'w'.*'v'"):
        infer_columns(pl.DataFrame({"y": ["a", "b"] * 5}), target="z", overrides={"w": "text"}, roles={"v": "group"})
