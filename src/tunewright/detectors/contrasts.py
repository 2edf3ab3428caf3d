"""In which columns two sets of rows differ: shares of categories, distributions of numbers, words of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

Floats = np.ndarray[Any, np.dtype[np.float64]]
EXPECTED = 5.0  # rows of a category in either set that chance would put there; rarer ones are taken together
COMMON = 0.02  # of the texts; rarer words cannot differ much
OTHER, MISSING = "\0other", "\0missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How one column differs between two sets of rows.

    Args:
        column: its name.
        effect: 0 to 1: the largest difference of the distribution functions of a number (Kolmogorov-Smirnov), half the
            summed differences of a category's shares, the largest difference of a word's share of texts.
        p_value: of no difference, for the whole column.
        said: the difference in words.
    """

    column: str
    effect: float
    p_value: float
    said: str


def contrasts(first: pl.DataFrame, second: pl.DataFrame, *, names: tuple[str, str]) -> list[Contrast]:
    """Compare every column of two frames with the same columns, rows of which are independent of each other.

    Args:
        first: rows of one set, typed.
        second: rows of the other.
        names: what the two are called, such as ("train", "test").

    >>> a, b = pl.DataFrame({"n": range(50)}), pl.DataFrame({"n": range(25, 75)})
    >>> (found,) = contrasts(a, b, names=("train", "test"))
    >>> found.column, found.effect, found.said
    ('n', 0.5, 'median 24.5 in train, 49.5 in test')
    """
    found: list[Contrast] = []
    for left in first.get_columns():
        right = second[left.name]
        if left.dtype == pl.String and _is_text(left):
            found += [*_lengths(left, right, names), *_words(left, right, names)]
        elif left.dtype.is_numeric() or left.dtype.is_temporal():
            found += _numbers(left, right, names)
        else:
            found += _categories(left, right, names)
    return found


def strongest(found: list[Contrast]) -> list[Contrast]:
    """The strongest contrast of each column, the strongest column first."""
    best: dict[str, Contrast] = {}
    for one in found:
        if one.column not in best or one.effect > best[one.column].effect:
            best[one.column] = one
    return sorted(best.values(), key=lambda one: -one.effect)


def _is_text(values: pl.Series) -> bool:
    present = values.drop_nulls()
    if present.n_unique() <= 0.2 * len(present):
        return False
    return int(present.str.count_matches(r"\S+").sum()) >= 2 * len(present)


def _numbers(left: pl.Series, right: pl.Series, names: tuple[str, str]) -> Iterator[Contrast]:
    from scipy.stats import ks_2samp

    yield from _gaps(left, right, names)
    a, b = _floats(left), _floats(right)
    if min(len(a), len(b)) < 10:
        return
    test = ks_2samp(a, b, method="asymp")
    if left.dtype.is_temporal():
        middle = [str(side.drop_nulls().median())[:10] for side in (left, right)]
    else:
        middle = [f"{np.median(side):,.4g}" for side in (a, b)]
    said = f"median {middle[0]} in {names[0]}, {middle[1]} in {names[1]}"
    yield Contrast(column=left.name, effect=float(test.statistic), p_value=float(test.pvalue), said=said)


def _gaps(left: pl.Series, right: pl.Series, names: tuple[str, str]) -> Iterator[Contrast]:
    """Shares of empty cells."""
    a, b = left.is_null(), right.is_null()
    if a.any() or b.any():
        shares = float(a.mean() or 0), float(b.mean() or 0)  # type: ignore[arg-type]
        said = f"empty in {shares[0]:.1%} of {names[0]}, {shares[1]:.1%} of {names[1]}"
        p = _chi2(np.array([[a.sum(), len(a) - a.sum()], [b.sum(), len(b) - b.sum()]], np.float64))
        yield Contrast(column=left.name, effect=abs(shares[0] - shares[1]), p_value=p, said=said)


def _categories(left: pl.Series, right: pl.Series, names: tuple[str, str]) -> Iterator[Contrast]:
    if not (len(left) and len(right)):
        return
    a, b = (_strings(side).rename("c") for side in (left, right))  # "n" may be what the user calls a column
    sides = [side.value_counts(name="n") for side in (a, b)]
    table = sides[0].join(sides[1], on="c", how="full", coalesce=True).fill_null(0).sort("c")
    both = table.select("n", "n_right").to_numpy().astype(np.float64).T
    labels = table["c"].to_list()
    rare = both.sum(0) * min(len(a), len(b)) / (len(a) + len(b)) < EXPECTED
    both = np.column_stack([both[:, ~rare], both[:, rare].sum(1)]) if rare.any() else both
    labels = [label for label, is_rare in zip(labels, rare, strict=True) if not is_rare] + [OTHER] * bool(rare.any())
    if len(labels) < 2:
        return
    shares = both / both.sum(1, keepdims=True)
    apart = np.abs(shares[0] - shares[1])
    most = int(apart.argmax())
    what = {OTHER: "rare values are", MISSING: "it is empty in"}.get(labels[most], f"{str(labels[most])[:40]!r} is")
    said = f"{what} {shares[0][most]:.1%} of {names[0]}, {shares[1][most]:.1%} of {names[1]}"
    yield Contrast(column=left.name, effect=float(apart.sum() / 2), p_value=_chi2(both), said=said)


def _lengths(left: pl.Series, right: pl.Series, names: tuple[str, str]) -> Iterator[Contrast]:
    for one in _numbers(left.str.len_chars(), right.str.len_chars(), names):
        said = one.said.replace("median", "median length").replace("empty", "is empty")
        yield Contrast(column=left.name, effect=one.effect, p_value=one.p_value, said=said)


def _words(left: pl.Series, right: pl.Series, names: tuple[str, str]) -> Iterator[Contrast]:
    """The word whose share of the texts differs most; its p-value is corrected for all words that were compared."""
    from scipy.stats import fisher_exact

    sides = [_shares(side) for side in (left, right)]
    table = sides[0].join(sides[1], on="w", how="full", coalesce=True).fill_null(0).sort("w")
    n = np.array([len(left.drop_nulls()), len(right.drop_nulls())], np.float64)
    if n.min() < 10 or not table.height:
        return
    counts = table.select("n", "n_right").to_numpy().astype(np.float64)
    common = counts.sum(1) >= COMMON * n.sum()
    words, counts = table["w"].filter(pl.Series(common)).to_list(), counts[common]
    if not words:
        return
    share, pooled = counts / n, counts.sum(1) / n.sum()
    spread = np.sqrt(np.maximum(pooled * (1 - pooled), 1e-9) * (1 / n).sum())
    most = int((np.abs(share[:, 0] - share[:, 1]) / spread).argmax())
    there = np.stack([counts[most], n - counts[most]], 1).astype(np.int64)
    before, after = share[most].tolist()
    yield Contrast(
        column=left.name,
        effect=abs(before - after),
        p_value=min(1.0, float(fisher_exact(there).pvalue) * len(words)),
        said=f"{words[most][:40]!r} in {before:.1%} of the texts of {names[0]}, {after:.1%} of {names[1]}",
    )


def _shares(texts: pl.Series) -> pl.DataFrame:
    cut = texts.drop_nulls().str.to_lowercase().str.extract_all(r"[\p{L}\p{N}']+").list.unique()
    return cut.rename("w").explode().drop_nulls().value_counts(name="n")


def _chi2(table: Floats) -> float:
    from scipy.stats import chi2_contingency

    table = table[:, table.sum(0) > 0]
    return float(chi2_contingency(table, correction=False).pvalue) if table.shape[1] > 1 else 1.0


def _floats(values: pl.Series) -> Floats:
    plain = values.to_physical() if values.dtype.is_temporal() else values
    numbers = plain.drop_nulls().cast(pl.Float64).to_numpy()
    return np.asarray(numbers[np.isfinite(numbers)])


def _strings(values: pl.Series) -> pl.Series:
    joined = values.list.sort().list.join("|") if isinstance(values.dtype, pl.List) else values.cast(pl.String)
    return joined.fill_null(MISSING)
