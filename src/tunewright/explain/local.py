"""Why single rows got their answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.explain.aim import Aim, aims
from tunewright.explain.asking import Asker
from tunewright.explain.attribution import Attribution
from tunewright.explain.cases import Case, make_cases
from tunewright.explain.gradients import IntegratedGradients
from tunewright.explain.methods import Explainer
from tunewright.explain.neighbours import Pool, nearest
from tunewright.records import ColumnWeight, Explained, TokenWeight
from tunewright.tasks import Multilabel

Array = np.ndarray[Any, np.dtype[Any]]


def explain_rows(
    asker: Asker,
    typed: pl.DataFrame,
    method: Explainer | None,
    *,
    label: str | None = None,
    pool: Pool | None = None,
    notes: Sequence[str] = (),
) -> list[Explained]:
    """Explain every row.

    Args:
        asker: the model.
        typed: (n) rows, as `Preprocessor.conform` casts them.
        method: to weigh with; None: no method may be shown, so only answers and neighbours are told.
        label: explain this label of each row in place of the one said.
        pool: training rows to look for neighbours in, or None.
        notes: what is to be said of each.

    Raises:
        DataError: a label that the model does not know.
    """
    predictor = Predictor(asker.model)
    cases = make_cases(asker.model, typed)
    wanted = aims_of(asker, typed, label=label)
    answers = predictor.predict_typed(typed)
    found: Sequence[Attribution | None] = [None] * len(cases)
    if method is not None:
        found = method.explain(asker, cases, wanted)
    close = [()] * len(cases) if pool is None else nearest(asker, pool, cases, answers["prediction"].to_list())
    kind = method.kind if method is not None else "none"
    return [
        Explained(
            prediction=answers["prediction"][row],
            confidence=answers["confidence"][row],
            label=wanted[row].name,
            method=kind,
            unit=wanted[row].unit,
            neighbours=tuple(close[row]),
            notes=(
                *notes,
                *case.notes,
                *_said(wanted[row], answers["prediction"][row], label),
                *_missed(method, found[row]),
            ),
            texts=case.cells,
            **_weights(case, found[row]),
        )
        for row, case in enumerate(cases)
    ]


def aims_of(asker: Asker, typed: pl.DataFrame, *, label: str | None = None) -> list[Aim]:
    """What to explain of each row; see `aims`."""
    outputs = asker.model.outputs(typed)
    return aims(asker.model, outputs, Predictor(asker.model).outcome(outputs, None), label=label)


def _weights(case: Case, found: Attribution | None) -> dict[str, Any]:
    if found is None:
        return {"tokens": (), "columns": ()}
    tokens = tuple(
        TokenWeight(
            text=case.cells[word.column][word.start : word.end],
            weight=float(weight),
            column=word.column,
            start=word.start,
            end=word.end,
        )
        for word, weight in zip(case.words, found.words, strict=True)
    )
    named = dict(zip(case.columns, map(float, found.columns), strict=True)) | dict(found.texts)
    order = sorted(named, key=lambda name: -abs(named[name]))
    return {
        "tokens": tokens,
        "columns": tuple(ColumnWeight(name=name, weight=named[name]) for name in order),
        "output": found.output,
        "empty": found.empty,
        "gap": found.gap,
    }


def _missed(method: Explainer | None, found: Attribution | None) -> list[str]:
    """Where weights that should add up do not, within what the method allows itself."""
    if not isinstance(method, IntegratedGradients) or found is None or found.gap is None or found.whole is None:
        return []
    if found.gap <= method.tolerance * max(abs(found.whole), 1.0):
        return []
    return [f"The weights miss what they should add up to ({found.whole:+.2f}) by {found.gap:.2f}."]


def _said(aim: Aim, prediction: Any, label: str | None) -> list[str]:
    """Where what is explained is not what was said."""
    if not isinstance(aim.task, Multilabel) or label is not None or prediction == aim.name:
        return []
    if not prediction:
        return [f"No label was said; weights are those of {aim.name}, the likeliest."]
    return [f"Several labels were said; weights are those of {aim.name}, the surest. Ask for another by its name."]
