"""A model for rows and their targets, without a run folder: what the scikit-learn estimators are made of.

No row is set aside for a test: whoever calls an estimator's `fit` has done that. Part of the rows is held back to
choose and to stop on, as in a run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.learning.fit import fit
from tunewright.plan import Plan
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import Loaded, prepare
from tunewright.stories.training.station import judge


def fit_rows(frame: pl.DataFrame, plan: Plan) -> Predictor:
    """Fit a model on all rows of a frame but those held back to choose on.

    Args:
        frame: rows with the column that `data.target` of the plan names.
        plan: without folds; its share of test rows is not used.

    Raises:
        DataError: too few rows, or nothing to learn from.
    """
    # A plan that is read needs test rows to be honest about what it reports; nothing is reported here.
    plan = replace(plan, splits=replace(plan.splits, test=0.0))
    loaded = Loaded(frame=frame, findings=(), files=("in memory",), parts=None)
    judging, choices = judge(prepare(loaded, plan), plan)
    return Predictor(fit(judging, choices, RunContext()).model)


def answers(predictor: Predictor, frame: pl.DataFrame) -> dict[str, Any]:
    """A fitted model's answers for rows: columns by name, as `Predictor.predict` gives them."""
    found = predictor.predict(frame)
    return {name: found[name] for name in found.columns}
