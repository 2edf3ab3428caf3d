"""A table posed for examination."""

import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.detectors import Rows
from tunewright.records import Split
from tunewright.splits.clusters import clusters


def pose(frame: pl.DataFrame, target="y", parts=None, learned=lambda: None, **kinds) -> Rows:
    """Rows as the audit hands them to a detector; parts are dealt out two to one to one unless given."""
    seen = frame
    table = describe(seen, target=target, columns=kinds, pair="none")
    typed = conform(frame, table, require_target=True)
    rows = [row for row in range(frame.height) if typed[target][row] is not None]
    parts = parts or ["train", "train", "validation", "test"] * frame.height
    split = Split(**{p: tuple(r for r in rows if parts[r] == p) for p in ("train", "validation", "test")}, how="given")
    return Rows(
        raw=frame, typed=typed, table=table, split=split, clusters=clusters(typed, table), learned=learned, seed=0
    )


@pytest.fixture(name="pose")
def pose_fixture():
    return pose
