"""Every fault: pure, the same for the same seed, truly there, and nothing else is changed.

Whether it is truly there is checked by functions written apart from what plants it.
"""

from __future__ import annotations

import dataclasses
import re
import statistics
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data import row_digests
from tunewright.planting import FAULTS
from tunewright.splits.near_duplicates import near_duplicate_pairs


def number(cell: object) -> float:
    return float(str(cell).replace(",", "."))


def different_targets(before, after, planted, about):
    for row in planted.rows:
        old, new = before[about.target][int(planted.origin[row])], after[about.target][row]
        if about.task == "regression":
            spread = statistics.pstdev(number(cell) for cell in before[about.target] if cell is not None)
            assert abs(number(old) - number(new)) >= 1.9 * spread
        elif about.task == "multilabel":
            assert not set(old.split("|")) & set(new.split("|"))
        else:
            assert old != new
        assert new in before[about.target]


def same_meaning(before, after, planted, about):
    for row in planted.rows:
        old, new = before[about.target][row], after[about.target][row]
        assert new not in before[about.target]
        olds, news = old.split("|"), new.split("|")
        assert len(olds) == len(news)
        (pair,) = [(a, b) for a, b in zip(olds, news, strict=True) if a != b]
        letters = [re.sub(r"[^a-z]", "", one.lower()) for one in pair]
        assert abs(len(letters[0]) - len(letters[1])) <= 1
        shorter, longer = sorted(letters, key=len)
        assert shorter == longer or shorter in {longer[:at] + longer[at + 1 :] for at in range(len(longer))}


def equal_to_source(before, after, planted, about):
    for row in planted.rows:
        assert after.row(row) == before.row(int(planted.origin[row]))
        assert int(planted.origin[row]) in planted.beside


def nearly_equal(before, after, planted, about):
    texts = after.select(about.texts).with_columns(pl.all().fill_null(""))
    joined = ["\n".join(row) for row in texts.rows()]
    pairs = {tuple(pair) for pair in near_duplicate_pairs(joined).tolist()}
    for row in planted.rows:
        source = int(planted.origin[row])
        assert (source, row) in pairs
        assert joined[source].lower() != joined[row].lower()


def same_but_for_target(before, after, planted, about):
    different_targets(before, after, planted, about)
    for row in planted.rows:
        source = before.row(int(planted.origin[row]), named=True)
        assert {k: v for k, v in after.row(row, named=True).items() if k != about.target} == {
            k: v for k, v in source.items() if k != about.target
        }


def now_empty(before, after, planted, about):
    (column,) = planted.columns
    assert after[column][list(planted.rows)].null_count() == len(planted.rows)
    assert before[column][list(planted.rows)].null_count() == 0


def one_stand_in(before, after, planted, about):
    (column,) = planted.columns
    (word,) = after[column][list(planted.rows)].unique().to_list()
    assert word not in before[column]
    words = {"n/a", "?", "-", "null", "none", "unknown", "missing"}
    if str(word).lower() not in words:
        values = [number(cell) for cell in before[column] if cell is not None]
        assert (
            number(word) < min(values) - 3 * (max(values) - min(values))
            or number(word) < 0 <= min(values)
            or (number(word) > max(values) + 3 * (max(values) - min(values)))
        )


def beyond_all(before, after, planted, about):
    (column,) = planted.columns
    values = [number(cell) for cell in before[column] if cell is not None]
    width = max(values) - min(values)
    for row in planted.rows:
        now = number(after[column][row])
        assert now > max(values) + 2.9 * width or now < min(values) - 2.9 * width


def same_number_in_words(before, after, planted, about):
    (column,) = planted.columns
    forms = set()
    for row in planted.rows:
        cell = after[column][row]
        (found,) = re.findall(r"-?[0-9]+(?:[.,][0-9]+)?", cell)
        assert found == before[column][row]
        forms.add(cell.replace(found, "#"))
    assert len(forms) == 1 and forms != {"#"}


def same_day_otherwise(before, after, planted, about):
    (column,) = planted.columns
    forms = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%b %d, %Y")
    fitting = set(forms)
    for row in planted.rows:
        day = datetime.strptime(before[column][row], "%d-%m-%Y")
        assert before[column][row] != after[column][row]
        fitting &= {form for form in forms if day.strftime(form) == after[column][row]}
    assert len(fitting) == 1


def one_cell_to_the_left(before, after, planted, about):
    first, last = planted.columns[0], planted.columns[-1]
    start, stop = before.columns.index(first), before.columns.index(last) + 1
    assert about.target not in planted.columns
    for row in planted.rows:
        assert after.row(row)[start:stop] == (*before.row(row)[start + 1 : stop], None)


def blank(before, after, planted, about):
    (column,) = planted.columns
    for row in planted.rows:
        assert not (after[column][row] or "").strip() and before[column][row].strip()


def misread(before, after, planted, about):
    (column,) = planted.columns
    for row in planted.rows:
        text = after[column][row]
        data = b"".join(sign.encode("latin-1") if ord(sign) < 256 else sign.encode("cp1252") for sign in text)
        meant = data.decode("utf-8")
        assert meant != text
        accents = str.maketrans("áéíóú’”–", "aeiou'\"-")
        assert meant.translate(accents).replace("…", "...") == before[column][row]


def foreign(before, after, planted, about):
    (column,) = planted.columns
    small = {"the", "and", "you", "is", "of", "what"}
    for row in planted.rows:
        words = set(re.findall(r"\w+", after[column][row].lower()))
        assert not words & small
        assert set(re.findall(r"\w+", before[column][row].lower())) & small


def personal(before, after, planted, about):
    (column,) = planted.columns
    patterns = (
        r"[\w.]+@\w+\.[\w.]+",
        r"\+?[\d() -]{11,}",
        r"(?:\d{4}[ -]?){4}",
        r"\b(?:ghp_|AKIA|sk_live_)\w{16,}",
    )
    for row in planted.rows:
        old, new = before[column][row], after[column][row]
        assert new.startswith(old.rstrip()) or new.endswith(old.lstrip())
        added = new.replace(old.strip(), "").strip()
        assert any(re.fullmatch(pattern, added) for pattern in patterns), added
        if re.fullmatch(patterns[2], added):
            digits = [int(sign) for sign in added if sign.isdigit()]
            total = sum(digits[1::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[::2])
            assert total % 10 == 0


def one_value(before, after, planted, about):
    (column,) = planted.columns
    assert after[column].n_unique() == 1


def all_different(before, after, planted, about):
    (column,) = planted.columns
    assert after[column].n_unique() == after.height and not after[column].is_sorted()


def tells_the_target(before, after, planted, about):
    (column,) = planted.columns
    known = after.filter(pl.col(about.target).is_not_null())
    assert after.filter(pl.col(about.target).is_null())[column].null_count() == after.height - known.height
    if about.task == "regression":
        pair = known.select(x=pl.col(about.target), y=pl.col(column)).with_columns(
            pl.all().map_elements(number, pl.Float64)
        )
        assert pair.select(pl.corr("x", "y")).item() > 0.99
        return
    most = known.group_by(column, about.target).len().sort("len").group_by(column).agg(pl.col("len").max())
    assert 0.85 <= most["len"].sum() / known.height < 1.0
    assert not set(known[column].unique()) & set(known[about.target].unique())


def word_of_one_group(before, after, planted, about):
    (column,) = planted.columns
    (word,) = set.intersection(
        *(set(after[column][row].split()) - set(before[column][row].split()) for row in planted.rows)
    )
    assert not before[column].str.contains(word).any()
    for row in planted.rows:
        assert [one for one in after[column][row].split(" ") if one != word] == before[column][row].split(" ")
    one_group_only(before, planted, about)


def gaps_of_one_group(before, after, planted, about):
    now_empty(before, after, planted, about)
    one_group_only(before, planted, about)


def one_group_only(before, planted, about):
    """Nearly all of the rows, and nearly all rows of some class, label or large values."""
    rows = set(planted.rows)
    cells = {int(row): before[about.target][int(row)] for row in about.rows}
    if about.task == "regression":
        cut = sorted(number(cell) for cell in cells.values())[len(cells) * 2 // 3]
        groups = [{row for row, cell in cells.items() if number(cell) >= cut}]
    else:
        labels = {label for cell in cells.values() for label in cell.split("|")}
        groups = [{row for row, cell in cells.items() if label in cell.split("|")} for label in labels]
    assert min(len(rows ^ group) - max(0.15 * len(group), 4) for group in groups) <= 0


def adds_up(before, after, planted, about):
    a, b = planted.columns
    for row in about.rows.tolist():
        total = number(after[a][row]) + number(after[b][row])
        assert abs(total - number(before[about.target][row])) < 1e-6
        assert number(after[a][row]) and number(after[b][row])


def also_in_train(before, after, planted, about):
    columns = list(about.features)
    trained = {int(row) for row in about.rows if about.parts[int(row)] == "train"}
    digests = row_digests(after, columns).tolist()
    of_train = {digests[row] for row in trained}
    joined = ["\n".join(str(cell or "") for cell in row) for row in after.select(about.texts or columns).rows()]
    near = {row for pair in near_duplicate_pairs(joined).tolist() for row in pair if set(pair) & trained}
    for row in planted.rows:
        assert about.parts[row] == "test"
        assert digests[row] in of_train or (about.texts and row in near)
    assert set(planted.beside) <= trained


def test_rows_only(before, after, planted, about):
    assert {about.parts[row] for row in planted.rows} == {"test"}
    unlike(before, after, planted, about)


test_rows_only.__test__ = False


def late_rows_only(before, after, planted, about):
    (column,) = (about.time,)
    read = (
        (lambda cell: datetime.strptime(cell, "%d-%m-%Y"))
        if before.schema[column] == pl.String
        else (lambda cell: cell)
    )
    moments = sorted(read(cell) for cell in before[column][about.rows])
    assert min(read(before[column][row]) for row in planted.rows) >= moments[int(0.4 * len(moments)) - 1]
    unlike(before, after, planted, about)


def unlike(before, after, planted, about):
    """Numbers have moved by half a deviation on the whole; of texts or categories a good share has changed."""
    (column,) = planted.columns
    assert all(before[column][row] != after[column][row] for row in planted.rows)
    if column in about.numbers:
        values = [number(cell) for cell in before[column]]
        moved = [number(after[column][row]) - number(before[column][row]) for row in planted.rows]
        assert statistics.mean(moved) > 0.5 * statistics.pstdev(values)


CHECKS = {
    "flips_uniform": different_targets,
    "flips_confused": different_targets,
    "flips_boundary": different_targets,
    "label_spelling": same_meaning,
    "duplicates_exact": equal_to_source,
    "duplicates_near": nearly_equal,
    "duplicates_conflicting": same_but_for_target,
    "missing_cells": now_empty,
    "missing_disguised": one_stand_in,
    "outliers": beyond_all,
    "formats_numbers": same_number_in_words,
    "formats_dates": same_day_otherwise,
    "shifted_rows": one_cell_to_the_left,
    "empty_texts": blank,
    "mojibake": misread,
    "other_language": foreign,
    "personal_data": personal,
    "constant_column": one_value,
    "id_column": all_different,
    "leak_column": tells_the_target,
    "leak_word": word_of_one_group,
    "leak_sum": adds_up,
    "leak_missing": gaps_of_one_group,
    "overlap": also_in_train,
    "split_shift": test_rows_only,
    "time_drift": late_rows_only,
}


ALL = pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
# Which tables have a place for which fault; all others must say so.
NOWHERE = {
    "flips_confused": {"typed", "pounds", "labels"},
    "flips_boundary": {"typed", "pounds", "labels"},
    "label_spelling": {"typed", "pounds"},
    "duplicates_near": {"typed", "pounds"},
    "missing_cells": {"texty", "labels"},
    "missing_disguised": {"texty", "labels"},
    "outliers": {"texty", "labels"},
    "formats_numbers": {"texty", "labels", "typed"},
    "formats_dates": {"texty", "labels", "typed", "pounds"},
    "shifted_rows": {"texty", "labels", "typed", "pounds"},
    "empty_texts": {"typed", "pounds"},
    "mojibake": {"typed", "pounds"},
    "other_language": {"typed", "pounds"},
    "personal_data": {"typed", "pounds"},
    "leak_word": {"typed", "pounds"},
    "leak_sum": {"mixed", "texty", "labels"},
    "leak_missing": {"texty", "labels"},
    "time_drift": {"texty", "labels", "pounds"},
}


@ALL
def test_is_where_it_says_and_nowhere_else(fault, ground):
    frame, about = ground
    kept = frame.clone()
    planted = fault.plant(frame, about, np.random.default_rng(5))
    assert frame.equals(kept), "the given table was changed"
    if planted is None:
        return
    again = fault.plant(frame, about, np.random.default_rng(5))
    assert planted.frame.equals(again.frame) and (planted.rows, planted.columns) == (again.rows, again.columns)
    nothing_else_changed(frame, planted, about)
    CHECKS[fault.name](frame, planted.frame, planted, about)


@ALL
@pytest.mark.parametrize("name", ["mixed", "typed", "texty", "labels", "pounds"])
def test_applies_where_there_is_a_place_for_it(fault, name, make):
    planted = fault.plant(*make(name), np.random.default_rng(1))
    assert (planted is None) == (name in NOWHERE.get(fault.name, ()))


@ALL
@settings(max_examples=6, deadline=None)
@given(
    rows=st.sampled_from([12, 25, 60, 150]),
    table=st.sampled_from(["mixed", "typed", "texty", "labels", "pounds"]),
    data=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)
def test_holds_for_any_size_and_seed(fault, make, rows, table, data, seed):
    frame, about = make(table, rows=rows, seed=data)
    planted = fault.plant(frame, about, np.random.default_rng(seed))
    if planted is not None:
        nothing_else_changed(frame, planted, about)
        # What a share of the rows tells, a small table need not show.
        if fault.name not in ("leak_column", "leak_word", "leak_missing", "split_shift", "time_drift"):
            CHECKS[fault.name](frame, planted.frame, planted, about)


@ALL
def test_needs_rows(fault, make):
    frame, about = make("mixed", rows=12)
    about = dataclasses.replace(about, rows=about.rows[:2])
    planted = fault.plant(frame, about, np.random.default_rng(0))
    assert planted is None or fault.of == "columns"


@ALL
def test_other_seeds_plant_elsewhere(fault, make):
    for name in ("mixed", "pounds"):
        frame, about = make(name)
        two = [fault.plant(frame, about, np.random.default_rng(seed)) for seed in (1, 2)]
        if two[0] is not None:
            assert not two[0].frame.equals(two[1].frame)


def nothing_else_changed(frame: pl.DataFrame, planted, about) -> None:
    after, old = planted.frame, frame.columns
    assert [name for name in after.columns if name in old] == old
    assert {name: after.schema[name] for name in old} == dict(frame.schema)
    assert len(planted.origin) == after.height
    kept = np.setdiff1d(np.arange(after.height), planted.added)
    assert planted.origin[kept].tolist() == list(range(frame.height))
    assert set(planted.added.tolist()) <= set(planted.rows)
    assert list(planted.rows) == sorted(set(planted.rows))
    assert {int(planted.origin[row]) for row in planted.rows} <= set(about.rows.tolist())
    untouched = np.setdiff1d(kept, planted.rows)
    assert after[untouched].select(old).equals(frame[planted.origin[untouched]])
    if planted.columns and planted.rows:
        others = [name for name in old if name not in planted.columns]
        assert after[list(planted.rows)].select(others).equals(
            frame[planted.origin[list(planted.rows)]].select(others)
        ) or (
            planted.added.size  # a copy in other words says so by its text
        )
