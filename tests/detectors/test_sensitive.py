"""Personal data is found, codes that merely look like it are not, and nothing that was found is repeated."""

import string

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.detectors.personal_checks import is_account, luhn
from tunewright.detectors.personal_patterns import PATTERNS
from tunewright.detectors.sensitive import Sensitive

NAMES = {
    "mail": "e-mail addresses",
    "phone": "phone numbers",
    "card": "payment card numbers",
    "iban": "bank account numbers (IBAN)",
    "ssn": "social security numbers",
    "nino": "national insurance numbers",
    "ip": "network addresses (IP)",
    "key": "keys or passwords",
}
IS = [
    ("mail", "write to a.b+c@mail.example.co.uk."),
    ("mail", "John <john.doe@example.com>"),
    ("phone", "call me on 07946 123456 now"),
    ("phone", "+44 20 7946 0958"),
    ("phone", "(212) 555-0123"),
    ("phone", "1-800-555-0199"),
    ("phone", "To claim call 09061701461 from land line"),
    ("phone", "06 12 34 56 78"),
    ("phone", "030/1234567"),
    ("phone", "please call me at 241-2661"),
    ("card", "4242 4242 4242 4242"),
    ("card", "card 5500005555555559 expired"),
    ("card", "3782 822463 10005"),
    ("iban", "IBAN DE89 3704 0044 0532 0130 00 please"),
    ("iban", "GB29NWBK60161331926819"),
    ("ssn", "ssn 123-45-6789"),
    ("nino", "AB 12 34 56 C"),
    ("ip", "login from 203.0.113.77"),
    ("ip", "2001:db8:85a3::8a2e:370:7334"),
    ("key", "AKIAIOSFODNN7EXAMPLE"),
    ("key", "ghp_" + "aB3d" * 9),
    ("key", 'api_key = "9f8Xk2LmQ0pZ7vTt"'),
    ("key", "Authorization: Bearer abcDEF123456ghiJKL"),
]
IS_NOT = [
    ("mail", "see you @ the office"),
    ("phone", "order 0123456789"),
    ("phone", "Order no. 0912345678"),
    ("phone", "2024-01-02 12:30"),
    ("phone", "01.02.2024 12:30"),
    ("phone", "ISBN 978-3-16-148410-0"),
    ("phone", "lottery: 01 02 03 04 05"),
    ("phone", "0.123456789"),
    ("phone", "SKU-2024-00123"),
    ("phone", "1,234,567.89"),
    ("phone", "in 1990 2000 2010"),
    ("phone", "https://x.org/0712345678"),
    ("card", "1234 5678 9012 3456"),
    ("card", "4242 4242 4242 4241"),
    ("card", "20240102123456"),
    ("iban", "DE88 3704 0044 0532 0130 00"),
    ("ssn", "900-12-3456"),
    ("ip", "version 20.30.40.50"),
    ("ip", "1.2.3.4"),
    ("ip", "192.168.1.1"),
    ("ip", "12:30:45"),
    ("key", "the key is under the mat"),
    ("key", "password: forgotten again"),
    ("key", "sk-learn-is-a-library-of-models"),
]


def names_in(text):
    return {p.name for p in PATTERNS if any(valid for *_, valid in p.scan(text))}


@pytest.mark.parametrize(("what", "text"), IS)
def test_it_is_found(what, text):
    assert NAMES[what] in names_in(text)


@pytest.mark.parametrize(("what", "text"), IS_NOT)
def test_it_is_not(what, text):
    assert NAMES[what] not in names_in(text)


@given(st.text("0123456789", min_size=1, max_size=18))
def test_one_last_digit_of_ten_passes_luhn(digits):
    assert sum(luhn(digits + last) for last in "0123456789") == 1


@given(st.text(string.digits, min_size=18, max_size=18))
def test_one_check_number_of_97_makes_an_account(digits):
    assert sum(is_account(f"DE{check:02d}{digits}") for check in range(2, 99)) == 1


def frame(texts, **columns):
    rows = len(texts)
    return pl.DataFrame({"text": texts, **columns, "y": ["a" if row % 2 else "b" for row in range(rows)]})


def ordinary(rows):
    return [f"an ordinary message about thing number {row} of ours" for row in range(rows)]


def test_rows_counts_and_a_masked_example(pose):
    texts = ordinary(40)
    texts[3] = "mail jane@corp.com or jim@corp.com"
    texts[7] = "my card is 4242 4242 4242 4242"
    (finding,) = Sensitive().find(pose(frame(texts), text="text"))
    assert finding.rows == (7, 3) and finding.scores == (10.0, 2.0) and finding.severity == "warning"
    assert "e-mail addresses (2, such as j***@***.com)" in finding.evidence
    assert "jane" not in finding.evidence and "4242" not in finding.evidence


def test_long_codes_are_no_cards(pose):
    """Of random 16-digit numbers a few pass Luhn and begin like a card; a column of them is one of codes."""
    codes = [f"{4000000000000000 + row * 7919 * 104729}" for row in range(200)]
    assert any(luhn(code) for code in codes)
    assert Sensitive().find(pose(frame(ordinary(200), code=codes), text="text", code="category")) == ()


def test_codes_that_look_like_social_security_numbers(pose):
    codes = [f"{row * 37 % 1000:03d}-{row % 100:02d}-{row * 101 % 10000:04d}" for row in range(200)]
    assert Sensitive().find(pose(frame(ordinary(200), code=codes), text="text", code="category")) == ()


@pytest.mark.parametrize(("name", "found"), [("mobile_phone", 1), ("parcel", 0)])
def test_bare_digits_are_phone_numbers_where_the_column_says_so(name, found, pose):
    digits = [f"{5550000000 + row * 7919}" for row in range(40)]
    rows = pose(frame(ordinary(40), **{name: digits}), text="text", **{name: "category"})
    assert len(Sensitive().find(rows)) == found


def test_columns_that_are_left_out_are_looked_at(pose):
    mails = [f"p{row}@corp.org" for row in range(40)]
    (finding,) = Sensitive().find(pose(frame(ordinary(40), who=mails), text="text", who="ignore"))
    assert finding.columns == ("who",) and finding.rows_total == 40 and finding.severity == "info"
