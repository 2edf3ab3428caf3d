"""Given parts stay as they are; missing ones come from train."""

import numpy as np
import polars as pl
import pytest

from tunewright.errors import DataError, PlanError
from tunewright.records import Split, Table
from tunewright.splits.clusters import Clusters
from tunewright.splits.given import Given
from tunewright.splits.strata import Strata

TABLE = Table(rows=0, columns=(), fingerprint="", target="y", task="binary", task_why="")


def split(
    strategy: Given, frame: pl.DataFrame, *, labels: list[int] | None = None, missing: tuple[int, ...] = ()
) -> Split:
    alone = np.arange(frame.height)
    together = Clusters(labels=alone if labels is None else np.array(labels), copies=alone, groups=alone)
    codes = alone % 2
    codes[list(missing)] = -1
    return strategy.split(frame, TABLE, together, Strata(codes=codes, names=("a", "b")), 0)


def test_every_spelling_of_a_part_is_understood() -> None:
    names = ["train", "Training", " TRAIN ", "valid", "val", "dev", "validation", "Test", "testing", None]
    found = split(Given(column="part"), pl.DataFrame({"part": names}))
    assert (found.train, found.validation, found.test) == ((0, 1, 2, 9), (3, 4, 5, 6), (7, 8))
    assert found.how == "given" and found.proof["split_off"] == []


def test_validation_is_split_off_from_train_where_only_test_is_given() -> None:
    parts = ["train"] * 80 + ["test"] * 20
    found = split(Given(parts=parts), pl.DataFrame({"x": range(100)}), missing=(3, 99))
    assert found.test == tuple(range(80, 99))
    assert set(found.train) | set(found.validation) == set(range(80)) - {3}
    assert len(found.validation) == 12
    assert found.proof["split_off"] == ["validation"]


def test_train_alone_is_split_like_any_table_in_whole_clusters() -> None:
    labels = [row // 2 for row in range(100)]
    found = split(Given(parts=np.array(["train"] * 100)), pl.DataFrame({"x": range(100)}), labels=labels)
    assert found.proof["straddling_clusters"] == 0
    assert abs(len(found.test) - 15) <= 4 and abs(len(found.validation) - 15) <= 4


def test_nothing_given_is_moved() -> None:
    parts = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    found = split(Given(parts=parts), pl.DataFrame({"x": range(60)}), labels=[*range(59), 0])
    assert found.sizes() == {"train": 40, "validation": 10, "test": 10}
    assert found.proof["straddling_clusters"] == 1


def test_a_strange_part_names_the_row_and_not_its_text() -> None:
    with pytest.raises(DataError, match="Row 1 of column 'part'") as caught:
        split(Given(column="part"), pl.DataFrame({"part": ["train", "my secret sentence"]}))
    assert "secret" not in str(caught.value)


def test_what_makes_no_split_is_refused() -> None:
    with pytest.raises(DataError, match="needs labelled train rows"):
        split(Given(column="part"), pl.DataFrame({"part": ["test", "dev"]}))
    with pytest.raises(DataError, match="Row 1 of the given parts"):
        split(Given(parts=["train"]), pl.DataFrame({"x": [1, 2]}))
    with pytest.raises(PlanError, match="must name a column"):
        split(Given(column="fold"), pl.DataFrame({"part": ["train"]}))


@pytest.mark.parametrize(("part", "other"), [("validation", "test"), ("test", "validation")])
def test_a_part_that_is_neither_given_nor_split_off_is_refused(part: str, other: str) -> None:
    frame = pl.DataFrame({"part": ["train"] * 40 + [other] * 10})
    with pytest.raises(DataError, match=f"needs labelled {part} rows.*splits.{part}"):
        split(Given(column="part", **{part: 0.0}), frame)  # type: ignore[arg-type]
    whole = pl.DataFrame({"part": ["train"] * 40 + [other] * 10 + [part] * 2})
    assert split(Given(column="part", **{part: 0.0}), whole).sizes()[part] == 2  # type: ignore[arg-type]
    with pytest.raises(DataError, match=f"needs labelled {part} rows"):
        split(Given(column="part", **{part: 0.0}), whole, missing=(50, 51))  # type: ignore[arg-type]
