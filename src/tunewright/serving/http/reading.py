"""The bodies of `/predict` and `/explain`: rows or columns, one or many."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tunewright.data.names import suggest
from tunewright.serving.refusals import Problem, Refused, cut
from tunewright.serving.schema import Rows, Schema

SHAPE = 'Send {"rows": [{…}, …]} or {"columns": {"name": […], …}}.'


def read_rows(schema: Schema, body: Any) -> Rows:
    """The rows of a prediction request: `rows`, a list of objects or one; or `columns`, lists of values or one each.

    Where a model reads one text and nothing else, a row may be that text.

    Raises:
        Refused: 422.
    """
    known = _object(body, ("rows", "columns", "top"))
    if ("rows" in known) == ("columns" in known):
        raise Refused(422, f"A body must have either rows or columns. This one has {_which(known)}. {SHAPE}")
    if "rows" in known:
        rows = known["rows"]
        return schema.of_rows(_rows(schema, rows if isinstance(rows, list) else [rows]))
    columns = known["columns"]
    if not isinstance(columns, dict):
        raise Refused(422, f"columns must be an object of lists. {SHAPE}")
    if columns and not any(isinstance(values, list) for values in columns.values()):
        columns = {name: [value] for name, value in columns.items()}
    return schema.of_columns(columns)


def read_explained(schema: Schema, body: Any, most: int) -> tuple[list[Mapping[str, Any]], str | None]:
    """The rows of a request to explain, and the label that is asked about, or None.

    Raises:
        Refused: 422.
    """
    known = _object(body, ("rows", "label"))
    rows = known.get("rows")
    rows = _rows(schema, rows if isinstance(rows, list) else [rows])
    if not 0 < len(rows) <= most:
        raise Refused(
            422, f"Between 1 and {most} rows can be explained at once. Got {len(rows):,}. Send them in several."
        )
    label = known.get("label")
    if label is not None and not isinstance(label, str):
        raise Refused(422, "label must be the name of a label. Leave it out to explain the one that is said.")
    checked = schema.of_rows(rows)
    names = [one.name for one in schema.inputs]
    return [{name: checked.cells[name][place] for name in names} for place in range(checked.count)], label


def read_top(body: Mapping[str, Any], labels: int) -> int:
    """How many probabilities are told of each row: `top`, or all.

    Raises:
        Refused: 422.
    """
    top = body.get("top")
    if top is None:
        return labels
    if isinstance(top, bool) or not isinstance(top, int) or top < 0:
        raise Refused(422, "top must be a whole number, 0 or above: how many probabilities are told of each row.")
    return top


def _rows(schema: Schema, rows: list[Any]) -> list[Any]:
    if len(schema.inputs) == 1 and schema.inputs[0].kind == "text":
        name = schema.inputs[0].name
        return [{name: row} if isinstance(row, str) else row for row in rows]
    return rows


def _object(body: Any, keys: Collection[str]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Refused(422, f"A body must be an object. {SHAPE}")
    unknown = sorted(body.keys() - set(keys))
    if unknown:
        problems = [Problem(column=name, what=f"is not known here.{suggest(cut(name), keys)}") for name in unknown]
        raise Refused(422, f"A body may have {', '.join(keys)}. This one has more. {SHAPE}", problems=problems)
    return body


def _which(body: Mapping[str, Any]) -> str:
    return "both" if "rows" in body else "neither"
