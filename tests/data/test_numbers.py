import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data import parse_number, parse_numbers
from tunewright.data.numbers import decimal_sign, is_missing


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.5", 1234.5),
        ("$4.99", 4.99),
        ("-$4.99", -4.99),
        ("$-4.99", -4.99),
        ("4.99 €", 4.99),
        ("12 %", 12.0),
        ("19M", 19e6),
        ("3.2k", 3200.0),
        ("201K", 201_000.0),
        ("1.5bn", 1.5e9),
        ("10,000+", 10_000.0),
        ("1e-3", 0.001),
        ("-7", -7.0),
        ("\u22127", -7.0),
        ("+7", 7.0),
        ("(5)", -5.0),
        ("($1,000)", -1000.0),
        (" 8 ", 8.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1 234.5", 1234.5),
        ("1\u00a0234", 1234.0),
        ("1'234'567", 1_234_567.0),
    ],
)
def test_written_numbers(text: str, value: float) -> None:
    assert parse_number(text) == value
    assert parse_numbers(pl.Series([text]), decimal=".").to_list() == [value]


@pytest.mark.parametrize(
    "text",
    ["", "?", "n/a", "NaN", "inf", "-", "1.2.3", "1,23,4", "--5", "-$-5", "Varies with device", "1e999", "5 apples",
     "12:30", "2011-01-02", "0x10", "1_000", "()", "(-)", ".", "+", "%", "k", "1,2,3", "A5", "²", "١٢"],
)  # fmt: skip
def test_other_text_is_no_number(text: str) -> None:
    assert parse_number(text) is None
    assert parse_numbers(pl.Series([text, "1"]), decimal=".").to_list() == [None, 1.0]


def test_the_decimal_sign_is_decided_over_the_column() -> None:
    assert parse_numbers(pl.Series(["1.234,5", "1.234", "0,5"])).to_list() == [1234.5, 1234.0, 0.5]
    assert parse_numbers(pl.Series(["1,234", "1.5"])).to_list() == [1234.0, 1.5]
    assert decimal_sign(pl.Series(["1,234", None])) == "."
    assert decimal_sign(pl.Series(["1,234", "12,5", "3,25"])) == ","


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15), min_size=1))
def test_what_python_prints_is_read_back_exactly(values: list[float]) -> None:
    texts = [repr(value) for value in values]
    assert parse_numbers(pl.Series(texts)).to_list() == [float(value) for value in values]
    assert [parse_number(text) for text in texts] == [float(value) for value in values]
    assert parse_numbers(pl.Series([f"{v:,.2f}" for v in values]), decimal=".").to_list() == [
        float(f"{v:.2f}") for v in values
    ]


@given(st.lists(st.text("0123456789.,-+eEkM%$() ", max_size=8), min_size=1), st.sampled_from([".", ","]))
def test_the_column_reads_as_its_cells(texts: list[str], decimal: str) -> None:
    one_by_one = [parse_number(text, decimal=decimal) for text in texts]  # type: ignore[arg-type]
    assert parse_numbers(pl.Series(texts), decimal=decimal).to_list() == one_by_one  # type: ignore[arg-type]
    assert all(value is None or math.isfinite(value) for value in one_by_one)


def test_non_finite_and_other_types_become_numbers_or_null() -> None:
    assert parse_numbers(pl.Series([1.5, float("nan"), float("inf"), None])).to_list() == [1.5, None, None, None]
    assert parse_numbers(pl.Series([True, None])).to_list() == [1.0, None]
    empty = parse_numbers(pl.Series("x", [], dtype=pl.String))
    assert (empty.name, empty.dtype, len(empty)) == ("x", pl.Float64, 0)


def test_disguised_missing_values() -> None:
    words = ["?", "N/A", "na", "-", "null", "None", "nan", "", " ", None]
    assert is_missing(pl.Series(words)).all()
    assert not is_missing(pl.Series(["0", "no", "Varies with device"])).any()
