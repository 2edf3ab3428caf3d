"""URLs as text: nothing secret in one is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.remote import has_secrets, is_url, joined, name_of, redacted, shown

SECRETS = st.text("abcXYZ0189-_.~%!*", min_size=6, max_size=20)


@given(user=SECRETS, password=SECRETS, signature=SECRETS)
def test_no_user_password_or_query_is_shown(user, password, signature):
    url = f"https://{user}:{password}@storage.example/data/rows.csv?X-Amz-Signature={signature}"
    assert shown(url) == "https://storage.example/data/rows.csv" and has_secrets(url)
    told = redacted(f"Cannot read '{url}' (got 403).")
    assert told == "Cannot read 'https://storage.example/data/rows.csv' (got 403)."


@pytest.mark.parametrize("where", ["rows.csv", "/data/rows.csv", "C://rows.csv", "C:\\rows.csv", "a?b.csv", "", "x:y"])
def test_paths_are_no_urls_and_stay_as_they_are(where):
    assert not is_url(where) and shown(where) == where and not has_secrets(where)


@pytest.mark.parametrize("url", ["s3://bucket/a@b.csv", "file:///data/rows.csv", "memory://a/b", "gs://bucket/x y.csv"])
def test_urls_without_secrets_stay_as_they_are(url):
    assert is_url(url) and shown(url) == url and not has_secrets(url)


def test_names_and_joining():
    assert name_of("s3://bucket/runs/tickets/") == "tickets" and name_of("rows.csv") == "rows.csv"
    assert joined("s3://bucket/run/", "bundle", "a.json") == joined("s3://bucket/run", "bundle/a.json")
