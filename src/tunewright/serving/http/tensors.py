"""The Open Inference Protocol: a column is an input tensor of shape [n], an answer an output tensor.

Source: Open Inference Protocol, version 2, REST (kserve/open-inference-protocol).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.records import Kind
from tunewright.serving.answers import Answer
from tunewright.serving.models import Version
from tunewright.serving.refusals import Problem, Refused, cut
from tunewright.serving.schema import Rows, Schema

MOST = 1_000  # inputs of a request
_INTEGERS = frozenset({f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)})
_NUMBERS = frozenset({*_INTEGERS, "FP16", "FP32", "FP64"})
ACCEPTED: dict[Kind, frozenset[str]] = {
    "number": _NUMBERS | {"BYTES"},
    "boolean": frozenset({"BOOL", "BYTES"}) | _INTEGERS,
    "category": frozenset({"BYTES", "BOOL"}) | _NUMBERS,
}
USUAL: dict[Kind, str] = {"number": "FP64", "boolean": "BOOL"}


def datatype(kind: Kind) -> str:
    """The protocol's name for what a column holds.

    >>> datatype("number"), datatype("text")
    ('FP64', 'BYTES')
    """
    return USUAL.get(kind, "BYTES")


def inputs_of(schema: Schema) -> list[dict[str, Any]]:
    """Input tensors, as metadata tell them."""
    return [{"name": one.name, "datatype": datatype(one.kind), "shape": [-1]} for one in schema.inputs]


def outputs_of(version: Version) -> list[dict[str, Any]]:
    """Output tensors, as metadata tell them."""
    if version.task == "regression":
        return [{"name": name, "datatype": "FP64", "shape": [-1]} for name in ("prediction", "low", "high")]
    return [
        {"name": "prediction", "datatype": "BYTES", "shape": [-1]},
        {"name": "confidence", "datatype": "FP64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, len(version.labels)]},
    ]


def read_tensors(schema: Schema, body: Any) -> Rows:
    """The rows of an inference request.

    Raises:
        Refused: 400 where it breaks the protocol, 422 where rows do not fit the schema.
    """
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), list) or not body["inputs"]:
        raise Refused(400, "An inference request must have inputs, a list of tensors. Name each column.")
    if len(body["inputs"]) > MOST:
        raise Refused(400, f"An inference request may have at most {MOST:,} inputs. Got {len(body['inputs']):,}.")
    kinds = {one.name: one.kind for one in schema.inputs}
    columns: dict[str, Any] = {}
    problems: list[Problem] = []
    for number, tensor in enumerate(body["inputs"]):
        fault = _fault(tensor)
        if fault is None and tensor["name"] in columns:
            fault = "comes twice"
        if fault is None and tensor["datatype"] not in ACCEPTED.get(kinds.get(tensor["name"], "text"), {"BYTES"}):
            fault = f"must be {datatype(kinds.get(tensor['name'], 'text'))}; got {cut(tensor['datatype'])}"
        if fault is None:
            columns[tensor["name"]] = flat(tensor["data"])
            wanted = tensor["shape"][0]
            if len(columns[tensor["name"]]) != wanted:
                fault = f"has the shape {tensor['shape']} and {len(columns[tensor['name']]):,} values"
        if fault is not None:
            name = tensor.get("name") if isinstance(tensor, dict) else None
            problems.append(Problem(column=name if isinstance(name, str) else f"inputs[{number}]", what=fault))
    if problems:
        raise Refused(400, "Each input must be a tensor of a column.", problems=problems)
    return schema.of_columns(columns)


def _fault(tensor: Any) -> str | None:
    """What keeps a value from being a tensor of one value per row."""
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        return "must be an object with a name"
    if not isinstance(tensor.get("datatype"), str) or not isinstance(tensor.get("data"), list):
        return "must have a datatype and data, a list"
    shape = tensor.get("shape")
    if not isinstance(shape, list) or not shape or any(type(size) is not int or size < 0 for size in shape):
        return "must have a shape, a list of sizes"
    if len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
        return "must have the shape [rows] or [rows, 1]"
    return None


def flat(data: Sequence[Any]) -> list[Any]:
    """Values of a tensor, whether each row is a list of one value or the value itself.

    >>> flat([[1], [2]]), flat([1, 2])
    ([1, 2], [1, 2])
    """
    return [value[0] if isinstance(value, list) and len(value) == 1 else value for value in data]


def write_tensors(version: Version, answers: Sequence[Answer], asked: Any) -> list[dict[str, Any]]:
    """Output tensors of the answers; `asked` is the request's `outputs`, or None for all of them.

    Raises:
        Refused: 400, an output that does not exist.
    """
    there = [one["name"] for one in outputs_of(version)]
    wanted = there if asked is None else _asked(asked, there)
    made = []
    for one in outputs_of(version):
        name = one["name"]
        if name not in wanted or not all(name in answer for answer in answers):
            continue
        shape, data = [len(answers)], [answer[name] for answer in answers]
        if name == "probabilities":
            shape = [len(answers), len(version.labels)]
            data = [answer[name][label] for answer in answers for label in version.labels]
        made.append({"name": name, "datatype": one["datatype"], "shape": shape, "data": data})
    return made


def _asked(asked: Any, there: Sequence[str]) -> list[str]:
    names = (
        [one.get("name") if isinstance(one, Mapping) else None for one in asked] if isinstance(asked, list) else [None]
    )
    if not names or any(name not in there for name in names):
        raise Refused(400, f"outputs must name some of {', '.join(there)}. Correct them, or leave them out.")
    return [str(name) for name in names]
