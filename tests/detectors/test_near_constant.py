"""Columns that say next to nothing: one value, nearly one value, addresses."""

import polars as pl
import pytest

from tunewright.detectors.constant_column import ConstantColumn
from tunewright.detectors.id_column import IdColumn


def table(n=1000, **columns):
    plain = {"text": [f"a message about thing {i} with words" for i in range(n)], "y": ["a", "b"] * (n // 2)}
    return pl.DataFrame(plain | columns)


@pytest.mark.parametrize(("rest", "found"), [(3, 1), (40, 0)])
def test_one_value_in_nearly_all_rows(pose, rest, found):
    frame = table(country=["FR" if i < rest else "DE" for i in range(1000)])
    assert len(ConstantColumn().find(pose(frame))) == found


def test_columns_that_are_nearly_constant_share_a_finding(pose):
    frame = table(a=["x" if i == 4 else "z" for i in range(1000)], b=[1.0 if i == 5 else 0.0 for i in range(1000)])
    (finding,) = ConstantColumn().find(pose(frame))
    assert finding.columns == ("a", "b") and finding.severity == "info"
    assert (
        finding.evidence
        == "2 columns have one value in nearly all of 750 rows: 'a' ('z' but for 1), 'b' (0 but for 1)."
    )


def test_few_rows_and_empty_cells_are_no_ground(pose):
    assert ConstantColumn().find(pose(table(100, a=["x"] + ["z"] * 99))) == ()
    assert ConstantColumn().find(pose(table(a=["x", "z"] + [None] * 998))) == ()


@pytest.mark.parametrize(
    "address",
    ["https://example.org/page-{}-of-many", "/var/data/files/{}.txt", "user{}@example.org", "www.example.org/{}"],
)
def test_addresses_name_rows(pose, address):
    found = IdColumn().find(pose(table(where=[address.format("abc" * (i % 9 + 1) + str(i)) for i in range(1000)])))
    assert [(finding.columns, finding.severity) for finding in found] == [(("where",), "info")]


def test_texts_that_hold_an_address_do_not(pose):
    assert (
        IdColumn().find(pose(table(where=[f"see https://example.org/{i} for more of it" for i in range(1000)]))) == ()
    )
    assert IdColumn().find(pose(table(where=["https://example.org/a", "https://example.org/b"] * 500))) == ()
