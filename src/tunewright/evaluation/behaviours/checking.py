"""Behaviours against the data they speak of: what does not exist there is found before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tunewright.data.derived import sources_of
from tunewright.data.expressions import parse
from tunewright.data.names import listed, suggest
from tunewright.errors import PlanError
from tunewright.evaluation.behaviours.kinds import Behaviour, Direction, Invariance, Must
from tunewright.planfile import Problem, plan_error, show
from tunewright.records import Table

if TYPE_CHECKING:
    import polars as pl

VALUE = "value"  # what `raises` and `lowers` name where a number is predicted
_Problems = Iterator[tuple[str, str]]


def check_behaviours(
    behaviours: Sequence[Behaviour], *, table: Table, labels: Sequence[str], typed: Mapping[str, pl.DataType]
) -> None:
    """Make sure that behaviours can be tried on a model of this data.

    Args:
        behaviours: as `read_behaviours` gives them.
        table: columns and task.
        labels: that the model can say; empty for regression.
        typed: types of the columns once cast, for the conditions of `apply_to`.

    Raises:
        PlanError: lists all that do not fit.
    """
    problems = [
        Problem(path=f"[{place}].{path}", text=text)
        for place, behaviour in enumerate(behaviours)
        for path, text in _misfits(behaviour, table, labels, typed)
    ]
    if problems:
        raise plan_error(problems, source="The behaviours file")


def used_columns(table: Table) -> tuple[str, ...]:
    """The columns of the file that the model's answer depends on, by themselves or by way of a derived column."""
    sources = sources_of(table.columns)
    return tuple(c.name for c in table.columns if (c.role == "feature" and not c.derived) or c.name in sources)


def text_columns(table: Table) -> tuple[str, ...]:
    """The text columns that the model reads."""
    return tuple(c.name for c in table.columns if c.role == "feature" and c.kind == "text" and not c.derived)


def _misfits(behaviour: Behaviour, table: Table, labels: Sequence[str], typed: Mapping[str, pl.DataType]) -> _Problems:
    texts = text_columns(table)
    if any(isinstance(example, str) for example in behaviour.examples) and len(texts) != 1:
        got = f"{len(texts)} ({listed(texts)})" if texts else "none"
        text = f"must give cells by column, unless the model reads one text column. Got {got}. Write {{column: cell}}."
        yield "examples", text
    for place, example in enumerate(behaviour.examples):
        if not isinstance(example, str):
            yield from _unknown_columns(f"examples[{place}]", example, table)
    if isinstance(behaviour, Must):
        yield from _answers(behaviour, table, labels)
        return
    yield from _unknown_columns("set", behaviour.set, table)
    yield from _place_of_words(behaviour, texts, table)
    if behaviour.apply_to is not None:
        try:
            parse(behaviour.apply_to).check_condition(typed)
        except PlanError as error:
            yield "apply_to", str(error)
    if isinstance(behaviour, Invariance) and (behaviour.tolerance > 0) != (table.task == "regression"):
        yield "tolerance", _tolerance(table)
    if isinstance(behaviour, Direction):
        yield from _direction(behaviour, table, labels)


def _unknown_columns(path: str, cells: Mapping[str, str | None], table: Table) -> _Problems:
    used = used_columns(table)
    for name in cells:
        if name not in used:
            hint = suggest(name, used).strip() or f"They are {listed(used)}."
            yield path, f"must name columns that the model uses. Got {show(name)}. {hint}"


def _place_of_words(behaviour: Invariance | Direction, texts: Sequence[str], table: Table) -> _Problems:
    """Where words are swapped or added has to be clear."""
    adds = isinstance(behaviour, Direction) and behaviour.add is not None
    if behaviour.column is not None:
        yield from _unknown_columns("column", {behaviour.column: None}, table)
    elif adds and len(texts) != 1:
        yield "column", f"must say where to add the text, unless there is one text column. Got {len(texts)}. Name one."
    elif isinstance(behaviour, Invariance) and behaviour.swaps and not texts:
        yield "column", "must say where to swap words, since the model reads no text column. Got none. Name one."


def _answers(must: Must, table: Table, labels: Sequence[str]) -> _Problems:
    if table.task == "regression":
        if must.label is not None:
            text = f"must be left out where a number is predicted. Got {show(must.label)}. Write at_least or at_most."
            yield "label", text
    elif must.label is None:
        yield "label", "must be given where a label is predicted. Got at_least or at_most. Write the label."
    elif must.label not in labels:
        yield "label", _no_label(must.label, labels)


def _direction(direction: Direction, table: Table, labels: Sequence[str]) -> _Problems:
    path = "raises" if direction.raises is not None else "lowers"
    named = direction.raises if direction.raises is not None else direction.lowers
    if table.task == "regression":
        if named != VALUE:
            yield path, f"must be the word {VALUE} where a number is predicted. Got {show(named)}. Write {VALUE}."
        return
    if named not in labels:
        yield path, _no_label(str(named), labels)
    if direction.by >= 1:
        yield "by", f"must be below 1, since it is a probability. Got {direction.by:g}. Write 0.1, or leave it out."


def _tolerance(table: Table) -> str:
    if table.task == "regression":
        return "must be a number > 0 where a number is predicted. Got none. Say by how much the answer may change."
    return "must be left out where a label is predicted. Got one. The label must not change at all; remove it."


def _no_label(label: str, labels: Sequence[str]) -> str:
    hint = suggest(label, labels).strip() or f"The labels are {listed(labels)}."
    return f"must be a label of the target. Got {show(label)}. {hint}"
