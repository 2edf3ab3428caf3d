"""The OpenAPI description: what each path takes and answers, with the columns of the default model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunewright.serving.models import Version
from tunewright.serving.schema import Input

Json = dict[str, Any]

_CELLS: dict[str, Json] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
}
_NULLABLE = {"type": ["string", "null"]}
_PROBLEM: Json = {
    "type": "object",
    "properties": {
        "row": {"type": ["integer", "null"]},
        "column": {"type": ["string", "null"]},
        "what": {"type": "string"},
    },
    "required": ["row", "column", "what"],
}
_ERROR: Json = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "status": {"type": "integer"},
                "message": {"type": "string"},
                "problems": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
                "id": {"type": ["string", "null"]},
            },
            "required": ["status", "message", "problems"],
        }
    },
    "required": ["error"],
}
_INFERENCE_ERROR: Json = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_PREDICTION: Json = {
    "type": "object",
    "properties": {
        "prediction": {"type": ["string", "number"]},
        "confidence": {"type": ["number", "null"]},
        "low": {"type": ["number", "null"]},
        "high": {"type": ["number", "null"]},
        "probabilities": {"type": "object", "additionalProperties": {"type": "number"}},
        "set": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["prediction", "confidence"],
}
_NAMED: Json = {
    "model": {"type": "string"},
    "version": {"type": "string"},
    "id": {"type": "string"},
}
_WHY = {
    400: "it breaks the protocol",
    401: "no token, or a wrong one",
    403: "another host or origin",
    404: "no such model or version",
    408: "the body came too slowly",
    413: "the body is too long",
    415: "not JSON",
    422: "rows do not fit the model; each problem is named",
    429: "more work than time; Retry-After says when",
    500: "a fault of the server",
    503: "not ready, or the time ran out; Retry-After says when",
}
REFUSALS = (401, 403, 404, 408, 413, 415, 422, 429, 500, 503)
TIMEOUT: Json = {
    "name": "X-Timeout-Ms",
    "in": "header",
    "required": False,
    "description": "Milliseconds that the request may take; what would take longer is refused at once.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 999999999},
}


def query(name: str) -> Json:
    """A parameter of the query that names a model or a version."""
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string"}}


def path(name: str) -> Json:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def body(schema: str) -> Json:
    """A request body of a named schema."""
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def responses(schema: str | None, *refusals: int, error: str = "Error") -> dict[int | str, Json]:
    """What may come back."""
    good: Json = {"description": "Done"}
    if schema is not None:
        good["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    wrong = {"application/json": {"schema": {"$ref": f"#/components/schemas/{error}"}}}
    return {200: good, **{status: {"description": _WHY[status], "content": wrong} for status in refusals}}


def schemas(version: Version) -> dict[str, Json]:
    """All named schemas, with a row of this version."""
    inputs = version.schema.inputs
    row: Json = {
        "type": "object",
        "properties": {one.name: _cell(one) for one in inputs},
        "required": [one.name for one in inputs if one.required],
        "additionalProperties": False,
        "example": dict(version.example),
    }
    most = version.schema.rows
    rows: Json = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}, "minItems": 1, "maxItems": most}
    explained: Json = {"type": "array", "items": {"type": "object"}}
    return {
        "Row": row,
        "PredictRequest": _record({"rows": rows, "top": {"type": "integer", "minimum": 0}}, ("rows",)),
        "PredictResponse": _record(
            {
                **_NAMED,
                "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
                "notes": {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}},
            },
            ("model", "version", "predictions"),
        ),
        "ExplainRequest": _record({"rows": {**rows, "maxItems": 1}, "label": _label(version)}, ("rows",)),
        "ExplainResponse": _record({**_NAMED, "explanations": explained}, ("model", "version", "explanations")),
        "InferenceRequest": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": {"type": "object"}}},
            "required": ["inputs"],
        },
        "InferenceResponse": {
            "type": "object",
            "properties": {
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "id": {"type": "string"},
                "outputs": {"type": "array", "items": {"type": "object"}},
            },
            "required": ["model_name", "outputs"],
        },
        "Prediction": _PREDICTION,
        "Problem": _PROBLEM,
        "Error": _ERROR,
        "InferenceError": _INFERENCE_ERROR,
        "Any": {"type": "object"},
    }


def _cell(one: Input) -> Json:
    """A cell's type. Numbers, truths and dates may also come as the texts they were learned from."""
    cell = dict(_CELLS.get(one.kind, _NULLABLE))
    if one.required:
        cell["type"] = [kind for kind in cell["type"] if kind != "null"]
    if one.kind == "category" and one.values:
        cell["examples"] = sorted(one.values)[:5]
    if one.kind == "category" and one.required:
        cell["minLength"] = 1
    if one.kind == "datetime":
        cell["description"] = f"A date written like {one.column.format or '%Y-%m-%d'}, with or without a time of day."
    return cell


def _label(version: Version) -> Json:
    return {"type": "string", "enum": list(version.labels)} if version.labels else {"type": "null"}


def _record(properties: Mapping[str, Any], required: tuple[str, ...]) -> Json:
    return {"type": "object", "properties": dict(properties), "required": list(required)}
