"""What is asked of many variants is what the model itself would answer."""

import numpy as np
import polars as pl
import pytest

from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases, texts_of
from tunewright.explain.occlusion import masks_of
from tunewright.explain.references import references
from tunewright.features.categories import CategoryFeature
from tunewright.features.dates import DateFeature
from tunewright.features.featurizer import Featurizer
from tunewright.features.numbers import NumberFeature

ALL = ["text", "pair", "multilabel", "table", "mixed"]


@pytest.mark.parametrize("kind", ALL)
def test_answers_are_the_models_own(learned, kind):
    _, judging, fitted = learned(kind)
    rows = judging.problem.typed["test"].head(12)
    cases = make_cases(fitted.model, rows)
    asker = Asker(fitted.model)
    found = asker.outputs(texts_of(fitted.model, [case.cells for case in cases]), rows)
    assert np.abs(found - fitted.model.outputs(rows)).max() < 1e-5
    asked = asker.ask([(case, masks_of(case)) for case in cases])
    assert np.abs(np.stack([one[0].mean(0) for one in asked]) - found).max() < 1e-5
    assert [one.shape for one in asked] == [
        (2 + case.units + len(case.cells), asker.rounds, fitted.model.task.outputs) for case in cases
    ]


def test_a_word_taken_out_is_the_answer_to_the_text_without_it(learned):
    _, judging, fitted = learned("mixed")
    rows = judging.problem.typed["test"].head(3)
    asker = Asker(fitted.model)
    for place, case in enumerate(make_cases(fitted.model, rows)):
        masks = np.eye(case.units, dtype=bool)[:2]
        found = asker.ask([(case, masks)])[0][:, 0]
        words = rows["message"][place].split()
        without = pl.concat([rows[place], rows[place]]).with_columns(
            pl.Series("message", [" ".join(words[1:]), " ".join([words[0], *words[2:]])])
        )
        assert np.abs(found - fitted.model.outputs(without)).max() < 1e-5


def test_a_cell_taken_out_is_the_mean_over_usual_cells(learned):
    _, judging, fitted = learned("table")
    row = judging.problem.typed["test"].head(1)
    (case,) = make_cases(fitted.model, row)
    assert case.columns == ("amount", "plan") and not case.words
    asker = Asker(fitted.model)
    found = asker.ask([(case, np.array([[False, True], [True, False]]))])[0]
    plans = asker.references["plan"]
    assert set(plans) == {"free", "pro", "team"} and len(plans) == asker.rounds == 8
    other = pl.concat([row] * 8).with_columns(plan=pl.Series(plans))
    assert np.abs(found[0] - fitted.model.outputs(other)).max() < 1e-5
    fill = next(one.fill for one in fitted.model.preprocessor.featurizer.features if one.column == "amount")
    filled = row.with_columns(amount=pl.lit(fill))
    assert np.abs(found[1] - fitted.model.outputs(filled)).max() < 1e-5


def test_each_text_is_encoded_once(learned):
    _, judging, fitted = learned("text")
    cases = make_cases(fitted.model, judging.problem.typed["test"].head(5))
    asker = Asker(fitted.model)
    asks = [(case, masks_of(case)) for case in cases]
    first = asker.ask(asks)
    encoded = asker.encoded
    again = asker.ask(asks)
    assert asker.encoded == encoded > 0
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_usual_cells_follow_the_train_rows():
    from datetime import datetime

    rare = ["x"] * 60 + ["y"] * 20 + ["z"] * 1
    days = [datetime(2024, 1, 1), datetime(2024, 1, 3)]
    fitted = Featurizer(
        features=(
            CategoryFeature.fit(pl.Series("c", rare)),
            CategoryFeature.fit(pl.Series("b", [True] * 10 + [False] * 30)),
            CategoryFeature.fit(pl.Series("odd", [f"v{n}" for n in range(20)])),
            NumberFeature.fit(pl.Series("n", [1.0, 2.0, 9.0]), "robust", "auto"),
            DateFeature.fit(pl.Series("d", days)),
        )
    )
    usual = references(fitted)
    assert sorted(usual["c"]) == ["x"] * 6 + ["y"] * 2
    assert sorted(usual["b"]) == [False] * 6 + [True] * 2
    assert usual["odd"] == [None] * 8
    assert usual["n"] == [2.0] * 8
    assert usual["d"] == [datetime(2024, 1, 2)] * 8
    assert references(fitted) == usual


def test_categories_of_earlier_bundles_are_drawn_evenly():
    fitted = Featurizer(features=(CategoryFeature(column="c", values=("x", "y")),))
    assert sorted(references(fitted)["c"]) == ["x"] * 4 + ["y"] * 4


def test_texts_that_are_one_to_the_tokenizer_are_encoded_once(learned):
    _, judging, fitted = learned("text")
    asker = Asker(fitted.model)
    rows = judging.problem.typed["test"].head(1)
    same = [["bako lili"], ["BAKO lili"], ["bako  LILI"]]
    found = [asker.outputs([texts], rows) for texts in same]
    assert asker.encoded == 1
    # What stands beside the network reads letters itself, so only the network's part must be the same.
    features = [asker.features([texts], rows) for texts in same]
    assert np.array_equal(features[0], features[1]) and np.array_equal(features[0], features[2])
    assert found[0].shape == (1, 3)
    asker.outputs([["lili bako"]], rows)
    assert asker.encoded == 2
