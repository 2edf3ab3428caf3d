import numpy as np
import pytest

from tunewright.errors import DataError
from tunewright.evaluation.costs import cost_difference, expected_cost, row_costs
from tunewright.metrics import Outcome, score
from tunewright.tasks.costs import decide, read_costs

COSTS = np.array([[0.0, 1.0, 4.0], [2.0, 0.0, 1.0], [7.0, 3.0, 0.0]])


def outcome(truth, said):
    return Outcome(task="multiclass", classes=3, truth=np.asarray(truth), labels=np.asarray(said))


def random_pair(seed=0, n=600, skill=0.8):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    return outcome(truth, np.where(rng.random(n) < skill, truth, rng.integers(0, 3, n)))


def test_rows_cost_what_the_matrix_says():
    assert row_costs(outcome([0, 0, 2, 1], [0, 2, 0, 2]), COSTS).tolist() == [0, 4, 7, 1]


def test_an_unseen_label_costs_the_least_that_its_answer_can():
    assert row_costs(outcome([-1, -1, -1], [0, 1, 2]), COSTS).tolist() == [2, 1, 1]


def test_unit_costs_are_the_error_rate():
    found = random_pair()
    cost, right = expected_cost(found, read_costs({}, "abc")), score("accuracy", found)
    assert cost.value == pytest.approx(1 - right.value)
    assert (cost.low, cost.high) == pytest.approx((1 - right.high, 1 - right.low), abs=0.01)


def test_the_interval_covers_the_true_cost_as_often_as_it_says():
    truth_cost = np.mean([row_costs(random_pair(s, 5000), COSTS).mean() for s in range(20)])
    covered = sum(
        (s := expected_cost(random_pair(seed, 200), COSTS, rounds=300)).low <= truth_cost <= s.high
        for seed in range(100, 250)
    )
    assert covered / 150 >= 0.9


def test_no_error_is_no_proof():
    found = expected_cost(outcome([0] * 50, [0] * 50), COSTS)
    assert (found.value, found.low, found.n) == (0.0, 0.0, 50)
    assert found.high == pytest.approx(7 * 0.0714, abs=0.01)


def test_deciding_by_cost_is_cheaper_and_that_is_shown():
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet([3, 2, 1], 800)
    truth = (probabilities.cumsum(1) < rng.random((800, 1))).sum(1)
    by_cost, by_share = outcome(truth, decide(probabilities, COSTS)), outcome(truth, probabilities.argmax(1))
    found = cost_difference(by_cost, by_share, COSTS, names=("by cost", "argmax"))
    back = cost_difference(by_share, by_cost, COSTS)
    assert (found.verdict, back.verdict, found.a, found.metric) == ("better", "worse", "by cost", "expected_cost")
    saved = expected_cost(by_share, COSTS).value - expected_cost(by_cost, COSTS).value
    assert found.difference.value == pytest.approx(saved) == pytest.approx(-back.difference.value)


def test_a_model_costs_as_much_as_itself():
    same = cost_difference(random_pair(), random_pair(), COSTS)
    assert (same.difference.value, same.p_value, same.verdict) == (0.0, 1.0, "no evidence")


def test_five_differing_rows_are_no_evidence():
    right = outcome([0] * 40, [0] * 40)
    for differing, verdict in ((5, "no evidence"), (7, "better")):
        wrong = outcome([0] * 40, [2] * differing + [0] * (40 - differing))
        assert cost_difference(right, wrong, COSTS).verdict == verdict


def test_other_labels_rows_and_tasks_are_refused():
    with pytest.raises(DataError, match="matrix of its 3 labels"):
        row_costs(outcome([0], [0]), np.zeros((2, 2)))
    with pytest.raises(DataError, match="Got regression"):
        expected_cost(Outcome(task="regression", truth=np.ones(3), labels=np.ones(3)), COSTS)
    with pytest.raises(DataError, match="same rows"):
        cost_difference(outcome([0, 1], [0, 1]), outcome([1, 1], [0, 1]), COSTS)
