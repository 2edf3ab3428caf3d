"""What is put right without a trial is listed, and done to later rows in the same way."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.detectors import Rows, detect
from tunewright.features.featurizer import Featurizer
from tunewright.features.options import PreprocessOptions, TextOptions
from tunewright.records import Column, Repair, Split, Table, from_json, to_json
from tunewright.remedies import REMEDIES, Evidence, Material, list_repairs
from tunewright.splits.clusters import clusters

KINDS = {remedy.kind: remedy for remedy in REMEDIES}
N = 120


def posed(frame, target, parts=None):
    """Rows as an audit sees them, with what reading puts right."""
    parts = parts or (["train", "train", "validation", "test"] * frame.height)[: frame.height]
    labelled = frame[target].is_not_null().to_list()
    split = Split(
        **{p: tuple(r for r in range(frame.height) if parts[r] == p and labelled[r]) for p in set(parts) - {""}},
        how="given",
    )
    seen = sorted((*split.train, *split.validation))
    table = describe(frame[seen], target=target, pair="none", unify=True)
    typed = conform(frame, table, require_target=True)
    return Rows(raw=frame, typed=typed, table=table, split=split, clusters=clusters(typed, table))


def repairs_of(rows, preprocess=None):
    return list_repairs(
        rows.raw, rows.typed, table=rows.table, preprocess=preprocess or PreprocessOptions(), used=rows.used
    )


def material_of(rows):
    return Material(
        typed=rows.typed, table=rows.table, split=rows.split, preprocess=PreprocessOptions(), balance="auto"
    )


def frame_of(**columns):
    plain = {"note": [f"words about matter {i} of a long list" for i in range(N)], "y": ["a", "b"] * (N // 2)}
    return pl.DataFrame(plain | columns)


def some(usual, other, every=10):
    return [other(i) if i % every == 3 else usual(i) for i in range(N)]


def iso(i):
    return f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}"


CASES = {
    "a unit": ("parse_numbers", some(lambda i: f"{i + 5}", lambda i: f"{i + 5} kg"), ("8 kg", "8")),
    "about": ("parse_numbers", some(lambda i: f"{i + 5}", lambda i: f"ca. {i + 5}"), ("ca. 8", "8")),
    "decimal commas": ("parse_numbers", some(lambda i: f"{i}.25", lambda i: f"{i},75"), ("3,75", "3.75")),
    "other dates": (
        "parse_dates",
        some(iso, lambda i: "/".join(reversed(iso(i).split("-")))),
        ("04/04/2021", "2021-04-04 00:00:00"),
    ),
    "spellings": ("unify_spellings", some(lambda i: ["Rome", "Oslo"][i % 2], lambda i: "OSLO "), ("OSLO ", "Oslo")),
    "truths": ("unify_spellings", some(lambda i: ["yes", "no"][i % 2], lambda i: "Y"), ("Y", "True")),
    "words for nothing": ("parse_missing", some(lambda i: ["Rome", "Oslo"][i % 2], lambda i: "?"), ("?", "")),
    "words among numbers": ("parse_missing", some(lambda i: f"{i}.5", lambda i: "N/A"), ("N/A", "")),
}


@pytest.mark.parametrize("name", CASES)
def test_repairs_are_listed_with_their_cells_and_an_example(name):
    remedy, cells, example = CASES[name]
    rows = posed(frame_of(x=cells), "y")
    (found,) = [repair for repair in repairs_of(rows) if repair.remedy == remedy]
    assert (found.column, found.cells, found.example) == ("x", N // 10, example)
    assert from_json(Repair, to_json(found)) == found


@pytest.mark.parametrize("name", ["n", "x", "count"])
def test_truths_are_told_in_a_column_of_any_name(name):
    rows = posed(frame_of(**{name: CASES["truths"][1]}), "y")
    (found,) = [repair for repair in repairs_of(rows) if repair.remedy == "unify_spellings"]
    assert (found.column, found.cells, found.example) == (name, N // 10, CASES["truths"][2])


def test_clean_columns_need_no_repair():
    rows = posed(frame_of(x=[f"{i}.5" for i in range(N)], when=[iso(i) for i in range(N)]), "y")
    assert repairs_of(rows) == ()


def test_texts_and_gaps_are_listed():
    texts = some(lambda i: f"an honest text about matter {i} & more", lambda i: f"the cafÃ© number {i} is <b>new</b>")
    gaps = [None if i % 10 == 3 else float(i) for i in range(N)]
    rows = posed(frame_of(text=texts, x=gaps), "y")
    assert [(one.remedy, one.column, one.cells) for one in repairs_of(rows)] == [
        ("normalise_text", "text", N // 10),
        ("impute", "x", N // 10),
    ]
    kept = PreprocessOptions(text=TextOptions(html="keep", damage="keep"))
    assert [one.remedy for one in repairs_of(rows, kept)] == ["impute"]


@pytest.mark.parametrize("name", CASES)
def test_later_rows_are_read_in_the_same_way(name):
    """One row alone, from a table that went through JSON, is read and prepared as it was among the others."""
    frame = frame_of(x=CASES[name][1])
    rows = posed(frame, "y")
    table = from_json(Table, to_json(rows.table))
    fitted = Featurizer.fit(rows.typed[list(rows.split.train)], rows.table, PreprocessOptions())
    fitted = Featurizer.from_json(fitted.to_json())
    everything = fitted.transform(rows.typed)
    for row in (2, 3, 13):
        alone = conform(frame[row], table)
        assert alone["x"].to_list() == rows.typed["x"][[row]].to_list()
        np.testing.assert_array_equal(fitted.transform(alone)[0], everything[row])


def test_what_could_be_read_in_two_ways_is_left():
    pounds = some(lambda i: f"{i + 5}", lambda i: f"{i + 5} {'lb' if i % 30 == 3 else 'kg'}")
    days = [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2021" for i in range(N)]
    days[5] = "12/30/2021"
    table = posed(frame_of(x=pounds, when=days), "y").table
    columns = {column.name: column for column in table.columns}
    assert columns["x"].kind != "number" and columns["when"].also == ()


def test_a_code_is_prepared_as_an_empty_cell():
    cells = some(lambda i: f"{20 + i % 60}", lambda i: "-999")
    rows = posed(frame_of(x=cells), "y")
    found = detect(rows, {"missing_values"})
    changed = KINDS["decode_missing"].apply(material_of(rows), Evidence(findings=found, learned=None))
    (column,) = [column for column in changed.table.columns if column.name == "x"]
    assert column.empty == ("-999.0",) and changed.typed.equals(rows.typed)
    train = rows.typed[list(rows.split.train)]
    code, other = pl.DataFrame({"x": [-999.0]}), pl.DataFrame({"x": [None]}, schema={"x": pl.Float64})
    feature = Featurizer.fit(train.select("x"), replace(changed.table, columns=(column,)), PreprocessOptions())
    np.testing.assert_array_equal(feature.transform(code), feature.transform(other))


def test_slips_of_the_pen_are_tried_on_train_rows_alone():
    labels = ["refunds" if i % 2 else "cancellations" for i in range(N)]
    labels[0] = labels[1] = "refund"
    labels[2] = "cancelations"
    rows = posed(frame_of().with_columns(y=pl.Series(labels)), "y")
    evidence = Evidence(findings=detect(rows, {"label_format"}), learned=None)
    changed = KINDS["relabel_slips"].apply(material_of(rows), evidence)
    was, now = rows.typed["y"].to_list(), changed.typed["y"].to_list()
    assert rows.split.validation[0] == 2 and now[2] == "cancelations"
    assert {row: now[row] for row in range(N) if was[row] != now[row]} == {0: "refunds", 1: "refunds"}


def test_labels_in_lists_are_unified_too():
    labels = [["joy|fear", "Fear", "joy", "fear|hope", "hope"][i % 5] for i in range(N)]
    table = describe(frame_of().with_columns(y=pl.Series(labels)), target="y", unify=True)
    typed = conform(pl.DataFrame({"note": ["x"] * 3, "y": ["FEAR|fear|hope", None, "love"]}), table)
    assert typed["y"].to_list() == [["fear", "hope"], None, ["love"]]


def test_an_older_table_reads_as_it_did():
    old = Column(name="x", kind="number", role="feature", why="numbers")
    table = Table(rows=1, columns=(old,), fingerprint="", target="y", task="binary", task_why="")
    assert conform(pl.DataFrame({"x": ["1,5", "2 kg", "19M"]}), table)["x"].to_list() == [None, None, 19e6]
