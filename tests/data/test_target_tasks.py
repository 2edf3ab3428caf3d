import random
from typing import Any

import polars as pl
import pytest

from tunewright.data import infer_task, split_labels
from tunewright.data.tasks import describe_target
from tunewright.errors import DataError

RANDOM = random.Random(0)
EMOTIONS = ["joy", "anger", "fear", "love", "grief", "pride"]


def several(mark: str, share: float = 0.3, labels: list[str] | None = None) -> list[str]:
    labels = labels or EMOTIONS
    return [mark.join(RANDOM.sample(labels, 1 + (RANDOM.random() < share) * RANDOM.randint(1, 2))) for _ in range(300)]


CASES: list[tuple[str, str, list[Any]]] = [
    ("two words", "binary", ["spam", "ham"] * 20),
    ("zero and one", "binary", ["0", "1"] * 20),
    ("booleans", "binary", [True, False] * 20),
    ("two floats", "binary", [0.0, 1.0] * 20),
    ("with missing", "binary", ["yes", "no", None, ""] * 20),
    ("words", "multiclass", ["a", "b", "c"] * 20),
    ("stars", "multiclass", [1, 2, 3, 4, 5] * 20),
    ("class numbers", "multiclass", list(range(150)) * 40),
    ("a class named none", "multiclass", ["none", "a", "b"] * 20),
    ("names with commas", "multiclass", ["red, dark", "blue, light", "green"] * 20),
    ("names with slashes", "multiclass", ["UI/UX", "I/O", "A/B"] * 20),
    ("prices", "regression", [f"${RANDOM.random() * 100:,.2f}" for _ in range(100)]),
    ("scores", "regression", [RANDOM.randrange(26) / 5 for _ in range(300)]),
    ("counts", "regression", [int(RANDOM.expovariate(0.01)) for _ in range(2000)]),
    ("ages with a thin tail", "regression", [int(RANDOM.gauss(40, 12)) for _ in range(5000)]),
    ("decimal commas", "regression", [f"{RANDOM.randrange(100) / 10:.1f}".replace(".", ",") for _ in range(300)]),
    ("numbers with missing words", "regression", ["?", "n/a"] + [str(RANDOM.random()) for _ in range(100)]),
    ("lists", "multilabel", [["a"], ["a", "b"], [], ["b"]] * 20),
    ("bars", "multilabel", several("|")),
    ("semicolons", "multilabel", several("; ")),
    ("commas", "multilabel", several(",")),
    ("label numbers", "multilabel", several(",", 0.16, [str(n) for n in range(28)])),
]


@pytest.mark.parametrize(("task", "values"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_tasks_that_a_person_would_name(task: str, values: list[Any]) -> None:
    found, why = infer_task(pl.Series("y", values))
    assert found == task, why
    assert why


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None] * 20, "empty in all 20 rows"),
        (["", " "] * 10, "empty in all 20 rows"),
        ([float("nan")] * 20, "empty in all 20 rows"),
        (["a", "b", "a"], "has 3 of 3"),
        (["a", "b"] * 3 + [None] * 20, "has 6 of 26"),
        (["a"] * 20, "same one in all 20"),
        ([2.5] * 20, "same one in all 20"),
        ([["a"]] * 20, "same one in all 20"),
        ([["a"], []] * 20, "has 1"),
        ([f"text {row}" for row in range(30)], "30 different values in 30"),
        ([[f"t{row}"] for row in range(30)], "Labels must repeat"),
        ([], "empty in all 0 rows"),
    ],
)
def test_hopeless_targets_are_refused(values: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer_task(pl.Series("y", values, dtype=pl.String if values in ([None] * 20, []) else None))


def test_the_user_may_say_what_a_target_is() -> None:
    stars = pl.Series("y", ["1", "2", "3", "4", "5"] * 20)
    assert infer_task(stars, kind="number")[0] == "regression"
    assert infer_task(pl.Series("y", several("|")), kind="category")[0] == "multiclass"
    with pytest.raises(DataError, match="needs numbers"):
        infer_task(pl.Series("y", ["a", "b"] * 9), kind="number")
    with pytest.raises(DataError, match="holds lists"):
        infer_task(pl.Series("y", [["a"], ["b"]] * 9), kind="category")


def test_the_delimiter_or_decimal_sign_is_told() -> None:
    assert describe_target(pl.Series("y", several(";"))).format == ";"
    assert describe_target(pl.Series("y", several(",", 0.16, [str(n) for n in range(28)]))).format == ","
    assert describe_target(pl.Series("y", ["0,5", "1,25", "2,5", "3,1", "4,4", "5,0"] * 5)).format == ","
    assert describe_target(pl.Series("y", [["a"], ["b"]] * 9)).format is None


def test_labels_are_split_clean() -> None:
    assert split_labels(pl.Series(["a| b|a", "", " ", None, "|"]), delimiter="|").to_list() == [
        ["a", "b"],
        None,
        None,
        None,
        [],
    ]
    assert split_labels(pl.Series([["b ", "a", "b"], [], None])).to_list() == [["b", "a"], [], None]
    assert split_labels(pl.Series([[1, 2], [3]])).to_list() == [["1", "2"], ["3"]]
    assert split_labels(pl.Series("y", [], dtype=pl.String)).dtype == pl.List(pl.String)
    values = several(",")
    assert split_labels(pl.Series(values)).to_list() == [value.split(",") for value in values]
