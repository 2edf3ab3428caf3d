"""In which ways a column of text writes its numbers: plain, with thousands signs, units, currencies, decimal commas."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tunewright.data.numbers import is_missing

PLAIN = r"^[-+\u2212]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_GROUP = r"[,.'\u00a0\u202f ][0-9]{3}"
_BODY = rf"(?:[0-9]{{1,3}}(?:{_GROUP})+(?:[.,][0-9]+)?|[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][-+]?[0-9]+)?"
_FRAME = rf"^(?<before>[^0-9]{{0,8}}?)(?<sign>[-+\u2212]?)(?<body>{_BODY})(?<after>[^0-9]{{0,12}})$"
_COMMA = r"^[0-9]*,(?:[0-9]{1,2}|[0-9]{4,})$|^0*,[0-9]+$|^[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+$"
_POINT = r"^[0-9]*\.(?:[0-9]{1,2}|[0-9]{4,})$|^0*\.[0-9]+$|^[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+$"
_GROUPED = rf"^[1-9][0-9]{{0,2}}(?:{_GROUP})+(?:\D|$)"
MONEY = "$€£¥₹"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forms:
    """How each cell writes its number.

    Args:
        way: (n,) the cell with "#" for its number ("#", "$#", "#k"), "" where it is no number, null where it is empty
            or a word for that.
        body: (n,) the number itself with its sign, null where there is none.
        comma: (n,) whether the comma can only be the decimal sign.
        point: (n,) whether the point can only be the decimal sign.
        grouped: (n,) whether signs part thousands.
        ungrouped: (n,) whether it has thousands without such signs.
    """

    way: pl.Series
    body: pl.Series
    comma: pl.Series
    point: pl.Series
    grouped: pl.Series
    ungrouped: pl.Series


def number_forms(cells: pl.Series) -> Forms:
    """Read the forms of a column of text; linear, plain numbers are told by one pattern.

    >>> forms = number_forms(pl.Series(["1", "$4.99", "10,000+", "12 kg", "0,5", "n/a", "PC 17 B2"]))
    >>> forms.way.to_list()
    ['#', '$#', '#+', '#kg', '#', None, '']
    """
    text = pl.col("cell").str.strip_chars()
    frame = cells.rename("cell").to_frame().with_columns(plain=text.str.contains(PLAIN), empty=is_missing(cells))
    told = pl.when(~pl.col("plain") & ~pl.col("empty")).then(text).str.extract_groups(_FRAME)
    frame = frame.with_columns(told.alias("told")).unnest("told")
    body = pl.when(pl.col("plain")).then(text.str.strip_chars_start("-+\u2212")).otherwise(pl.col("body"))
    way = pl.col("before").str.strip_chars() + "#" + pl.col("after").str.strip_chars()
    found = frame.select(
        way=pl.when(pl.col("empty"))
        .then(None)
        .when(pl.col("plain"))
        .then(pl.lit("#"))
        .otherwise(way.str.to_lowercase().fill_null("")),
        body=pl.when(pl.col("plain")).then(text).otherwise(pl.col("sign") + pl.col("body")),
        comma=body.str.contains(_COMMA).fill_null(False),
        point=body.str.contains(_POINT).fill_null(False),
        grouped=body.str.contains(_GROUPED).fill_null(False),
        ungrouped=body.str.contains(r"^[0-9]{4,}(?:\D|$)").fill_null(False),
    )
    return Forms(**{name: found.get_column(name) for name in found.columns})


def are_quantities(cells: pl.Series, forms: Forms) -> bool:
    """Tell numbers with units or words among them from codes with digits ("PC 17599", "007", "12a").

    At least half of the cells are plain numbers, ten of them different, none with a leading zero; what else there is
    are numbers with one of at most five units, or (a fifth at most) words without digits.
    """
    present = forms.way.drop_nulls()
    plain = cells.filter((forms.way == "#").fill_null(False)).str.strip_chars()
    if len(plain) * 2 < len(present) or plain.n_unique() < 10 or plain.str.contains(r"^0[0-9]").any():
        return False
    words = cells.filter((forms.way == "").fill_null(False))
    units = present.filter(~present.is_in(["", "#"])).unique()
    if int(units.str.contains(r"^#\p{L}$").sum()) > 1 or len(units) > 5:
        return False
    if words.str.contains("[0-9]").any() or len(words) > len(present) / 5:
        return False
    return len(words) + len(units) > 0 or bool(forms.comma.any() and forms.point.any())
