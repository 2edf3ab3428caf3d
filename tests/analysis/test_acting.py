"""Slices as records: what is said of them, what to do about them, how their rows are made to weigh more."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.analysis.acting import Evidence, action_for, emphasis
from tunewright.analysis.conditions import Slicing, Value
from tunewright.analysis.facts import facts_of
from tunewright.analysis.slicing import discover
from tunewright.analysis.telling import Part, difference_of, mean_of, told
from tunewright.records import Column, Slices, Table, from_json, to_json

TABLE = Table(
    rows=0,
    columns=(Column(name="city", kind="category", role="feature", why=""),),
    fingerprint="",
    target="y",
    task="binary",
    task_why="",
)
FACTS = Evidence(
    train_rows=500,
    train_share=0.3,
    suspects=0,
    suspect_share=0.0,
    suspect_share_elsewhere=0.0,
    errors=np.repeat([1.0, 0.0], [30, 10]),
)


@pytest.mark.parametrize(
    ("facts", "action"),
    [
        ({}, "derive a feature"),
        ({"train_rows": 49}, "collect more"),
        ({"train_share": 0.04}, "reweight"),
        ({"rival": np.repeat([1.0, 0.0], [10, 30])}, "reweight"),
        ({"rival": np.repeat([1.0, 0.0], [28, 12])}, "derive a feature"),
        ({"suspects": 9, "suspect_share": 0.2, "suspect_share_elsewhere": 0.05, "train_rows": 9}, "inspect labels"),
        ({"suspects": 9, "suspect_share": 0.2, "suspect_share_elsewhere": 0.15}, "derive a feature"),
        ({"suspects": 2, "suspect_share": 0.2}, "derive a feature"),
    ],
)
def test_the_action_follows_from_measured_facts(facts, action):
    said, why = action_for(replace(FACTS, **facts))
    assert said == action and why.endswith(".")


def test_weights_have_mean_one_and_double_the_slice():
    frame = pl.DataFrame({"city": ["Ulm", "Bonn", "Bonn", None]})
    weights = emphasis(Slicing((Value("city", "Ulm"),)), facts_of(frame, TABLE))
    assert weights.mean() == pytest.approx(1.0) and (weights[0] / weights[1:] == 2.0).all()


def studied(n=900, wrong=None, **more):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"city": rng.choice(["Ulm", "Bonn", "Kiel"], n, p=[0.1, 0.4, 0.5])})
    ulm = (frame["city"] == "Ulm").to_numpy()
    errors = (rng.random(n) < np.where(ulm, 0.8, 0.1)).astype(float) if wrong is None else np.full(n, wrong)
    part = Part(facts=facts_of(frame, TABLE), ids=np.arange(1000, 1000 + n), errors=errors)
    train = facts_of(frame, TABLE)
    found = told(
        discover(part.facts, part.errors),
        part,
        name="validation",
        task="binary",
        train=train,
        train_ids=np.arange(n),
        **{"test": part} | more,
    )
    return found, ulm, errors


def test_a_slice_is_told_with_its_sizes_and_examples():
    found, ulm, errors = studied()
    (one,) = found.found
    assert one.description == "'city' is 'Ulm'" and one.condition == "`city` == 'Ulm'"
    assert one.rows == one.train_rows == ulm.sum() and one.error == mean_of(errors[ulm])
    assert one.rest == pytest.approx(errors[~ulm].mean()) and one.test == one.error
    assert one.excess == pytest.approx(errors[ulm].sum() - ulm.sum() * one.rest)
    assert one.difference.low > 0.5 and len(one.examples) == 5
    assert all(ulm[row - 1000] and errors[row - 1000] for row in one.examples)
    assert from_json(Slices, json.loads(json.dumps(to_json(found), allow_nan=False))) == found


def test_cells_are_left_out_where_they_may_not_be_shown():
    found, *_ = studied(cells=False)
    assert "Ulm" not in json.dumps(to_json(found)) and found.found[0].condition is None


def test_test_rows_choose_nothing():
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({"city": rng.choice(["Ulm", "Bonn"], 300)})
    other = Part(facts=facts_of(frame, TABLE), ids=np.arange(300), errors=rng.random(300))
    (a,), (b,) = studied()[0].found, studied(test=other)[0].found
    assert replace(a, test=None, test_rest=None) == replace(b, test=None, test_rest=None) and a.test != b.test


def test_suspects_in_the_slice_ask_for_a_look_at_the_labels():
    _, ulm, _ = studied()
    (one,) = studied(suspects=set(np.flatnonzero(ulm)[:30].tolist()))[0].found
    assert one.action == "inspect labels" and one.suspects == pytest.approx(30 / (2 * ulm.sum()))


@pytest.mark.parametrize(
    ("wrong", "n", "said"),
    [(0.0, 900, "right on all 900"), (1.0, 900, "errs alike on all 900"), (1.0, 10, "errs alike on all 10")],
)
def test_nothing_to_find_is_said_so(wrong, n, said):
    found = studied(n, wrong)[0]
    assert found.found == () and said in found.text


def test_too_few_rows_are_said_so():
    frame = pl.DataFrame({"city": ["a", "b"] * 5})
    part = Part(facts=facts_of(frame, TABLE), ids=np.arange(10), errors=np.arange(10) % 2 * 1.0)
    found = told(
        discover(part.facts, part.errors), part, name="validation", task="binary", train=part.facts, train_ids=part.ids
    )
    assert "too few" in found.text and found.conditions == 0


def test_differences_of_sizes_are_welchs():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    a, b = rng.exponential(2, 4000), rng.exponential(1, 6000)
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval()
    assert difference_of(a, b).low == pytest.approx(low, rel=1e-3)
    assert difference_of(a, b).high == pytest.approx(high, rel=1e-3)
