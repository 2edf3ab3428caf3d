"""Columns whose cells follow different conventions."""

import polars as pl
import pytest

from tunewright.data.number_forms import are_quantities, number_forms
from tunewright.detectors.mixed_format import MixedFormat

N = 200


def found_in(pose, cells, name="x", **kinds):
    n = len(cells)
    plain = {"text": [f"a message about thing {i} with words" for i in range(n)], "y": ["a", "b"] * (n // 2)}
    found = MixedFormat().find(pose(pl.DataFrame(plain | {name: cells}), **kinds))
    assert all(finding.columns == (name,) for finding in found)
    return list(found)


def with_some(usual, other, every=10):
    """Cells of which each tenth is written in the other way, and the rows of those."""
    rows = tuple(range(0, N, every))
    return [other(i) if i in rows else usual(i) for i in range(N)], rows


def plain(i):
    return str(1000 + 37 * i % 900)


def decimal(i):
    return f"{(i * 37 % 1000) / 10 + 0.05:.2f}"


UNIFORM = {
    "plain": plain,
    "decimals": decimal,
    "money": lambda i: f"${i * 37 % 1000}.99",
    "grouped money": lambda i: f"${i * 3713 % 100_000:,}",
    "per cent": lambda i: f"{i % 100}%",
    "decimal comma": lambda i: decimal(i).replace(".", ","),
    "negative": lambda i: str(i - 100),
    "scientific": lambda i: "1e-5" if i % 9 == 0 else decimal(i),
    "zip codes": lambda i: f"{i * 317 % 90_000:05d}" if i % 12 else f"{i * 317 % 90_000:05d}-1234",
    "house numbers": lambda i: f"{i % 80 + 1}{['', '', '', 'a', 'b', 'c'][i % 6]}",
    "tickets": lambda i: f"{i * 3171 % 90_000}" if i % 4 else f"{['PC', 'C.A.', 'A/5', 'STON', 'SC', 'W'][i % 6]} {i}",
    "versions": lambda i: f"{i % 7}.{i % 9}.{i % 4}" if i % 3 else f"{i % 7}.{i % 9}",
    "clock": lambda i: f"{i % 24:02d}:30",
    "iso dates": lambda i: f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}",
    "american dates": lambda i: f"{1 + i % 12}/{1 + i % 28}/2021",
    "names": lambda i: ["Anna", "Annie", "Hanna", "anne-marie"][i % 4],
}


@pytest.mark.parametrize("name", UNIFORM)
def test_one_convention_is_no_finding(pose, name):
    assert found_in(pose, [UNIFORM[name](i) for i in range(N)]) == []


NUMBERS = {
    "thousands signs": (plain, lambda i: f"{int(plain(i)):,}", "info"),
    "money among plain": (plain, lambda i: f"${plain(i)}", "info"),
    "thousands in words": (plain, lambda i: f"{i}k", "info"),
    "per cent among shares": (decimal, lambda i: f"{i % 100} %", "warning"),
    "two currencies": (lambda i: f"${plain(i)}", lambda i: f"€{plain(i)}", "warning"),
    "decimal commas": (decimal, lambda i: decimal(i).replace(".", ","), "info"),
    "a unit": (plain, lambda i: f"{plain(i)} kg", "info"),
    "a few with a unit": (plain, lambda i: f"{plain(i)}kg" if i % 50 == 0 else plain(i), "info"),
    "two units": (plain, lambda i: f"{plain(i)} {'kg' if i % 20 else 'lb'}", "warning"),
    "about": (decimal, lambda i: f"ca. {decimal(i)}", "info"),
    "words": (plain, lambda i: ["many", "few", "some"][i % 3], "warning"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_in_two_ways(pose, name):
    usual, other, severity = NUMBERS[name]
    cells, rows = with_some(usual, other)
    (finding,) = found_in(pose, cells)
    assert finding.rows == tuple(row for row in rows if cells[row] != usual(row))
    assert finding.severity == severity
    assert finding.evidence.startswith("'x' ") and finding.evidence.endswith(".")


def test_evidence_says_what_becomes_of_the_numbers(pose):
    both = with_some(plain, lambda i: f"{plain(i)} {'kg' if i % 100 else 'lb'}", every=50)[0]
    (lost,) = found_in(pose, both)
    assert "2 like '1050 kg', 2 like '1000 lb'; 4 cells of these do not read as a number" in lost.evidence
    assert lost.remedy is None
    (hidden,) = found_in(pose, with_some(plain, lambda i: f"{plain(i)} {'kg' if i % 20 else 'lb'}")[0])
    assert "looks like a column of numbers but is read as" in hidden.evidence and hidden.remedy is None
    for way in ("{}k", "{} kg"):
        (alike,) = found_in(pose, with_some(plain, lambda i, way=way: way.format(plain(i)))[0])
        assert alike.evidence.endswith("all are read as numbers.") and alike.remedy == "parse_numbers"


def test_doubtful_commas_follow_the_certain_ones(pose):
    cells = [f"{(i * 7 % 300) / 1000 + 2:.3f}" if i % 2 else f"{2 + i / 1000:.2f}" for i in range(N)]
    cells[5], cells[9] = "2,5", "2,137"
    (finding,) = found_in(pose, cells)
    assert finding.rows == (5, 9)


def test_forms_of_numbers():
    forms = number_forms(pl.Series(["1,234.5", "1.234,5", "0,250", "1,234", "1234", "(5)", "-3", "x1y2"]))
    assert forms.way.to_list() == ["#", "#", "#", "#", "#", "(#)", "#", ""]
    assert forms.comma.to_list() == [False, True, True, False, False, False, False, False]
    assert forms.point.to_list() == [True, False, False, False, False, False, False, False]
    assert forms.grouped.to_list() == [True, True, False, True, False, False, False, False]
    assert forms.ungrouped.to_list() == [False] * 4 + [True] + [False] * 3


def test_codes_are_no_quantities():
    codes = pl.Series([f"{i:04d}" for i in range(50)] + ["n.n."] * 2)
    assert not are_quantities(codes, number_forms(codes))
    lengths = pl.Series([f"{i + 10}" for i in range(50)] + ["12 cm"] * 2)
    assert are_quantities(lengths, number_forms(lengths))


def iso(i):
    return f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}"


@pytest.mark.parametrize("every", [10, 50])
@pytest.mark.parametrize(
    ("other", "form"),
    [
        (lambda i: "/".join(reversed(iso(i).split("-"))), "%d/%m/%Y"),
        (lambda i: iso(i).replace("-", "") + "", "%Y%m%d"),
        (lambda i: f"{1 + i % 28}. March 2021", "%d. %B %Y"),
    ],
)
def test_dates_in_two_formats(pose, other, form, every):
    cells, rows = with_some(iso, other, every=every)
    (finding,) = found_in(pose, cells)
    assert finding.rows == rows and finding.severity == "info" and finding.remedy == "parse_dates"
    assert f"{len(rows)} as {form}" in finding.evidence


def test_a_date_column_with_day_and_month_exchanged_in_some_rows(pose):
    cells = [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2021" for i in range(N)]
    cells = [f"{1 + i % 28:02d}-{1 + i % 12:02d}-2021" for i in range(N)]
    cells[0::40] = ["12-30-2021"] * 5
    (finding,) = found_in(pose, cells)
    assert finding.rows == tuple(range(0, N, 40)) and "5 as %m-%d-%Y" in finding.evidence


def test_day_first_dates_are_told_without_fault(pose):
    (finding,) = found_in(pose, [f"{1 + i % 28:02d}-{1 + i % 12:02d}-2021" for i in range(N)])
    assert finding.severity == "info" and finding.rows == ()
    could = sum(1 + i % 28 <= 12 for i in range(N))
    assert f"{N - could} cells can be nothing else, {could} could" in finding.evidence
    (open_,) = found_in(pose, [f"{1 + i % 9:02d}/{1 + i % 11:02d}/2021" for i in range(N)])
    assert open_.severity == "info" and "could be either way in every row" in open_.evidence


def test_months_with_two_digit_years(pose):
    (finding,) = found_in(pose, [f"{['Jan', 'Aug', 'Sep'][i % 3]}-{i % 60 + 20}" for i in range(N)])
    assert finding.severity == "info" and "leaves the century open" in finding.evidence


def test_yes_and_no_in_several_ways(pose):
    cells = ["yes" if i % 3 else "no" for i in range(N)]
    cells[0], cells[1], cells[2] = "N", "Y", "1"
    (finding,) = found_in(pose, cells)
    assert finding.rows == (0, 1, 2) and finding.severity == "info" and "says yes and no in 5 ways" in finding.evidence
    (cases,) = found_in(pose, ["Yes" if i == 5 else "yes" if i % 3 else "no" for i in range(N)])
    assert cases.rows == (5,) and cases.severity == "info" and cases.evidence.endswith("all are read alike.")
    assert found_in(pose, ["yes" if i % 3 else "no" for i in range(N)]) == []


def test_values_of_a_category_in_several_spellings(pose):
    cells = [["New York", "Rome", "Paris"][i % 3] for i in range(N)]
    cells[0], cells[30], cells[1] = "new york", "NEW YORK", "Rome "
    (finding,) = found_in(pose, cells)
    assert finding.rows == (0, 1, 30) and finding.severity == "warning"
    assert "1 'NEW YORK' for 65 'New York'" in finding.evidence


def test_a_kind_that_was_given_is_not_doubted(pose):
    cells, _ = with_some(plain, lambda i: f"{plain(i)} kg")
    assert found_in(pose, cells, x="category") == []


def test_numbers_of_a_typed_file_have_no_format(pose):
    assert found_in(pose, [float(i) for i in range(N)]) == []
