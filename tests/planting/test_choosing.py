"""What faults go by: classes that are alike, rows near the boundary, spellings, words; and real tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data import conform, describe, read
from tunewright.example import path as example
from tunewright.planting import FAULTS, About, Planted
from tunewright.planting.classes import classes_of, nearest_classes, one_group
from tunewright.planting.drawing import draw, put
from tunewright.planting.duplicates_exact import ExactDuplicates
from tunewright.planting.flips_boundary import BoundaryFlips
from tunewright.planting.flips_confused import ConfusedFlips
from tunewright.planting.flips_uniform import UniformFlips
from tunewright.planting.label_spelling import LabelSpelling
from tunewright.planting.leak_sum import LeakingSum
from tunewright.planting.missing_cells import MissingCells
from tunewright.planting.targets import wrong_targets
from tunewright.planting.wording import folded, jaccard, reworded

SHARED = Path(__file__).parents[3] / "shared" / "data"


def three_classes(rows=300):
    """Cats and tigers share words, cars share none with them."""
    words = {"cat": "fur claws milk sofa", "tiger": "fur claws jungle night", "car": "wheel road engine fuel"}
    names = [list(words)[row % 3] for row in range(rows)]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words[name].split(), 3)) + f" {row}" for row, name in enumerate(names)]
    frame = pl.DataFrame({"text": texts, "y": names})
    return frame, About(target="y", task="multiclass", rows=np.arange(rows), texts=("text",))


def test_classes_that_share_words_are_alike():
    frame, about = three_classes()
    classes = classes_of(frame, about)
    nearest, alike = nearest_classes(frame, about, classes)
    assert classes.names == ("car", "cat", "tiger")
    assert (nearest[1], nearest[2]) == (2, 1)
    assert min(alike[1], alike[2]) > alike[0]


def test_confused_flips_go_to_the_class_that_is_alike():
    frame, about = three_classes()
    planted = ConfusedFlips(rate=0.1).plant(frame, about, np.random.default_rng(0))
    pairs = {(frame["y"][row], planted.frame["y"][row]) for row in planted.rows}
    assert pairs == {("cat", "tiger"), ("tiger", "cat")}


def test_what_a_model_confuses_goes_before_words():
    frame, about = three_classes()
    said = np.tile([0.05, 0.9, 0.05], (300, 1))
    said[classes_of(frame, about).codes == 1] = [0.6, 0.3, 0.1]
    about = replace(about, labels=("car", "cat", "tiger"), probabilities=said)
    nearest, _ = nearest_classes(frame, about, classes_of(frame, about))
    assert nearest[1] == 0


def test_boundary_flips_take_close_calls_and_the_class_that_was_close():
    frame, about = three_classes()
    codes = classes_of(frame, about).codes
    rng = np.random.default_rng(3)
    said = np.full((300, 3), 0.1)
    said[np.arange(300), codes] = rng.uniform(0.46, 0.8, 300)
    said[np.arange(300), (codes + 1) % 3] = 0.9 - said[np.arange(300), codes]
    said[5] = np.nan  # of which the model says nothing
    said[6, [codes[6], (codes[6] + 1) % 3]] = [0.44, 0.46]  # which the model would give another class
    # Its columns are in another order than the classes.
    about = replace(about, labels=("tiger", "car", "cat"), probabilities=said[:, [2, 0, 1]])
    planted = BoundaryFlips(rate=0.05, pool=1.0).plant(frame, about, rng)
    margins = np.sort(said[np.arange(300), codes] - said[np.arange(300), (codes + 1) % 3])
    names = np.array(["car", "cat", "tiger"])
    assert len(planted.rows) == 15 and not {5, 6} & set(planted.rows)
    for row in planted.rows:
        assert said[row, codes[row]] - said[row, (codes[row] + 1) % 3] <= margins[15]
        assert planted.frame["y"][row] == names[(codes[row] + 1) % 3]


def test_boundary_flips_without_a_model_are_confused_flips():
    frame, about = three_classes()
    one = BoundaryFlips().plant(frame, about, np.random.default_rng(0))
    other = ConfusedFlips(rate=BoundaryFlips().rate).plant(frame, about, np.random.default_rng(0))
    assert one.rows == other.rows and one.frame.equals(other.frame)


def test_uniform_flips_are_even():
    frame = pl.DataFrame({"y": ["a", "b", "c", "d"] * 2500})
    about = About(target="y", task="multiclass", rows=np.arange(10_000))
    planted = UniformFlips(rate=0.5).plant(frame, about, np.random.default_rng(0))
    flips = pl.DataFrame({"old": frame["y"], "new": planted.frame["y"]}).filter(pl.col("old") != pl.col("new"))
    counts = flips.group_by("old", "new").len()["len"]
    assert len(counts) == 12 and counts.min() > 330 and counts.max() < 510 and counts.sum() == 5000


def test_types_of_targets_stay():
    for values in ([0, 1] * 20, [True, False] * 20, [0.0, 1.0] * 20):
        frame = pl.DataFrame({"y": values})
        about = About(target="y", task="binary", rows=np.arange(40))
        planted = UniformFlips().plant(frame, about, np.random.default_rng(0))
        assert planted.frame.schema == frame.schema
        assert all(planted.frame["y"][row] != values[row] for row in planted.rows)


@given(st.integers(0, 10_000))
def test_wrong_values_are_far_on_either_side(seed):
    rng = np.random.default_rng(seed)
    values = np.round(rng.gamma(1.0, 5.0, 60), 2)
    frame = pl.DataFrame({"y": values})
    about = About(target="y", task="regression", rows=np.arange(60))
    rows, cells = wrong_targets(frame, about, np.arange(60), rng)
    far = 2 * values.std()
    reachable = [row for row in range(60) if (abs(values - values[row]) >= far).any()]
    assert rows.tolist() == reachable
    assert (abs(cells.to_numpy() - values[rows]) >= far).all()


def test_a_sum_is_exact_where_targets_have_different_decimals():
    cells = [["7", "2.5", "3.125", "-4"][row % 4] for row in range(40)]
    about = About(target="y", task="regression", rows=np.arange(40))
    planted = LeakingSum().plant(pl.DataFrame({"y": cells}), about, np.random.default_rng(0))
    sums = planted.frame.select(sum(pl.col(name).cast(pl.Decimal(12, 6)) for name in planted.columns)).to_series()
    assert [float(total) for total in sums] == [float(cell) for cell in cells]


def test_a_spelling_never_becomes_another_label():
    labels = ["refund", "refunds", "Refund", "refund_late", "refund late", "order 1", "order 2", "12"]
    frame = pl.DataFrame({"y": labels * 40})
    about = About(target="y", task="multiclass", rows=np.arange(320))
    for seed in range(20):
        planted = LabelSpelling(rate=0.9).plant(frame, about, np.random.default_rng(seed))
        for row in planted.rows:
            new = planted.frame["y"][row]
            assert new not in labels and new.strip() not in set(labels) - {labels[row % 8]}
        assert not {row % 8 for row in planted.rows} & {7}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=80), st.integers(0, 99))
def test_rewording_stays_similar_and_differs(text, seed):
    changed = reworded(text, np.random.default_rng(seed), similar=0.8)
    if changed is not None:
        assert jaccard(folded(text), folded(changed)) >= 0.8 and changed != text


def test_jaccard_against_a_count_by_hand():
    a, b = "abcdefgh", "abcdefgx"
    first, second = {a[i : i + 5] for i in range(4)}, {b[i : i + 5] for i in range(4)}
    assert jaccard(a, b) == len(first & second) / len(first | second) == 3 / 5


def test_drawing_takes_the_rate_and_never_fewer_than_three():
    rng = np.random.default_rng(0)
    assert len(draw(np.arange(1000), 0.05, rng)) == 50
    assert len(draw(np.arange(1000), 0.0001, rng)) == 3
    assert draw(np.arange(2), 0.5, rng) is None
    assert len(draw(np.arange(10), 0.05, rng, of=1000)) == 10


def test_a_list_target_is_replaced_as_a_whole():
    frame = pl.DataFrame({"y": [["a"], ["b", "c"], ["d"], ["e", "a"]] * 10})
    about = About(target="y", task="multilabel", rows=np.arange(40))
    planted = UniformFlips(rate=0.2).plant(frame, about, np.random.default_rng(0))
    assert planted.frame.schema == frame.schema
    for row in planted.rows:
        assert not set(planted.frame["y"][row]) & set(frame["y"][row])


def test_a_group_is_one_class_and_no_giant():
    frame = pl.DataFrame({"y": ["a"] * 80 + ["b"] * 15 + ["c"] * 5})
    about = About(target="y", task="multiclass", rows=np.arange(100))
    groups = {tuple(one_group(frame, about, np.random.default_rng(seed))) for seed in range(8)}
    assert groups == {tuple(range(80, 95))}


def test_copies_are_of_rows_that_stand_alone():
    frame = pl.DataFrame({"n": [1, 1, 2, 3, 4, 5], "y": [0.5, 0.6, 0.1, 0.2, 0.3, 0.9]})
    about = About(target="y", task="regression", rows=np.arange(6), numbers=("n",))
    planted = ExactDuplicates(rate=1.0).plant(frame, about, np.random.default_rng(0))
    assert planted.origin[6:].tolist() == [2, 3, 4, 5]


def test_what_follows_a_planting_knows_where_rows_went():
    frame, about = three_classes()
    about = replace(about, parts=("train", "test", "validation") * 100, probabilities=np.full((300, 3), 1 / 3))
    planted = ExactDuplicates().plant(frame, about, np.random.default_rng(0))
    later = about.after(planted)
    assert len(later.parts) == planted.frame.height == len(later.probabilities)
    assert [later.parts[row] for row in planted.rows] == [about.parts[planted.origin[row]] for row in planted.rows]
    assert not set(later.rows.tolist()) & {*planted.rows, *planted.beside}
    assert planted.carry([planted.beside[0], 7]).tolist() == sorted([planted.beside[0], 7])


def test_rows_that_moved_are_carried():
    frame = pl.DataFrame({"a": [0, 1, 2]})
    moved = Planted(
        frame=frame[[0, 1, 1, 2]], rows=(2,), columns=(), origin=np.array([0, 1, 1, 2]), added=np.array([2])
    )
    assert moved.carry([1, 2]).tolist() == [1, 3]


def test_cells_are_put_without_touching_the_table():
    frame = pl.DataFrame({"a": ["x", "y", "z"], "b": [1, 2, 3]})
    assert put(frame, "a", np.array([2, 0]), ["Z", None])["a"].to_list() == [None, "y", "Z"]
    assert frame["a"].to_list() == ["x", "y", "z"]


def test_names_and_kinds_are_those_of_the_design():
    kinds = "duplicates near_duplicates conflicting_labels label_errors label_format missing_values constant_column"
    kinds += " id_column outliers mixed_format encoding empty_text leakage_target leakage_split split_shift time_drift"
    kinds += " language_mix sensitive shifted_row"
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names) and {fault.kind for fault in FAULTS} == set(kinds.split())
    assert {fault.of for fault in FAULTS} == {"rows", "columns"}


def about_of(frame: pl.DataFrame, target: str) -> About:
    table = describe(frame, target=target)
    rows = np.flatnonzero(conform(frame, table, require_target=True)[target].is_not_null().to_numpy())
    parts = np.random.default_rng(0).choice(["train", "train", "validation", "test"], frame.height)
    return About.of(table, rows, parts.tolist())


def test_the_example_has_a_place_for_nearly_everything():
    frame = read(example()).frame
    about = about_of(frame, "team")
    nowhere = {f.name for f in FAULTS if f.plant(frame, about, np.random.default_rng(0)) is None}
    assert nowhere == {"leak_sum"}
    planted = MissingCells(rate=0.1).plant(frame, about, np.random.default_rng(0))
    assert len(planted.rows) >= 60
    assert json.dumps(planted.rows)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")
@pytest.mark.parametrize(
    ("file", "target", "most"),
    [
        ("titanic/train.csv", "Survived", 5),
        ("bike_sharing/hour.csv.gz", "count", 10),
        ("marvel_characters/marvel-wikia-data.csv.gz", "ALIGN", 4),
        ("googleplay/googleplaystore.csv.gz", "Rating", 4),
        ("california_housing/housing.csv.gz", "median_house_value", 12),
    ],
)
def test_real_tables_keep_all_that_is_not_planted(file, target, most):
    frame = read(SHARED / file).frame.sample(800, seed=0)
    about = about_of(frame, target)
    absent = []
    for fault in FAULTS:
        planted = fault.plant(frame, about, np.random.default_rng(0))
        if planted is None:
            absent.append(fault.name)
            continue
        untouched = np.setdiff1d(np.arange(planted.frame.height), planted.rows)
        kept = planted.frame[untouched].select(frame.columns)
        assert kept.equals(frame[planted.origin[untouched]])
        changed = planted.frame[list(planted.rows)].select(frame.columns)
        source = frame[planted.origin[list(planted.rows)]]
        if fault.name != "duplicates_exact":
            assert all(a != b for a, b in zip(changed.rows(), source.rows(), strict=True))
    assert len(absent) <= most, absent
