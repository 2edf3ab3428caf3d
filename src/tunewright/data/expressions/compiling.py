"""From a tree and the types of a table's columns to steps, each one polars expression over what the steps before gave.

The steps are not woven into one large expression: cleaning an answer mentions it twice, and nested mentions double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tunewright.data.expressions.kinds import DTYPES, SAID, Value, date_of, kind_of, kind_of_column
from tunewright.data.expressions.operations import OPERATIONS, Form, Kind, Taken, compared
from tunewright.data.expressions.problems import printable, refusal
from tunewright.data.expressions.tree import Apply, Chain, Constant, Member, Name, Node


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of a kind."""

    kind: Kind
    value: Value


@dataclass(frozen=True, slots=True)
class Cells:
    """A column, cast to what its kind is computed with."""

    kind: Kind
    column: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A form on its arguments, each brought to the kind that the form takes."""

    kind: Kind
    form: Form
    arguments: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Among:
    """Whether an item is one of the values."""

    kind: Kind
    item: Step
    values: tuple[Value, ...]


Step = Literal | Cells | Operation | Among


def compile_tree(source: str, node: Node, schema: Mapping[str, pl.DataType]) -> Step:
    """Check the kinds of a tree against a table's columns.

    Args:
        source: the expression, for messages.
        node: its tree; every column in it is in the schema.
        schema: types by column name.

    Raises:
        PlanError: an operation cannot take what it gets; says where, what it takes and what it got.

    >>> from tunewright.data.expressions.parsing import parse_tree
    >>> compile_tree("n + 1", parse_tree("n + 1"), {"n": pl.Int64()}).kind
    'number'
    """
    if isinstance(node, Constant):
        return Literal(kind_of(node.value), node.value)
    if isinstance(node, Name):
        return Cells(kind_of_column(source, node, schema[node.column]), node.column)
    if isinstance(node, Member):
        return _among(source, node, compile_tree(source, node.item, schema))
    nodes = node.arguments if isinstance(node, Apply) else node.operands
    arguments = [compile_tree(source, inner, schema) for inner in nodes]
    if isinstance(node, Apply):
        return _applied(source, node, node.operation, OPERATIONS[node.operation], arguments)
    if any(inner == Literal("nothing", None) for inner in arguments):
        do = "Write is_missing(…), or not is_missing(…)."
        must = "What is compared must have a value, since nothing equals what is missing"
        raise refusal(source, node.at, must=must, got='"missing"', do=do)
    return _applied(source, node, node.signs[0], compared(node.signs), arguments)


def _applied(source: str, node: Apply | Chain, name: str, forms: tuple[Form, ...], arguments: list[Step]) -> Step:
    """The form that takes the arguments as they are, else one that takes them after a conversion."""
    forms = tuple(form for form in forms if form.fits(len(arguments)))
    for convert in (_as_is, _converted):
        for form in forms:
            wanted = (*form.takes, *(form.takes[-1],) * (len(arguments) - len(form.takes)))
            fitted = [convert(step, kind) for step, kind in zip(arguments, wanted, strict=True)]
            if all(step is not None for step in fitted):
                return Operation(form.gives, form, tuple(step for step in fitted if step is not None))
    kinds = [step.kind for step in arguments]
    dated = "date" in kinds and "text" in kinds
    takes = "; or ".join(" and ".join(SAID[kind] for kind in form.takes) for form in forms)
    if isinstance(node, Chain) or name == "if":
        takes = "a condition and two values of one kind" if name == "if" else "values of one kind"
    raise refusal(
        source,
        node.at,
        must=f'"{name}" takes {takes}',
        got=" and ".join(_shown(step) for step in arguments),
        do="Write a date as '2025-12-31' or '2025-12-31 18:00'." if dated else _advice(kinds),
    )


def _advice(kinds: list[Kind]) -> str:
    if "text" in kinds and "number" in kinds:
        return "Put what is text in 'quotes' and leave numbers without."
    return "Use values of these kinds, or set the column's kind under data.columns."


def _as_is(step: Step, kind: Taken) -> Step | None:
    if kind == "digits":
        whole = isinstance(step, Literal) and isinstance(step.value, float) and step.value in range(11)
        return step if whole else None
    return step if step.kind == kind else None


def _converted(step: Step, kind: Taken) -> Step | None:
    """True counts as 1, missing is missing of any kind, a constant text may be a date."""
    if kind == "number" and step.kind == "truth":
        return Operation("number", Form(("truth",), "number", lambda truth: truth.cast(pl.Float64)), (step,))
    if step.kind == "nothing" and kind != "digits":
        return Operation(kind, Form(("nothing",), kind, lambda nothing: nothing.cast(DTYPES[kind])), (step,))
    if kind == "date" and isinstance(step, Literal) and (date := date_of(step.value)) is not None:
        return Literal("date", date)
    return _as_is(step, kind)


def _among(source: str, node: Member, item: Step) -> Step:
    values: list[Value] = [constant.value for constant in node.values]
    if item.kind == "date":
        values = [date_of(value) or value for value in values]
    kinds = {kind_of(value) for value in values}
    if item.kind == "nothing" or (item.kind == "truth" and kinds == {"number"}):
        item = _converted(item, "text" if kinds == {"text"} else "number") or item
    if kinds == {item.kind}:
        return Among("truth", item, tuple(values))
    raise refusal(
        source,
        node.at,
        must="A list after in must hold values of the kind that is looked for",
        got=f"{_shown(item)} and a list with {' and '.join(sorted(SAID[kind] for kind in kinds))}",
        do="Write a date as '2025-12-31'." if item.kind == "date" else "Put texts in 'quotes' and numbers without.",
    )


def _shown(step: Step) -> str:
    if isinstance(step, Cells):
        return f"{SAID[step.kind]} (`{printable(step.column)}`)"
    if isinstance(step, Literal) and step.kind != "nothing":
        value = f"{step.value:g}" if step.kind == "number" else repr(step.value)
        return f"{SAID[step.kind]} ({printable(value)[:40]})"
    return SAID[step.kind]
