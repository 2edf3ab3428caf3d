"""Steps on the rows of a table, one vectorised polars expression each; n rows cost n per step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import polars as pl

from tunewright.data.expressions.compiling import Among, Cells, Literal, Step
from tunewright.data.expressions.kinds import DTYPES, Value
from tunewright.data.expressions.operations import Kind

if TYPE_CHECKING:
    from tunewright.data.expressions.operations import Build


def run(step: Step, frame: pl.DataFrame) -> pl.Series | Value:
    """The answer for every row; a plain value where the step looks at no column.

    >>> from tunewright.data.expressions.compiling import compile_tree
    >>> from tunewright.data.expressions.parsing import parse_tree
    >>> frame = pl.DataFrame({"n": [1, 0]})
    >>> run(compile_tree("1 / n", parse_tree("1 / n"), frame.schema), frame).to_list()
    [1.0, None]
    """
    if isinstance(step, Literal):
        return step.value
    if isinstance(step, Cells):
        return _cells(frame.get_column(step.column), step.kind)
    if isinstance(step, Among):
        values = pl.Series(list(step.values), dtype=DTYPES[step.item.kind])
        return _evaluated(lambda item: item.is_in(values.implode()), (step.item,), frame, "truth")
    build = step.form.build
    if "digits" in step.form.takes:
        digits = cast(Literal, step.arguments[-1]).value
        return _evaluated(lambda number: build(number, int(cast(float, digits))), step.arguments[:-1], frame, step.kind)
    return _evaluated(build, step.arguments, frame, step.kind)


def spread(answer: pl.Series | Value, kind: Kind, height: int) -> pl.Series:
    """An answer as a column: a plain value stands in every row."""
    return answer if isinstance(answer, pl.Series) else pl.repeat(answer, height, dtype=DTYPES[kind], eager=True)


def _evaluated(build: Build, steps: Sequence[Step], frame: pl.DataFrame, gives: Kind) -> pl.Series | Value:
    answers = [run(step, frame) for step in steps]
    columns = {str(place): answer for place, answer in enumerate(answers) if isinstance(answer, pl.Series)}
    arguments = [
        pl.col(str(place)) if str(place) in columns else pl.lit(answer, dtype=DTYPES[step.kind])
        for place, (answer, step) in enumerate(zip(answers, steps, strict=True))
    ]
    rows = pl.DataFrame(columns) if columns else pl.DataFrame({"": [None]})
    result = rows.select(build(*arguments).cast(DTYPES[gives])).to_series()
    result = _finite(result) if gives == "number" else result
    return result if columns else cast(Value, result.item())


def _cells(values: pl.Series, kind: Kind) -> pl.Series:
    if isinstance(values.dtype, pl.Datetime) and values.dtype.time_zone is not None:
        values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    values = values.cast(DTYPES[kind])
    return _finite(values) if kind == "number" else values


def _finite(numbers: pl.Series) -> pl.Series:
    number = pl.col(numbers.name)
    return numbers.to_frame().select(pl.when(number.is_finite()).then(number)).to_series()
