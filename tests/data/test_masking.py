import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.masking import masked
from tunewright.data.names import listed, suggest

SECRETS = [
    "clara.oswald@tardis-mail.example",
    "CLARA+work@TARDIS.EXAMPLE",
    "root@localhost",
    "4556737586899855",
    "4556 7375 8689 9855",
    "3782-822463-10005",
    "sk-Zq81LmNfT0vWc4RyXbKd72Hs",
    "SK-ZQ81LMNFT0VWC4RYXBKD72HS",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "AbCd12Ef34Gh56Ij78Kl",
    "d41d8cd98f00b204e9800998ecf8427e",
    "GB82WEST12345698765432",
    "GB82 WEST 1234 5698 7654 32",
    "078-05-1120",
    "+44 20 7946 0958",
]
HARMLESS = [
    "12,345 of 67,890 rows (18.2%) since 2024-01-31 10:00:00",
    "AUC 0.779 (0.688 to 0.869, 300 rows; 0.5 would be guessing)",
    "between -1.5 and +2.25, 3.1e-05",
    "customer_id_2024_backup_table and CustomerAddressLine2Text",
    "@home, '_', a@, 'sk-learn-pipeline-step', task-2024-planning",
    "first: row 41, column 'text'",
    "1,234,567,890 cells",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "'{}'", "({})", "mail {}, please", "{}.", "4 '{}' for 'b'"])
def test_a_secret_is_taken_out_wherever_it_stands(secret, around):
    said = masked(around.format(secret))
    assert secret not in said and secret[3:-3] not in said and "***" in said
    assert said.startswith(around.partition("{}")[0])


@pytest.mark.parametrize("text", HARMLESS)
def test_what_evidence_says_otherwise_stays(text):
    assert masked(text) == text


@given(st.text(max_size=60))
def test_masking_twice_is_masking_once(text):
    once = masked(text)
    assert masked(once) == once


@pytest.mark.parametrize("unit", ["a", "a.", "sk-", "eyJ", "a@", "1 ", "+1 22 ", "A1 ", "GB82 ", "4-", "@"])
def test_the_time_is_linear_in_the_text(unit):
    begun = time.monotonic()
    masked(unit * 100_000)
    assert time.monotonic() - begun < 3


def test_names_of_a_file_without_a_header_are_its_first_row():
    assert SECRETS[0] not in listed(SECRETS) and SECRETS[3] not in listed(SECRETS)
    assert suggest(SECRETS[0][:-1], SECRETS) == " Did you mean 'c***@***.example'?"
    assert len(listed(["a long cell of a first row " * 40])) < 70
