"""Why the model made its worst mistakes: their words and columns weighed, for the report's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tunewright.records import Analysis, Explained, Explanation

if TYPE_CHECKING:
    from tunewright.explain.cases import Case
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained

# Each thing that is taken out of a row is a row more to answer; short texts let about thirty mistakes be explained.
MOST_VARIANTS = 400
FEWEST = 3
DIGITS = 4


def with_reasons(analysis: Analysis, prepared: Prepared, trained: Trained, explanation: Explanation) -> Analysis:
    """The analysis with explanations of its worst mistakes, as many as a bounded time allows.

    Args:
        analysis: whose mistakes are explained, worst first.
        prepared: the rows.
        trained: the model.
        explanation: says which method may be shown; where none may, nothing is explained.
    """
    if explanation.method is None or not analysis.mistakes:
        return analysis
    from tunewright.explain.asking import Asker
    from tunewright.explain.cases import make_cases
    from tunewright.explain.local import explain_rows
    from tunewright.explain.methods import explainer

    typed = trained.rows.problem.typed["test"]
    places = {row: place for place, row in enumerate(prepared.split.test)}
    some = typed[[places[one.row] for one in analysis.mistakes]]
    asker = Asker(trained.fitted.model, seed=prepared.seed)
    count = affordable(make_cases(asker.model, some))
    reasons = explain_rows(asker, some.head(count), explainer(explanation.method))
    explained = [
        replace(one, explained=_short(why)) for one, why in zip(analysis.mistakes[:count], reasons, strict=True)
    ]
    return replace(analysis, mistakes=(*explained, *analysis.mistakes[count:]))


def affordable(cases: Sequence[Case]) -> int:
    """How many of them, from the first on, are explained by taking out `MOST_VARIANTS` things at most; three anyway."""
    spent, count = 0, 0
    for case in cases:
        spent += case.units + len(case.cells) + 2
        if spent > MOST_VARIANTS and count >= FEWEST:
            break
        count += 1
    return count


def _short(why: Explained) -> Explained:
    """With as many digits as anybody reads: there are thousands of words."""
    tokens = tuple(replace(token, weight=round(token.weight, DIGITS)) for token in why.tokens)
    columns = tuple(replace(column, weight=round(column.weight, DIGITS)) for column in why.columns)
    return replace(why, tokens=tokens, columns=columns)
