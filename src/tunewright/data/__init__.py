"""Reading tables, what their columns hold, the task they pose, and fingerprints of their content.

The names load on first use: the plan reads its options from here, and must not wait for polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunewright.data.dataset import conform, describe
    from tunewright.data.dates import date_format, parse_dates
    from tunewright.data.digests import fingerprint, row_digests, row_keys
    from tunewright.data.kinds import infer_columns
    from tunewright.data.numbers import parse_number, parse_numbers
    from tunewright.data.pairs import infer_pair
    from tunewright.data.reading import Reading, read
    from tunewright.data.tasks import infer_task, split_labels

_HOME = {
    "Reading": "reading",
    "conform": "dataset",
    "date_format": "dates",
    "describe": "dataset",
    "fingerprint": "digests",
    "infer_columns": "kinds",
    "infer_pair": "pairs",
    "infer_task": "tasks",
    "parse_dates": "dates",
    "parse_number": "numbers",
    "parse_numbers": "numbers",
    "read": "reading",
    "row_digests": "digests",
    "row_keys": "digests",
    "split_labels": "tasks",
}

__all__ = [
    "Reading",
    "conform",
    "date_format",
    "describe",
    "fingerprint",
    "infer_columns",
    "infer_pair",
    "infer_task",
    "parse_dates",
    "parse_number",
    "parse_numbers",
    "read",
    "row_digests",
    "row_keys",
    "split_labels",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
