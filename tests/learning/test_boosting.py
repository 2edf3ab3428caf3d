"""Trees beside the network: kept where they know something, not by luck, and the same after the bundle is read back."""

import numpy as np
import polars as pl
import pytest

from tunewright.bundle.format import write_bundle
from tunewright.bundle.reading import read_bundle
from tunewright.errors import ModelError
from tunewright.learning.boosting import SHARES, choose_trees, fit_boosting


def corners(rows, seed=0):
    """A target that no sum over columns can tell: what a high amount means depends on the plan; some are empty."""
    rng = np.random.default_rng(seed)
    amount, pro = rng.normal(size=rows), rng.random(rows) < 0.5
    label = np.where(((amount > 0) == pro) ^ (rng.random(rows) < 0.05), "same", "other")
    gaps = [None if gap else float(value) for gap, value in zip(rng.random(rows) < 0.1, amount, strict=True)]
    parts = ["train", "train", "validation", "train", "test"]
    return pl.DataFrame(
        {
            "amount": pl.Series(gaps, dtype=pl.Float64),
            "plan": np.where(pro, "pro", "free"),
            "y": label,
            "part": [parts[i % 5] for i in range(rows)],
        }
    )


@pytest.fixture(scope="module")
def cornered(learn):
    return learn("table", corners(1000), model={"train": "head"}, training={"epochs": 1})


def test_trees_are_mixed_in_where_columns_act_together(cornered):
    _, judging, fitted = cornered
    assert fitted.trained.trees
    assert fitted.settled.trees_share == fitted.model.trees_share > 0
    assert fitted.settled.tree_rounds > 0
    truth = judging.problem.targets["test"]
    alone = fitted.probe_outputs["test"].argmax(1) == truth
    assert (fitted.outputs["test"].argmax(1) == truth).mean() > alone.mean() + 0.2


def test_the_model_in_memory_and_the_bundle_answer_as_the_fit_did(cornered, tmp_path):
    _, judging, fitted = cornered
    rows = judging.problem.typed["test"]
    np.testing.assert_allclose(fitted.model.outputs(rows), fitted.outputs["test"], atol=1e-5)
    write_bundle(tmp_path / "b", fitted.model, backbone_folder=None, card="# card", extra={}, sample=rows)
    again = read_bundle(tmp_path / "b")
    np.testing.assert_allclose(again.outputs(rows), fitted.model.outputs(rows), atol=1e-6)
    (tmp_path / "b" / "trees.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelError):
        read_bundle(tmp_path / "b")


def test_the_same_rounds_again_where_they_are_settled(cornered):
    _, judging, _ = cornered
    tables = {
        part: judging.problem.preprocessor.featurizer.plain(frame) for part, frame in judging.problem.typed.items()
    }
    again = fit_boosting(tables, judging.problem, rounds=7)
    assert again.rounds == 7
    assert len(again.trees.roots) == 7


def test_validation_decides_and_noise_does_not():
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, 300)
    good = np.stack([-2.0 * targets, 2.0 * targets], axis=1) + rng.normal(size=(300, 2))
    noise = rng.normal(size=(300, 2))

    def score(outputs, truth):
        return float((outputs.argmax(1) == truth).mean())

    assert choose_trees(noise, good, targets, score, seed=0) >= 0.5
    assert choose_trees(good, noise, targets, score, seed=0) == 0.0
    assert choose_trees(good, good, targets, score, seed=0) == 0.0
    assert choose_trees(noise, good, targets, score, seed=0) in SHARES


def test_luck_on_few_rows_does_not_put_trees_into_a_model():
    """Both know nothing: trees picked among six shares must not get in more often than one time in seven."""

    def score(outputs, truth):
        return float((outputs.argmax(1) == truth).mean())

    kept = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        network, trees = rng.normal(size=(2, 100, 2))
        kept += choose_trees(network, trees, rng.integers(0, 2, 100), score, seed=seed) > 0
    assert kept <= 9


def test_several_labels_a_row_and_rows_without_columns_have_none(learned):
    for kind in ("multilabel", "text"):
        _, judging, fitted = learned(kind)
        assert not fitted.trained.trees
        assert fitted.settled.tree_rounds is None
        plain = judging.problem.preprocessor.featurizer.plain
        assert fit_boosting({p: plain(f) for p, f in judging.problem.typed.items()}, judging.problem) is None
