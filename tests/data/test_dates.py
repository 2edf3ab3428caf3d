from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data import date_format, parse_dates
from tunewright.data.dates import FORMATS

MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2049, 12, 31)).map(lambda moment: moment.replace(microsecond=0))


@given(st.lists(MOMENTS, min_size=1), st.sampled_from(FORMATS))
def test_dates_read_back_in_every_format(moments: list[datetime], form: str) -> None:
    days = pl.Series("d", [moment.strftime(form) for moment in moments])
    assert parse_dates(days, form).to_list() == [moment.replace(hour=0, minute=0, second=0) for moment in moments]
    stamps = pl.Series("d", [moment.strftime(f"{form} %H:%M:%S") for moment in moments])
    assert parse_dates(stamps, form).to_list() == moments


@pytest.mark.parametrize(
    ("text", "form", "moment"),
    [
        ("2024-02-03T04:05:06.250Z", "%Y-%m-%d", datetime(2024, 2, 3, 4, 5, 6, 250_000)),
        ("2024-02-03T04:05:06+02:00", "%Y-%m-%d", datetime(2024, 2, 3, 2, 5, 6)),
        ("2024-02-03 04:05-0130", "%Y-%m-%d", datetime(2024, 2, 3, 5, 35)),
        ("3/2/2024 1:05 PM", "%d/%m/%Y", datetime(2024, 2, 3, 13, 5)),
        ("3/2/2024 12:05 am", "%d/%m/%Y", datetime(2024, 2, 3, 0, 5)),
        ("07-Jan-18", "%d-%b-%y", datetime(2018, 1, 7)),
        ("07-Jan-62", "%d-%b-%y", datetime(1962, 1, 7)),
        ("23:59", "%H:%M", datetime(1970, 1, 1, 23, 59)),
    ],
)
def test_single_dates(text: str, form: str, moment: datetime) -> None:
    assert parse_dates(pl.Series([text]), form).to_list() == [moment]
    assert date_format(pl.Series([text])) is not None


@pytest.mark.parametrize(
    "text", ["30-02-2024", "1-1-24", "2024-01-01 25:00", "2024-01-01 10:61", "soon", "", "20240101"]
)
def test_what_is_no_date_is_null(text: str) -> None:
    for form in ("%d-%m-%Y", "%Y-%m-%d", "%H:%M"):
        assert parse_dates(pl.Series([text, None]), form).to_list() == [None, None]


def test_day_or_month_first_is_decided_over_the_column() -> None:
    dates = pl.Series(["01-02-2011", "02-03-2011", "28-02-2011"])
    assert date_format(dates) == ("%d-%m-%Y", "dates written %d-%m-%Y")
    assert (date_format(pl.Series(["01/02/2011", "02/28/2011"])) or "")[0] == "%m/%d/%Y"
    assert (date_format(pl.Series(["01/02/2011", "28/02/2011"])) or "")[0] == "%d/%m/%Y"
    ambiguous = date_format(pl.Series(["05/01/2011", "06/01/2011", "01/02/2011"]))
    assert ambiguous is not None
    assert ambiguous[0] == "%d/%m/%Y"
    assert "either way" in ambiguous[1]
    unsorted = date_format(pl.Series(["05/01/2011", "01/05/2011", "02/01/2011", "01/06/2011"]))
    assert unsorted is not None
    assert unsorted[0] == "%m/%d/%Y"


def test_other_text_has_no_date_format() -> None:
    for texts in (
        ["a", "b"],
        ["1.2.3", "4.5.6"],
        ["10,000+", "5,000+"],
        ["call at 12:30", "no"],
        ["555-1234", "555-9876"],
    ):
        assert date_format(pl.Series(texts)) is None
    assert date_format(pl.Series([], dtype=pl.String)) is None
