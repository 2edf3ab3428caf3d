import numpy as np
import pytest

from tunewright.errors import DataError
from tunewright.metrics import Outcome

GOOD = {"task": "multiclass", "truth": np.array([0, 2, -1]), "labels": np.array([0, 1, 2]), "classes": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truth": np.array([], int), "labels": np.array([], int)}, "at least one row"),
        ({"labels": np.array([0, 1])}, "`labels` of shape"),
        ({"labels": np.array([0, 1, -1])}, "`labels` within"),
        ({"labels": np.array([0.0, 1.0, 2.0])}, "whole numbers in `labels`"),
        ({"truth": np.array([True, False, True])}, "whole numbers in `truth`"),
        ({"truth": np.array([0, 1, 3])}, "`truth` within"),
        ({"probabilities": np.ones((3, 2))}, "probabilities of shape"),
        ({"probabilities": np.full((3, 3), np.nan)}, "finite probabilities"),
        ({"task": "binary"}, "two classes"),
        ({"task": "multilabel"}, "`truth` of shape"),
        ({"task": "regression", "truth": np.array([1.0, 2.0, np.inf])}, "finite numbers"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    Outcome(**GOOD)
    with pytest.raises(DataError, match=message):
        Outcome(**(GOOD | change))


def test_known_rows_and_strata():
    outcome = Outcome(**GOOD)
    assert outcome.known.tolist() == [True, True, False]
    assert outcome.strata.tolist() == [0, 2, -1]
    table = np.array([[0, 1], [1, 1]])
    several = Outcome(task="multilabel", truth=table, labels=table, classes=2)
    assert several.known.all() and several.strata is None
    numbers = Outcome(task="regression", truth=np.array([-1.0, -3.0]), labels=np.zeros(2))
    assert numbers.known.all() and numbers.strata is None
