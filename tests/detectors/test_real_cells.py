"""What the detectors about columns and cells say of real sets, against what is known of those sets."""

from pathlib import Path

import numpy as np
import pytest

from tunewright.data import conform, describe, read
from tunewright.detectors import Rows
from tunewright.detectors.empty_text import EmptyText
from tunewright.detectors.encoding_damage import EncodingDamage
from tunewright.detectors.label_format import LabelFormat
from tunewright.detectors.missing_values import MissingValues
from tunewright.detectors.mixed_format import MixedFormat
from tunewright.detectors.shifted_row import ShiftedRow
from tunewright.example import faults
from tunewright.example import path as example
from tunewright.records import Split
from tunewright.splits.clusters import clusters

SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.shared
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout")
DETECTORS = (LabelFormat(), MissingValues(), MixedFormat(), ShiftedRow(), EncodingDamage(), EmptyText())


def posed(frame, target):
    """Rows with a random split; what hangs together plays no part here and is not looked for."""
    known = describe(frame, target=target)
    labelled = np.flatnonzero(conform(frame, known, require_target=True)[target].is_not_null().to_numpy())
    draw = np.random.default_rng(0).random(len(labelled))
    parts = [labelled[draw < 0.7], labelled[(draw >= 0.7) & (draw < 0.85)], labelled[draw >= 0.85]]
    split = Split(**dict(zip(("train", "validation", "test"), (tuple(p.tolist()) for p in parts))), how="random")
    table = describe(frame[sorted((*split.train, *split.validation))], target=target)
    typed = conform(frame, table, require_target=True)
    return Rows(raw=frame, typed=typed, table=table, split=split, clusters=clusters(typed[:0], table))


def findings(frame, target):
    rows = posed(frame, target)
    return {
        (finding.kind, column): finding for one in DETECTORS for finding in one.find(rows) for column in finding.columns
    }


def test_the_example_s_planted_faults():
    found = findings(read(example()).frame, "team")
    spelled = {
        row
        for finding in LabelFormat().find(posed(read(example()).frame, "team"))
        if finding.severity == "warning"
        for row in finding.rows
    }
    assert spelled == set(faults()["label_format"]["rows"])
    planted = faults()["missing_values"]["cells"]
    rows = posed(read(example()).frame, "team")
    missing = [finding for finding in MissingValues().find(rows) if finding.columns == ("tenure_days",)]
    empty, disguised = missing
    assert set(planted[""]) <= set(empty.rows)
    assert set(disguised.rows) == {*planted["-1"], *planted["9999999"]}
    kinds = {kind for kind, _ in found}
    assert kinds == {"label_format", "missing_values"}


@shared
@needs_shared
def test_googleplay():
    frame = read(SHARED / "googleplay/googleplaystore.csv.gz").frame
    found = findings(frame, "Category")
    assert found["shifted_row", "Category"].rows == (10_472,)
    assert "'Category' holds '1.9', as 'Rating' does elsewhere" in found["shifted_row", "Category"].evidence
    size, price = found["mixed_format", "Size"], found["mixed_format", "Price"]
    assert "8828 like '19M', 316 like '201k'" in size.evidence and "1695 'Varies with device'" in size.evidence
    assert "800 like '$4.99'" in price.evidence and {size.severity, price.severity} == {"info"}
    assert "1474 of these cells say 'NaN'" in found["missing_values", "Rating"].evidence
    assert {column for kind, column in found if kind == "mixed_format"} == {"Size", "Price"}
    assert not {"label_format", "empty_text"} & {kind for kind, _ in found}


@shared
@needs_shared
def test_marvel_and_bikes():
    marvel = findings(read(SHARED / "marvel_characters/marvel-wikia-data.csv.gz").frame, "ALIGN")
    assert "'Aug-62'" in marvel["mixed_format", "FIRST APPEARANCE"].evidence
    assert marvel["missing_values", "GSM"].severity == "warning"
    assert {kind for kind, _ in marvel} == {"mixed_format", "missing_values"}
    bikes = findings(read(SHARED / "bike_sharing/hour.csv.gz").frame, "count")
    assert list(bikes) == [("mixed_format", "dateday")]
    told = bikes["mixed_format", "dateday"]
    assert told.severity == "info" and "10501 cells can be nothing else, 6878 could" in told.evidence


@shared
@needs_shared
def test_texts():
    emobank = findings(read(SHARED / "emobank/emobank.csv.gz").frame, "V")
    none = emobank["missing_values", "text"]
    assert none.severity == "info" and none.rows == (8412,) and "1 'None'" in none.evidence
    reviews = findings(read(SHARED / "imdb_label_errors/reviews.jsonl.gz").frame, "given_label")
    assert {kind for kind, _ in reviews} == {"encoding"}
    assert reviews["encoding", "text"].severity == "info"


@shared
@needs_shared
@pytest.mark.parametrize(
    ("source", "target"),
    [("electricity/elec.csv.gz", "class"), ("california_housing/housing.csv.gz", "median_house_value")],
)
def test_sound_tables_have_no_finding_but_empty_cells(source, target):
    found = findings(read(SHARED / source).frame, target)
    assert set(found) <= {("missing_values", "total_bedrooms")}
