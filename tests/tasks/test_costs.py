import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import PlanError
from tunewright.tasks.costs import decide, read_costs

LABELS = ["ham", "refund", "spam"]


def test_a_line_names_the_true_label_and_then_the_one_that_is_said():
    costs = read_costs({"refund -> spam": 5, "ham→refund": 0.5}, LABELS)
    assert costs.tolist() == [[0, 0.5, 1], [1, 0, 5], [1, 1, 0]]


def test_no_lines_are_accuracy():
    assert read_costs({}, LABELS).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]


@given(st.permutations([("* -> *", 2.0), ("refund -> *", 3.0), ("ham -> spam", 7.0), ("refund -> spam", 9.0)]))
def test_the_more_a_line_names_the_more_it_counts_in_any_order(lines):
    costs = read_costs(dict(lines), LABELS)
    assert costs.tolist() == [[0, 2, 7], [3, 0, 9], [2, 2, 0]]


def test_crossing_lines_must_agree_or_be_decided():
    with pytest.raises(PlanError, match=r'give one cost for "refund -> spam".*3 from "refund -> \*".*4 from'):
        read_costs({"refund -> *": 3, "* -> spam": 4}, LABELS)
    assert read_costs({"refund -> *": 3, "* -> spam": 4, "refund -> spam": 8}, LABELS)[1, 2] == 8
    assert read_costs({"refund -> *": 3, "* -> spam": 3}, LABELS)[1].tolist() == [3, 0, 3]
    assert read_costs({"spam -> *": 3, "* -> spam": 4}, LABELS).tolist() == [[0, 1, 4], [1, 0, 4], [3, 3, 0]]


def test_all_problems_are_listed_at_once():
    lines = {
        "refnud -> spam": 1,
        "ham spam": 2,
        "ham -> ham": 1,
        "ham -> spam": -1,
        "spam -> ham": math.nan,
        "spam  -> refund": 1,
        "spam -> refund": 2,
        "a -> b": 1,
        "\x1b -> spam": 1,
    }
    with pytest.raises(PlanError) as refused:
        read_costs(lines, LABELS)
    said = str(refused.value)
    assert "Got 8:" in said
    for part in ("Did you mean 'refund'?", "Got no arrow", "Got one twice", "Got -1", "Got nan", "Got it twice"):
        assert part in said
    assert 'Got "a" and "b". The labels are' in said and "\x1b" not in said


def test_labels_may_hold_arrows_and_stars():
    labels = ["a", "a -> b", "b -> c", "c", "5*"]
    assert read_costs({"a -> b -> c": 2}, ["a", "b -> c"])[0, 1] == 2
    assert read_costs({"c -> 5*": 2}, labels)[3, 4] == 2
    with pytest.raises(PlanError, match="read in one way"):
        read_costs({"a -> b -> c": 2}, labels)


def test_errors_may_be_free_but_right_answers_always_are():
    assert read_costs({"* -> *": 0}, LABELS).sum() == 0
    assert np.diag(read_costs({"* -> *": 3, "ham -> *": 2}, LABELS)).sum() == 0


def brute(row, costs):
    expected = [sum(row[i] * costs[i][j] for i in range(len(row))) for j in range(len(row))]
    least = min(expected)
    return max((j for j in range(len(row)) if expected[j] <= least + 1e-12 * max(1, costs.max())), key=lambda j: row[j])


@given(st.integers(2, 5), st.integers(0, 10_000))
def test_the_decision_is_the_cheapest_by_hand(classes, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(classes), 20)
    costs = np.round(rng.exponential(3, (classes, classes)), 1)
    np.fill_diagonal(costs, 0)
    assert decide(probabilities, costs).tolist() == [brute(row, costs) for row in probabilities]


@given(st.integers(2, 6), st.integers(0, 10_000))
def test_equal_costs_say_the_most_probable(classes, seed):
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.dirichlet(np.ones(classes), 50), 2)  # ties
    costs = read_costs({}, [str(k) for k in range(classes)])
    assert decide(probabilities, costs).tolist() == probabilities.argmax(1).tolist()


@pytest.mark.parametrize(("missed", "alarm"), [(1, 1), (9, 1), (1, 4)])
def test_two_labels_have_the_threshold_of_the_textbook(missed, alarm):
    costs = read_costs({"spam -> ham": missed, "ham -> spam": alarm}, ["ham", "spam"])
    p = np.linspace(0.005, 0.995, 100)
    threshold = alarm / (alarm + missed)
    assert (decide(np.column_stack([1 - p, p]), costs) == (p > threshold)).all()


def test_decisions_are_by_row_whatever_the_block():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(1000), 2500)
    costs = rng.random((1000, 1000))
    alone = decide(probabilities[::100], costs)
    assert decide(probabilities, costs)[::100].tolist() == alone.tolist()
    assert decide(probabilities[:0], costs).shape == (0,)


def test_every_pair_of_labels_can_be_named():
    labels = ["a b", "c,d", "é", "1.0"]
    for true, said in itertools.permutations(range(4), 2):
        assert read_costs({f" {labels[true]}->{labels[said]} ": 3}, labels)[true, said] == 3
