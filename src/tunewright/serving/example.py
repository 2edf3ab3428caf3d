"""A row that a model can answer, made of what was fitted: no row of anybody's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tunewright.bundle.preprocessor import Preprocessor
from tunewright.features.categories import CategoryFeature
from tunewright.features.dates import DateFeature
from tunewright.features.numbers import NumberFeature
from tunewright.serving.schema import Schema

TEXT = "hello"


def example_row(schema: Schema, preprocessor: Preprocessor) -> dict[str, Any]:
    """A value for every input: the middle of numbers and dates, the commonest value of a category, a short text.

    Args:
        schema: of the model.
        preprocessor: as fitted.
    """
    fitted = {one.column: one for one in preprocessor.featurizer.features}
    return {one.name: _cell(one.kind, one.column.format, fitted.get(one.name)) for one in schema.inputs}


def _cell(kind: str, form: str | None, feature: Any) -> Any:
    if isinstance(feature, NumberFeature):
        return round(feature.fill, 6)
    if isinstance(feature, CategoryFeature):
        value = feature.values[0] if feature.values else TEXT
        return value == "true" if kind == "boolean" else value
    if kind == "datetime":
        seconds = feature.center if isinstance(feature, DateFeature) else 0.0
        return datetime.fromtimestamp(max(seconds, 0.0), UTC).strftime(form or "%Y-%m-%d")
    return {"number": 0, "boolean": False}.get(kind, TEXT)
