"""What a challenger reads of the columns: what the champion read, and nothing by which its rows were split."""

import polars as pl
import pytest

from tunewright.data import describe
from tunewright.stories.living.adaptation_rows import PART, column_kinds

ROLES = {"customer": "group", "created": "time", "part": "part", PART: "part", "worth": "weight"}


@pytest.fixture
def frame():
    rows = 40
    return pl.DataFrame(
        {
            "amount": [0.37 * n for n in range(rows)],
            "plan": ["free", "pro"] * (rows // 2),
            "note": ["same"] * rows,
            "customer": [f"c{n % 9}" for n in range(rows)],
            "created": [3 * n + n % 2 for n in range(rows)],
            "part": ["train", "test"] * (rows // 2),
            PART: ["train", "validation"] * (rows // 2),
            "worth": [1 + n % 3 for n in range(rows)],
            "y": ["yes", "no", "no", "yes"] * (rows // 4),
        }
    )


def test_only_features_stay_features(frame):
    table = describe(frame, target="y", roles=ROLES)
    found = column_kinds(table)
    assert found == {
        "amount": "number",
        "plan": "category",
        "note": "ignore",
        "customer": "ignore",
        "created": "ignore",
        "part": "ignore",
    }


def test_a_challenger_described_so_reads_what_the_champion_read(frame):
    champion = describe(frame, target="y", roles=ROLES)
    some = frame.filter(pl.col("created") % 7 > 1)  # replayed rows: the times have gaps and look like a number
    told = describe(some, target="y", columns=column_kinds(champion), roles={PART: "part", "worth": "weight"})
    features = [{c.name for c in table.columns if c.role == "feature"} for table in (champion, told)]
    assert features[0] == features[1] == {"amount", "plan"}
    without_a_word = describe(some, target="y", roles={PART: "part", "worth": "weight"})
    assert "created" in {c.name for c in without_a_word.columns if c.role == "feature"}
