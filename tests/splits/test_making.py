"""The whole way from a table to a split, its proof and its findings."""

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright import splits
from tunewright.errors import DataError
from tunewright.records import Column, Finding, Split, Table, from_json, to_json
from tunewright.splits import STRATEGIES, make_split
from tunewright.splits.options import SplitOptions

SMS = Path(__file__).parents[3] / "shared" / "data" / "sms_spam" / "SMSSpamCollection.gz"


def table(rows: int, task: str = "binary", **kinds: str) -> Table:
    columns = tuple(Column(name=name, kind=kind, role="feature", why="test") for name, kind in kinds.items())  # type: ignore[arg-type]
    return Table(rows=rows, columns=columns, fingerprint="", target="y", task=task, task_why="")  # type: ignore[arg-type]


def unlike(count: int) -> list[str]:
    rng = np.random.default_rng(5)
    return ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz "), 30)) for _ in range(count)]


def split_texts(texts: list[str], labels: list[str | None], **more: object) -> tuple[Split, tuple[Finding, ...]]:
    columns = {name: more.pop(name) for name in ("who", "when", "part") if name in more}
    options = SplitOptions(
        group="who" if "who" in columns else None,
        time="when" if "when" in columns else None,
        part="part" if "part" in columns else None,
    )
    frame = pl.DataFrame({"text": texts, "y": labels, **columns})
    return make_split(frame, table(len(texts), text="text"), options=options, seed=0, **more)  # type: ignore[arg-type]


def kind(findings: tuple[Finding, ...], name: str) -> list[Finding]:
    return [finding for finding in findings if finding.kind == name]


@settings(max_examples=30, deadline=None)
@given(
    who=st.lists(st.integers(0, 12) | st.none(), min_size=60, max_size=70).map(lambda who: [*who, *range(8)]),
    missing=st.sets(st.integers(0, 59), max_size=10),
    seed=st.integers(0, 3),
)
def test_each_labelled_row_is_in_one_part_and_groups_are_whole(
    who: list[int | None], missing: set[int], seed: int
) -> None:
    n = len(who)
    labels = [None if row in missing else "ab"[row % 2] for row in range(n)]
    frame = pl.DataFrame({"n": range(n), "y": labels, "who": who})
    options = SplitOptions(group="who")
    split, _, findings = make_split(frame, table(n, n="number"), options=options, seed=seed)
    rows = split.train + split.validation + split.test
    assert sorted(rows) == [row for row in range(n) if row not in missing]
    where = {row: part for part in ("train", "validation", "test") for row in getattr(split, part)}
    for customer in set(who) - {None}:
        assert len({where[row] for row in range(n) if who[row] == customer and row in where}) <= 1
    assert split.proof["straddling_clusters"] == 0
    assert [set(finding.rows) for finding in kind(findings, "missing_values")] == ([missing] if missing else [])
    assert make_split(frame, table(n, n="number"), options=options, seed=seed)[0] == split


def test_planted_near_duplicates_stay_together() -> None:
    texts = unlike(100)
    texts += [text[:-1] + "!" for text in texts[:30]] + texts[30:50]
    split, _, findings = split_texts(texts, ["a", "b"] * 75)
    where = {row: part for part in ("train", "validation", "test") for row in getattr(split, part)}
    assert all(where[row] == where[100 + row] for row in range(50))
    assert split.proof["clusters"] == 100 and split.proof["largest_cluster"] == 2
    assert kind(findings, "duplicates")[0].rows == tuple(range(130, 150))
    assert set(kind(findings, "near_duplicates")[0].rows) == set(range(100, 130))
    assert not kind(findings, "leakage_split")


def test_the_proof_survives_json() -> None:
    split, *_ = split_texts(unlike(100), ["a", "b"] * 50)
    assert from_json(Split, to_json(split)) == split


def test_class_shares_are_those_of_the_rows() -> None:
    split, *_ = split_texts(unlike(200), ["a"] * 150 + ["b"] * 50)
    for part in ("train", "validation", "test"):
        rows = getattr(split, part)
        share = sum(row < 150 for row in rows) / len(rows)
        assert split.proof["class_shares"][part]["a"] == pytest.approx(share, abs=1e-4)
        assert share == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize(("copies", "severity"), [(1, "warning"), (4, "error")])
def test_given_test_rows_that_are_in_train_are_reported_and_not_moved(copies: int, severity: str) -> None:
    texts = unlike(100)
    for row in range(copies):
        texts[60 + row] = texts[row].upper()
    split, _, findings = split_texts(texts, ["a", "b"] * 50, parts=["train"] * 60 + ["test"] * 40)
    assert split.test == tuple(range(60, 100))
    (leak,) = kind(findings, "leakage_split")
    assert leak.rows == tuple(range(60, 60 + copies)) and leak.severity == severity
    said = "repeats or nearly repeats 1 row of" if copies == 1 else "repeat or nearly repeat 4 rows of"
    assert f"{copies} of 40 test rows {said} train" in leak.evidence
    assert leak.score == copies / 40
    assert split.proof["straddling_clusters"] == copies


def test_groups_in_two_given_parts_are_reported() -> None:
    who = [*range(60), 3, 3, *range(62, 100)]
    *_, findings = split_texts(unlike(100), ["a", "b"] * 50, parts=["train"] * 60 + ["test"] * 40, who=who)
    (leak,) = kind(findings, "leakage_split")
    assert leak.rows == (60, 61) and leak.columns == ("who",)
    assert leak.evidence == "2 of 40 test rows belong to groups that also have 1 row in train or validation."


def test_time_comes_before_chance_and_parts_before_time() -> None:
    texts, labels = unlike(60), ["a", "b"] * 30
    split, _, findings = split_texts(texts, labels, when=[None, *range(59, 0, -1)])
    assert split.how == "by_time" and set(split.test) == set(range(1, 10))
    assert kind(findings, "missing_values")[0].columns == ("when",)
    part = ["train"] * 40 + ["val"] * 10 + ["test"] * 9 + [None]
    split, _, findings = split_texts(texts, labels, when=list(range(60)), part=part)
    assert split.how == "given" and 59 in split.train
    assert kind(findings, "missing_values")[0].rows == (59,)


def test_recurring_texts_in_a_split_by_time_are_a_warning() -> None:
    texts = unlike(60)
    texts[55:] = texts[:5]
    split, _, findings = split_texts(texts, ["a", "b"] * 30, when=list(range(60)))
    (leak,) = kind(findings, "leakage_split")
    assert leak.severity == "warning" and leak.rows == (55, 56, 57, 58, 59)
    assert split.proof["straddling_clusters"] == 5


@pytest.mark.parametrize(("task", "target"), [("regression", "number"), ("multilabel", "lists")])
def test_numbers_and_label_lists_are_stratified_too(task: str, target: str) -> None:
    numbers = pl.Series("y", np.random.default_rng(0).normal(size=200))
    lists = pl.Series("y", [["a", "b"] if row % 5 == 0 else ["a"] for row in range(200)])
    frame = pl.DataFrame({"n": range(200)}).with_columns(numbers if target == "number" else lists)
    split, *_ = make_split(frame, table(200, task, n="number"), options=SplitOptions(), seed=0)
    assert split.sizes() == {"train": 140, "validation": 30, "test": 30}
    shares = split.proof["class_shares"]
    assert all(abs(shares["test"][name] - share) < 0.04 for name, share in shares["train"].items())


def test_a_table_of_copies_is_refused() -> None:
    with pytest.raises(DataError, match="copies of each other"):
        split_texts(["The same sentence again"] * 50, ["a", "b"] * 25)


def test_kinds_are_unique_and_named() -> None:
    assert [strategy.kind for strategy in STRATEGIES] == ["stratified", "by_time", "given"]


@pytest.mark.shared
@pytest.mark.skipif(not SMS.exists(), reason=f"needs {SMS.name} of the shared data sets beside the checkout")
def test_no_duplicate_of_sms_spam_straddles() -> None:
    with gzip.open(SMS, "rt", encoding="utf-8") as lines:
        labels, texts = zip(*(line.rstrip("\n").split("\t", 1) for line in lines), strict=True)
    split, _, findings = split_texts(list(texts), list(labels))
    where = {row: part for part in ("train", "validation", "test") for row in getattr(split, part)}
    parts: dict[str, set[str]] = {}
    for row, text in enumerate(texts):
        parts.setdefault(text, set()).add(where[row])
    assert len(texts) - len(parts) == 403
    assert all(len(places) == 1 for places in parts.values())
    assert kind(findings, "duplicates")[0].rows_total == 403
    assert split.proof["straddling_clusters"] == 0
    for part in ("train", "validation", "test"):
        assert split.proof["class_shares"][part]["spam"] == pytest.approx(747 / 5574, abs=0.005)
    assert len(split.test) == pytest.approx(0.15 * len(texts), abs=20)


def test_options_load_without_polars_and_every_name_is_there() -> None:
    code = "import sys, tunewright.splits.options; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert all(getattr(splits, name) is not None for name in splits.__all__)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=40, max_size=60), st.integers(0, 3))
def test_the_proof_counts_what_a_double_loop_finds(who: list[int], seed: int) -> None:
    n = len(who)
    frame = pl.DataFrame(
        {"n": [float(i // 2) for i in range(n)], "who": who, "y": ["a", "b"] * (n // 2) + ["a"] * (n % 2)}
    )
    place = [(i * 7 + seed) % 3 for i in range(n)]
    parts = [("train", "validation", "test")[at] for at in place]
    split, *_ = make_split(
        frame, table(n, n="number"), options=SplitOptions(group="who", validation=0.0), seed=0, parts=parts
    )
    earlier = [[j for j in range(n) if place[j] < place[i]] for i in range(n)]
    alike = sum(any(i // 2 == j // 2 for j in before) for i, before in enumerate(earlier))
    assert split.proof["overlaps"] == {
        "exact": alike,
        "near": alike,
        "group": sum(any(who[i] == who[j] for j in before) for i, before in enumerate(earlier)),
        "time_order": 0,
    }


def test_a_random_split_and_one_by_time_prove_their_order() -> None:
    texts = [*unlike(60), *unlike(60)]
    split, *_ = split_texts(texts, ["a", "b"] * 60)
    assert set(split.proof["overlaps"].values()) == {0}
    split, *_ = split_texts(unlike(60), ["a", "b"] * 30, when=list(range(60)))
    assert split.proof["overlaps"]["time_order"] == 0
