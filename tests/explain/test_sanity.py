"""Checks that fail where they must: a constant explanation, a random one, one that ignores the weights."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from tunewright.explain.asking import Asker
from tunewright.explain.attribution import Attribution
from tunewright.explain.cases import make_cases
from tunewright.explain.curves import PAIRS, areas
from tunewright.explain.curves import _by_chance as by_chance
from tunewright.explain.local import aims_of
from tunewright.explain.methods import EXPLAINERS, explainer
from tunewright.explain.sanity import best, check_methods, rank_correlation, shuffled, shuffled_trees
from tunewright.models.trees import Trees


@dataclass(frozen=True)
class Fake:
    """Weights that do not come from the model: drawn, or from the place of a word in its text."""

    kind: ClassVar[str] = "fake"
    how: str

    def quick(self):
        return self

    def explain(self, asker, cases, aims):
        rng = np.random.default_rng(3)
        made = []
        for case in cases:
            places = np.arange(case.units, dtype=float)
            words = {"drawn": rng.normal(size=case.units), "place": -places, "none": 0 * places}[self.how]
            n = len(case.words)
            made.append(Attribution(words=words[:n], columns=words[n:], texts={}, output=0.0, empty=0.0))
        return made


@dataclass(frozen=True)
class Backwards:
    """The least important first."""

    kind: ClassVar[str] = "backwards"

    def quick(self):
        return self

    def explain(self, asker, cases, aims):
        found = explainer("occlusion").explain(asker, cases, aims)
        return [Attribution(words=-one.words, columns=-one.columns, texts={}, output=0.0, empty=0.0) for one in found]


@pytest.fixture(scope="module")
def rows(learned):
    _, judging, fitted = learned("text")
    frame = judging.problem.typed["test"].head(16)
    asker = Asker(fitted.model)
    return asker, make_cases(fitted.model, frame), aims_of(asker, frame)


def test_real_methods_pass_and_lose_their_pattern(rows):
    checks = check_methods(*rows)
    assert [one.method for one in checks] == [one.kind for one in EXPLAINERS]
    occlusion, gradients = checks
    assert occlusion.passed and occlusion.deletion.low > 0 and occlusion.insertion.low > 0
    assert abs(occlusion.shuffled.value) < 0.3 and abs(gradients.shuffled.value) < 0.3
    assert gradients.gap < 0.05 and occlusion.gap is None
    assert best(checks) == max(checks, key=lambda one: one.quality).method


@pytest.mark.parametrize("how", ["drawn", "place", "none"])
def test_what_does_not_speak_of_the_model_fails(rows, how):
    (check,) = check_methods(*rows, methods=(Fake(how),))
    assert not check.passed
    assert best([check]) is None


def test_the_least_important_first_is_worse_than_chance(rows):
    (check,) = check_methods(*rows, methods=(Backwards(),))
    assert check.deletion.value < 0 > check.insertion.value
    assert not check.passed and "no more than taking out words or columns at random" in check.why


def test_a_faithful_order_that_ignores_the_weights_fails_by_the_shuffle(rows):
    """The right weights, whatever model is asked: good curves, but nothing changes when the weights do."""
    asker, cases, aims = rows
    right = explainer("occlusion").explain(asker, cases, aims)

    @dataclass(frozen=True)
    class Remembered:
        kind: ClassVar[str] = "remembered"

        def quick(self):
            return self

        def explain(self, _asker, some, _aims):
            return [right[[id(one) for one in cases].index(id(case))] for case in some]

    (check,) = check_methods(asker, cases, aims, methods=(Remembered(),))
    assert check.deletion.low > 0
    assert check.shuffled.value == pytest.approx(1.0)
    assert not check.passed and "hardly changes when the model's weights are shuffled" in check.why


def test_areas_against_a_brute_force_curve(rows):
    asker, cases, aims = rows
    case, aim = cases[0], aims[0]
    weights = explainer("occlusion").explain(asker, [case], [aim])[0].units
    found = areas(asker, [case], [aim], [weights])
    order = np.argsort(-weights)
    counts = np.unique(np.round(np.linspace(0, case.units, min(6, case.units) + 1)).astype(int))
    levels = []
    for count in counts:
        mask = np.zeros(case.units, bool)
        mask[order[:count]] = True
        levels.append(float(aim.level(asker.ask([(case, mask[None])])[0]).mean()))
    assert found.deletion[0] == pytest.approx(np.mean([(a + b) / 2 for a, b in itertools.pairwise(levels)]))


def test_a_shuffled_model_is_another_and_the_first_stays_as_it_was(learned):
    _, judging, fitted = learned("mixed")
    frame = judging.problem.typed["test"].head(5)
    before = fitted.model.outputs(frame)
    one, same, other = (shuffled(fitted.model, seed=seed).outputs(frame) for seed in (0, 0, 1))
    assert np.array_equal(one, same) and not np.allclose(one, other) and not np.allclose(one, before)
    assert np.array_equal(fitted.model.outputs(frame), before)


def test_shuffled_trees_answer_otherwise_and_still_stand():
    trees = Trees(
        column=np.array([0, 1, 0, 0, 0]), threshold=np.zeros(5), missing_left=np.zeros(5, bool),
        left=np.array([1, 3, 2, 3, 4]), right=np.array([2, 4, 2, 3, 4]), value=np.array([0.0, 0.0, 5.0, 1.0, 2.0]),
        roots=np.array([0]), start=np.zeros(1), seen=np.array([], int), depth=np.array(2),
    )  # fmt: skip
    table = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    made = [shuffled_trees(trees, np.random.default_rng(seed)) for seed in range(4)]
    assert any(not np.array_equal(one.scores(table), trees.scores(table)) for one in made)
    assert all(sorted(one.value) == sorted(trees.value) for one in made)
    assert all(set(one.column) <= {0, 1} for one in made)


def test_rows_with_nothing_to_take_out_are_said_to_be_unchecked(learned):
    _, judging, fitted = learned("text")
    frame = judging.problem.typed["test"].head(3).with_columns(message=pl.lit("bako"))
    asker = Asker(fitted.model)
    checks = check_methods(asker, make_cases(fitted.model, frame), aims_of(asker, frame))
    assert all(one.rows == 0 and one.passed and "nothing to check it by" in one.why for one in checks)


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.normal(size=12), rng.integers(0, 4, 12)
    assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert rank_correlation(a, np.zeros(12)) == 0.0


def test_chance_comes_in_pairs_that_ask_the_same_questions(rows):
    orders = by_chance(12, np.random.default_rng(0))
    assert len(orders) == 2 * PAIRS
    for one, back in zip(orders[::2], orders[1::2], strict=True):
        assert sorted(one) == list(range(12)) and list(back) == list(one)[::-1]
    # What the one has deleted after six steps, the other has inserted: the texts are the same.
    asker, cases, aims = rows
    fresh = Asker(asker.model)
    even = [pair for pair in zip(cases, aims, strict=True) if pair[0].units % 2 == 0]
    case, aim = max(even, key=lambda pair: pair[0].units)
    areas(fresh, [case], [aim], [np.arange(case.units, dtype=float)])
    points = len(np.unique(np.round(np.linspace(0, case.units, min(6, case.units) + 1)).astype(int)))
    # Between the ends its own order asks at every point both ways, and so does each pair, not each order.
    assert fresh.encoded <= 2 * (1 + PAIRS) * (points - 2) + 2
