"""What is asked of many variants is what the model itself would answer."""

import numpy as np
import pytest

from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases, texts_of
from tunewright.explain.occlusion import masks_of


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table", "mixed"])
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
