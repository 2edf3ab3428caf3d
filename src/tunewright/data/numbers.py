"""Numbers as people write them: "1,234.5", "1.234,5", "$4.99", "12 %", "19M", "10,000+", "(5)"."""

from __future__ import annotations

import re
from typing import Literal

import polars as pl

Decimal = Literal[".", ","]

MISSING = frozenset({"", "?", "-", "--", "n/a", "na", "#n/a", "<na>", "null", "none", "nan", "nil", "nat", "missing"})
SAMPLE = 2_000  # texts looked at where a sample is enough
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9}
_MONEY = "[$€£¥₹]"
_POINT = re.compile(r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:[ '\u00a0\u202f][0-9]{3})+|[0-9]+)?(?:\.[0-9]*)?")
_COMMA = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,3}(?:[ '\u00a0\u202f][0-9]{3})+|[0-9]+)?(?:,[0-9]*)?")
_FRAME = re.compile(
    rf"(?P<sign>[-+]?)\s*{_MONEY}?\s*(?P<sign2>[-+]?)(?P<body>[0-9.,][0-9., '\u00a0\u202f]*?)"
    rf"(?P<power>[eE][-+]?[0-9]+)?\s*(?P<scale>[kKmMbB]|[mMbB][nN])?\s*(?:%|{_MONEY})?\+?"
)


def parse_number(text: str, *, decimal: Decimal = ".") -> float | None:
    """Read one number.

    Args:
        text: what stands in the cell. Percent signs and currencies are dropped ("12 %" is 12), k, M and B multiply.
        decimal: the decimal sign; the other one, spaces and apostrophes may group thousands.

    Returns:
        The number, or None for anything else, infinities included.

    >>> [parse_number(text) for text in ("1,234.5", "$4.99", "12 %", "19M", "10,000+", "(5)", "1e-3", "n/a", "1.2.3")]
    [1234.5, 4.99, 12.0, 19000000.0, 10000.0, -5.0, 0.001, None, None]
    >>> parse_number("1.234,5", decimal=",")
    1234.5
    """
    plain = text.strip().replace("\u2212", "-")
    negative = len(plain) > 2 and plain[0] == "(" and plain[-1] == ")"
    found = _FRAME.fullmatch(plain[1:-1].strip() if negative else plain)
    if found is None or (found["sign"] and found["sign2"]):
        return None
    body = found["body"]
    if not any(char.isdigit() for char in body) or not (_POINT if decimal == "." else _COMMA).fullmatch(body):
        return None
    body = re.sub(rf"[^0-9{re.escape(decimal)}]", "", body).replace(",", ".")
    value = float(body + (found["power"] or "")) * _SCALE[(found["scale"] or "").lower()]
    if value in (float("inf"), float("-inf")):
        return None
    return -value if negative or "-" in (found["sign"], found["sign2"]) else value


def parse_numbers(values: pl.Series, *, decimal: Decimal | None = None) -> pl.Series:
    """Read a column of numbers as Float64; what is not a finite number is null.

    Args:
        values: text, numbers or booleans.
        decimal: the decimal sign; None decides it over the whole column by `decimal_sign`.

    >>> parse_numbers(pl.Series(["0,5", "1.250,0", "?"])).to_list()
    [0.5, 1250.0, None]
    """
    if values.dtype != pl.String:
        numbers = values.cast(pl.Float64, strict=False)
        return numbers.set(~numbers.is_finite(), None)
    sign = decimal or decimal_sign(values)
    plain = values.str.strip_chars()
    looks_plain = plain.str.contains(r"^[-+]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)$")
    easy = (
        plain.set(~looks_plain, None) if sign == "." else pl.Series(values.name, [None] * len(values), dtype=pl.String)
    )
    numbers = easy.cast(pl.Float64, strict=False)
    hard = values.filter(numbers.is_null() & values.is_not_null()).unique()
    if len(hard):
        read = pl.Series([parse_number(text, decimal=sign) for text in hard], dtype=pl.Float64)
        numbers = pl.select(pl.coalesce(numbers, values.replace_strict(hard, read, default=None))).to_series()
    return numbers.set(~numbers.is_finite(), None).rename(values.name)


def decimal_sign(values: pl.Series) -> Decimal:
    """Decide over a whole column of text whether the comma is the decimal sign; a draw goes to the point.

    >>> decimal_sign(pl.Series(["1,234", "0,5"])), decimal_sign(pl.Series(["1,234", "7"]))
    (',', '.')
    """
    marked = values.drop_nulls().unique()
    marked = marked.filter(marked.str.contains(",", literal=True)).sort()
    if not len(marked):
        return "."
    texts = marked.gather_every(max(len(marked) // SAMPLE, 1)).to_list()
    comma = sum(parse_number(text, decimal=",") is not None for text in texts)
    return "," if comma > sum(parse_number(text) is not None for text in texts) else "."


def mostly_numbers(values: pl.Series) -> bool:
    """Tell cheaply whether a column of text may be one of numbers: a third of a sample reads as such, either way.

    >>> mostly_numbers(pl.Series(["1", "2,5", "?"])), mostly_numbers(pl.Series(["a", "b"]))
    (True, False)
    """
    present = values.drop_nulls()
    texts = present.gather_every(max(len(present) // SAMPLE, 1)).to_list()
    count = sum(parse_number(text) is not None or parse_number(text, decimal=",") is not None for text in texts)
    return count > 0 and count >= len(texts) / 3


def is_missing(values: pl.Series) -> pl.Series:
    """Mark nulls and the usual words for "nothing here" in a column of text.

    >>> is_missing(pl.Series(["N/A", " ", "0", None])).to_list()
    [True, True, False, True]
    """
    return values.is_null() | values.str.strip_chars().str.to_lowercase().is_in(sorted(MISSING)).fill_null(True)
