import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.spreadsheet import neutral, original


@pytest.mark.parametrize("cell", ["=1+1", "+a", "-a", "@sum", "\tx", "\rx", "-1+1", "=-1", "+", "-"])
def test_formulas_are_neutralised_and_come_back(cell):
    assert neutral(cell) == "'" + cell and original(neutral(cell)) == cell


@pytest.mark.parametrize("cell", ["-1", "+2.5", "-1e-5", "-3,5", "spam", "", "a=b", "'tis", "''"])
def test_numbers_and_plain_text_stay(cell):
    assert neutral(cell) == original(cell) == cell


@given(st.text(max_size=8))
def test_nothing_starts_as_a_formula(cell):
    plain = neutral(cell)
    assert not plain.startswith(("=", "@", "\t", "\r"))
    assert original(plain) == cell or cell.startswith("'")
