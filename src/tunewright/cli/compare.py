"""`tunewright compare`: whether one model is better than another, on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    from tunewright.records import Compared


def verb(
    a: Annotated[str, typer.Argument(metavar="A", help="A run folder; with DATA also a bundle.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The one to hold it against.")],
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="Labelled rows. Default: the test rows that both runs share.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="The metric that decides. Default: that of A.")] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Say whether A is better than B on the same rows: better, worse, or no evidence either way.

    The difference is paired row by row and has an interval; the p-value allows for how often these rows have served
    already. It is looked at within slices, too, and a protected one that got worse is told.
    """
    from tunewright.records import to_json
    from tunewright.stories.judging.comparing import compare_story

    found = compare_story(Path(a), Path(b), data, metric=metric)
    return Answer(value=to_json(found), text=_text(found))


def _text(found: Compared) -> str:
    from tunewright.cli.text import table
    from tunewright.report import words

    rows: list[tuple[str, ...]] = [("metric", found.a, found.b)]
    rows += [(name, *(f"{words.value(s)} ({words.interval(s)})" for s in pair)) for name, pair in found.scores.items()]
    told = [one for one in found.slices if one.protected or one.verdict in ("better", "worse")]
    lines = [found.text, "", table(rows)]
    if told:
        slices: list[tuple[str, ...]] = [("slice", "rows", "metric", "difference", "")]
        for one in told:
            gap = f"{words.value(one.difference)} ({words.interval(one.difference)})" if one.difference else ""
            slices.append((one.condition, words.count(one.rows), one.metric, gap, _verdict(one.verdict, one.protected)))
        lines += ["", table(slices)]
    untold = len(found.slices) - len(told)
    if untold:
        lines += ["", f"{untold} more slices were looked at: no evidence of a difference in any of them."]
    if found.left_out:
        lines += [
            "",
            f"{found.left_out} rows are left out: only one of the two answered them, or one has learned from them.",
        ]
    return "\n".join(lines)


def _verdict(verdict: str, protected: bool) -> str:
    return f"{verdict}, protected" if protected else verdict
