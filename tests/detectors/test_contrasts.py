"""Differences between two sets of rows, against SciPy and by hand."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import ks_2samp

from tunewright.detectors.contrasts import contrasts, strongest


def compare(a, b):
    return contrasts(pl.DataFrame({"x": a}), pl.DataFrame({"x": b}), names=("old", "new"))


def test_numbers_as_by_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=200), rng.normal(0.5, 1, 150)
    (found,) = compare(a, b)
    known = ks_2samp(a, b, method="asymp")
    assert (found.effect, found.p_value) == (pytest.approx(known.statistic), pytest.approx(known.pvalue))


def test_categories_by_hand():
    a, b = ["r"] * 60 + ["g"] * 40, ["r"] * 20 + ["g"] * 80
    (found,) = compare(a, b)
    assert found.effect == pytest.approx(0.4) and found.p_value < 1e-6
    assert found.said == "'g' is 40.0% of old, 80.0% of new"


def test_rare_categories_are_taken_together():
    a = [f"v{n}" for n in range(100)]
    (found,) = compare(a + ["usual"] * 100, a[:50] + ["usual"] * 150)
    assert found.said.startswith(("rare values are", "'usual'")) and found.effect == pytest.approx(0.25)
    assert compare(a, [f"w{n}" for n in range(100)]) == []


def test_empty_cells():
    found = compare([1.0, 2.0] * 50, [1.0, None] * 50)
    assert strongest(found)[0].said == "empty in 0.0% of old, 50.0% of new"


def test_words_and_lengths_of_texts():
    rng = np.random.default_rng(0)
    a = [" ".join(rng.choice(list("abcdefgh"), 6)) for _ in range(300)]
    b = [f"{text} sincerely" if rng.random() < 0.6 else text for text in a]
    best = strongest(compare(a, b))[0]
    assert best.said.startswith("'sincerely' in 0.0% of the texts of old, ") and best.effect > 0.5


def test_the_same_rows_do_not_differ():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"n": rng.random(400), "c": rng.choice(["a", "b"], 400), "t": [f"word {i} here" for i in range(400)]}
    )
    assert all(one.p_value > 0.001 or one.effect < 0.1 for one in contrasts(frame[::2], frame[1::2], names=("a", "b")))


@pytest.mark.parametrize("name", ["n", "n_right", "side", "0", "1", "c", "count"])
def test_a_category_may_have_any_name(name):
    a, b = ["r"] * 60 + ["g"] * 40, ["r"] * 20 + ["g"] * 80
    (found,) = contrasts(pl.DataFrame({name: a}), pl.DataFrame({name: b}), names=("old", "new"))
    (usual,) = compare(a, b)
    assert (found.column, found.effect, found.p_value, found.said) == (name, usual.effect, usual.p_value, usual.said)


def test_a_side_without_rows_has_no_contrast():
    assert contrasts(pl.DataFrame({"c": ["a"] * 9}), pl.DataFrame({"c": ["a"] * 9})[:0], names=("old", "new")) == []
