"""Discovered slices: what was planted is found and said, chance is not, and odd data has a clear answer."""

import numpy as np
import polars as pl
import pytest

from tunewright.analysis.conditions import Missing, Range, Region, Slicing, Value, Words
from tunewright.analysis.facts import Fact, facts_of
from tunewright.analysis.proposing import propose
from tunewright.analysis.scanning import MARGIN, Scan, by_chance, p_value, ranked
from tunewright.analysis.slicing import LEVEL, discover
from tunewright.data.expressions import parse
from tunewright.records import Column, Table

HOSTILE = "a' or `b` \\ “x” \n<script>"


def table_of(**kinds):
    columns = [Column(name=name, kind=kind, role="feature", why="") for name, kind in kinds.items()]
    columns.append(Column(name="y", kind="category", role="target", why=""))
    return Table(rows=0, columns=tuple(columns), fingerprint="", target="y", task="binary", task_why="")


def rows(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    words = np.array(["apple", "river", "stone", "cloud", "seven", "maple", "tiger", "green"])
    frame = pl.DataFrame(
        {
            "city": rng.choice(["Ulm", "Bonn", "Kiel", "Jena"], n, p=[0.1, 0.3, 0.3, 0.3]),
            "age": np.where(rng.random(n) < 0.06, None, rng.normal(40, 10, n).round(1)).tolist(),
            "note": [" ".join(rng.choice(words, k)) for k in rng.integers(1, 9, n)],
        },
        strict=False,
    )
    return frame, table_of(city="category", age="number", note="text")


def planted(frame, mask, seed=1, base=0.05, inside=0.7):
    rng = np.random.default_rng(seed)
    return (rng.random(len(frame)) < np.where(mask, inside, base)).astype(float)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (pl.col("city") == "Ulm", "'city' is 'Ulm'"),
        (pl.col("age").is_null(), "'age' is missing"),
        (pl.col("note").str.contains("tiger"), "'note' has “tiger”"),
        (pl.col("note").str.count_matches(r"\S+") == 1, "words in 'note' up to 1"),
    ],
)
def test_what_was_planted_comes_first_and_in_words(condition, said):
    frame, table = rows()
    mask = frame.select(condition.fill_null(False)).to_series().to_numpy()
    found = discover(facts_of(frame, table), planted(frame, mask)).found
    assert str(found[0].slicing) == said and (found[0].mask == mask).all()
    assert found[0].p_value <= LEVEL and len(found) == 1


def test_a_range_and_a_conjunction_are_found_as_such():
    frame, table = rows(3000)
    inside = frame.select((pl.col("age").is_between(30, 36) & (pl.col("city") == "Bonn")).fill_null(False))
    mask = inside.to_series().to_numpy()
    (first, *_) = discover(facts_of(frame, table), planted(frame, mask)).found
    assert (
        len(first.slicing.parts) == 2
        and "'city' is 'Bonn'" in str(first.slicing)
        and "'age' above" in str(first.slicing)
    )
    assert (first.mask & mask).sum() > 0.85 * max(first.mask.sum(), mask.sum())


def test_sizes_of_errors_work_as_errors_do():
    frame, table = rows()
    mask = (frame["city"] == "Ulm").to_numpy()
    rng = np.random.default_rng(3)
    errors = rng.exponential(1.0, len(frame)) * np.where(mask, 3.0, 1.0)
    errors[0] = 1e3  # one absurd value must not decide
    (first, *_) = discover(facts_of(frame, table), errors).found
    assert str(first.slicing) == "'city' is 'Ulm'"


def test_chance_is_reported_in_no_more_than_one_study_of_twenty():
    frame, table = rows(300)
    facts = facts_of(frame, table)
    alarms = 0
    for seed in range(20):
        errors = (np.random.default_rng(seed + 100).random(300) < 0.15).astype(float)
        alarms += bool(discover(facts, errors, seed=seed).found)
    assert alarms <= 3  # of 20 at 5 %: more has probability 0.016


def test_repeated_rows_are_one_witness():
    frame, table = rows(120)
    units = np.repeat(np.arange(120), 12)
    repeated = frame[units.tolist()]
    errors = (np.random.default_rng(5).random(120) < 0.3).astype(float)[units]
    alone = discover(facts_of(repeated, table), errors, units=units)
    assert alone.rows == 120 and alone.found == ()
    assert discover(facts_of(repeated, table), errors).found  # taken for independent rows, they alarm


def test_overlapping_slices_are_told_once_and_the_worst_comes_first():
    frame, table = rows(3000)
    frame = frame.with_columns(twin=pl.col("city") + " am See")
    table = table_of(city="category", twin="category", age="number", note="text")
    ulm, tiger = (frame["city"] == "Ulm").to_numpy(), frame["note"].str.contains("tiger").to_numpy()
    found = discover(facts_of(frame, table), planted(frame, ulm | tiger)).found
    assert [("tiger" in str(one.slicing), "Ulm" in str(one.slicing)) for one in found] == [(True, False), (False, True)]
    assert found[0].excess > found[1].excess


@pytest.mark.parametrize(
    ("n", "errors"), [(10, "half"), (200, "none"), (200, "all"), (1, "half"), (0, "none"), (19, "half"), (200, "alike")]
)
def test_odd_parts_have_no_slice_and_no_error(n, errors):
    frame, table = rows(max(n, 1))
    frame = frame[:n]
    wrong = {"half": np.arange(n) % 2, "none": np.zeros(n), "all": np.ones(n), "alike": np.full(n, 2.5)}[errors]
    found = discover(facts_of(frame, table), wrong.astype(float))
    assert found.found == () and found.rows == n


def test_one_column_and_a_constant_one():
    frame, table = pl.DataFrame({"x": [1.0] * 300}), table_of(x="number")
    assert discover(facts_of(frame, table), np.arange(300) % 2 * 1.0).found == ()


def test_hostile_names_and_cells_are_said_and_can_be_read_back():
    rng = np.random.default_rng(0)
    values = rng.choice([HOSTILE, "b", "c"], 600, p=[0.1, 0.45, 0.45])
    frame = pl.DataFrame({HOSTILE: values})
    mask = values == HOSTILE
    (found,) = discover(facts_of(frame, table_of(**{HOSTILE: "category"})), planted(frame, mask)).found
    assert (parse(found.slicing.expression).holds(frame).to_numpy() == mask).all()
    assert "not shown" in found.slicing.unquoted() and found.slicing.quotes


def test_every_condition_says_the_same_in_the_language_of_conditions():
    frame, table = rows(600)
    frame = frame.with_columns(
        when=pl.Series(np.datetime64("2024-01-01", "us") + np.arange(600) * np.timedelta64(37, "h"))
    )
    table = table_of(city="category", age="number", note="text", when="datetime")
    facts = facts_of(frame, table)
    proposed = propose(facts, fewest=10)
    checked = set()
    for place, one in enumerate(proposed.conditions):
        if isinstance(one, Range) and place % 29:
            continue
        mask = proposed.atoms[proposed.start[place] : proposed.stop[place]].any(0)
        assert (one.holds(facts) == mask).all(), str(one)
        if one.expression is not None:
            assert (parse(one.expression).holds(frame).to_numpy() == mask).all(), one.expression
            checked.add(type(one))
    assert {Range, Value, Words} <= checked
    assert (parse(Missing("age").expression).holds(frame).to_numpy() == facts.missing["age"]).all()


def test_regions_are_groups_of_vectors_named_by_their_words():
    frame, table = rows(400)
    near = frame["note"].str.contains("tiger").to_numpy()
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 5)) * 0.1 + np.where(near[:, None], 3.0, 0.0)
    facts = facts_of(frame, table, vectors=vectors)
    regions = [one for one in propose(facts, fewest=10).conditions if isinstance(one, Region)]
    assert any("“tiger”" in str(one) and (one.holds(facts) <= near).all() for one in regions)
    assert all("tiger" not in Slicing((one,)).unquoted() for one in regions)


def test_strengths_are_the_likelihood_ratio_of_scipy():
    from scipy.stats import chi2_contingency

    frame, table = rows(500)
    errors = planted(frame, (frame["city"] == "Ulm").to_numpy())
    proposed = propose(facts_of(frame, table), fewest=10)
    scan = Scan.of(proposed, errors, fewest=10)
    for best in [one for one in ranked(scan) if len(one.places) == 1][:40:5]:
        mask = scan.mask(best.places[0])
        cells = [[(errors[m] == e).sum() for e in (0, 1)] for m in (mask, ~mask)]
        expected = chi2_contingency(cells, correction=False, lambda_="log-likelihood").statistic
        assert best.strength == pytest.approx(expected, rel=1e-4)


def test_conjunctions_are_those_of_a_double_loop():
    frame, table = rows(300)
    mask = ((frame["city"] == "Bonn") & frame["note"].str.contains("river")).to_numpy()
    scan = Scan.of(propose(facts_of(frame, table), fewest=10), planted(frame, mask), fewest=10)
    best = next(one for one in ranked(scan) if len(one.places) == 2)
    rows_in = scan.mask(best.places[0]) & scan.mask(best.places[1])
    alone = scan.strengths(np.array([rows_in.sum()]), np.array([scan.errors[rows_in].sum()]))[0]
    assert best.strength == pytest.approx(alone - MARGIN, rel=1e-5)


def test_p_values_count_the_observed_search():
    assert p_value(5.0, np.array([1.0, 2.0, 3.0])) == 0.25 and p_value(2.0, np.array([1.0, 2.0, 3.0])) == 0.75


def test_the_same_seed_gives_the_same_chance():
    frame, table = rows(200)
    scan = Scan.of(propose(facts_of(frame, table), fewest=10), planted(frame, np.zeros(200, bool)), fewest=10)
    assert (by_chance(scan, seed=4) == by_chance(scan, seed=4)).all()
    assert (by_chance(scan, seed=4) != by_chance(scan, seed=5)).any()


def test_a_number_that_is_unknown_is_in_no_range():
    frame = pl.DataFrame({"x": [1.0, None, float("nan"), 3.0]})
    facts = facts_of(frame, table_of(x="number"))
    assert Range(Fact("x"), None, 5.0).holds(facts).tolist() == [True, False, False, True]
