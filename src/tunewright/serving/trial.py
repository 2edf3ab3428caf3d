"""Before a version answers anybody: rows that it must be able to answer, alone and in a batch alike."""

from __future__ import annotations

import time
from typing import Any

from tunewright.errors import ModelError
from tunewright.serving.answers import Answer, answer_rows
from tunewright.serving.models import Version
from tunewright.serving.refusals import Refused
from tunewright.serving.schema import Rows

TOLERANCE = 0.02  # of a probability, or of a value's own size: bfloat16 rounds another way in another batch
BATCHES = (1, 1, 8, 32, 1, 1)  # rows; the first warm up, and all tell how long a batch takes


def try_out(version: Version) -> None:
    """Answer example rows in batches of several sizes, and learn the version's pace.

    To be called by the batcher's worker, which owns the models.

    Raises:
        ModelError: an answer is missing, not finite, or another one in a batch than alone.
    """
    alone = None
    for number, count in enumerate(BATCHES):
        rows = _rows(version, count)
        begun = time.monotonic()
        answers = answer_rows(version, [rows])
        if number:  # the first call of a process pays for much that no later one does
            version.pace.saw(max(rows.costs) * count, time.monotonic() - begun)
        alone = alone or answers[0]
        if not all(_alike(alone, answer) for answer in answers):
            raise ModelError(
                f"A model must answer a row in a batch as it does alone. In a batch of {count} it does not. Take the "
                "bundle from the run again."
            )


def _rows(version: Version, count: int) -> Rows:
    try:
        return version.schema.of_rows([dict(version.example)] * count)
    except Refused as problem:
        raise ModelError(f"A model must answer its own example row. {problem}") from problem


def _alike(a: Answer, b: Answer) -> bool:
    """Whether two answers are the same but for rounding; on the edge between two labels either may be said."""
    sure, other = a.get("confidence"), b.get("confidence")
    if sure is None or other is None:
        return _near(a["prediction"], b["prediction"])
    return bool(abs(sure - other) <= TOLERANCE)


def _near(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= TOLERANCE * max(abs(a), abs(b), 1.0))
