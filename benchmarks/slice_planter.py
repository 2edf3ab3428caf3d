"""Slices of errors planted into the mistakes of a simple model on the shared sets; truth by rules of its own."""

from __future__ import annotations

import gzip
import io
import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from sets import SETS, SHARED

from tunewright.data import conform, describe

NAMES = ("titanic", "sms_spam", "snips", "googleplay", "bike_sharing", "california_housing")
NEVER = {"bike_sharing": {"casual", "registered", "instant"}}  # what adds up to the count, and a row number
OFTEN = 0.9  # probability of an error inside a slice; 0.6 in noisy ones
COLUMNS = ("rare", "noisy", "correlated", "conjunction")
TEXTS = ("word", "length")
FEWEST_VALUES = 30  # distinct numbers of a column from which a range is drawn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mistakes:
    """A set's rows, typed, with the errors of a simple model: 0 or 1, or absolute errors."""

    name: str
    frame: pl.DataFrame
    table: object
    errors: np.ndarray
    vectors: np.ndarray | None

    @property
    def binary(self):
        return bool(np.isin(self.errors, (0.0, 1.0)).all())

    def columns(self, *kinds):
        return [c.name for c in self.table.columns if c.role == "feature" and c.kind in kinds]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planted:
    """Rows with a slice among their errors."""

    mistakes: Mistakes
    kind: str
    said: str
    mask: np.ndarray


def bike_sharing():
    data = gzip.decompress((SHARED / "bike_sharing/hour.csv.gz").read_bytes())
    return pl.read_csv(io.BytesIO(data), infer_schema=False)


def mistakes_of(name, rows):
    """Out-of-fold errors of a logistic or ridge regression on numbers, categories and TF-IDF of at most `rows` rows."""
    one = next((found for found in SETS if found.name == name), None)
    frame, target = (one.load(), one.target) if one else (bike_sharing(), "count")
    frame = frame.drop([*NEVER.get(name, ()), *(["part"] if "part" in frame.columns else [])])
    if rows < len(frame):
        frame = frame.sample(rows, seed=0)
    frame = frame.filter(pl.col(target).is_not_null())
    table = describe(frame, target=target, pair="none")
    typed = conform(frame, table)
    empty = Mistakes(name=name, frame=typed, table=table, errors=np.zeros(0), vectors=None)
    return fitted(empty, typed[target])


def fitted(mistakes, target):
    from scipy import sparse
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import cross_val_predict
    from sklearn.preprocessing import OneHotEncoder

    blocks, vectors = [], None
    numbers = [filled(mistakes.frame[name]) for name in mistakes.columns("number")]
    blocks += [sparse.csr_matrix((x - x.mean())[:, None] / max(x.std(), 1e-9)) for x in numbers]
    names = mistakes.columns("category", "boolean")
    if names:
        cells = mistakes.frame.select(pl.col(names).cast(pl.String).fill_null("")).to_numpy()
        blocks.append(OneHotEncoder(handle_unknown="ignore", max_categories=50).fit_transform(cells))
    texts = mistakes.columns("text")
    if texts:
        joined = [" ".join(cell or "" for cell in row) for row in mistakes.frame.select(texts).iter_rows()]
        words = TfidfVectorizer(max_features=3000, min_df=3, sublinear_tf=True).fit_transform(joined)
        blocks.append(words)
        vectors = TruncatedSVD(min(32, words.shape[1] - 1), random_state=0).fit_transform(words).astype(np.float32)
    x = sparse.hstack(blocks).tocsr()
    if target.dtype.is_numeric():
        said = cross_val_predict(Ridge(1.0), x, target.to_numpy(), cv=5)
        errors = np.abs(said - target.to_numpy())
    else:
        truth = target.to_numpy()
        errors = (cross_val_predict(LogisticRegression(max_iter=200, C=3.0), x, truth, cv=5) != truth).astype(float)
    return Mistakes(name=mistakes.name, frame=mistakes.frame, table=mistakes.table, errors=errors, vectors=vectors)


def filled(cells):
    values = cells.cast(pl.Float64).to_numpy()
    return np.where(np.isfinite(values), values, np.nanmedian(values))


def plant(mistakes, kind, rng):
    """The same rows with one more slice of errors, or None where the set has nothing to cut it from."""
    found = {"rare": rare, "noisy": rare, "correlated": correlated, "conjunction": conjunction}.get(kind, in_text)(
        mistakes, kind, rng
    )
    if found is None:
        return None
    mistakes, mask, said = found
    hit = mask & (rng.random(len(mask)) < (0.6 if kind == "noisy" else OFTEN))
    errors = mistakes.errors.copy()
    worst = np.sort(errors)[-max(len(errors) // 10, 1) :]
    errors[hit] = 1.0 if mistakes.binary else rng.choice(worst, int(hit.sum()))
    planted = Mistakes(
        name=mistakes.name, frame=mistakes.frame, table=mistakes.table, errors=errors, vectors=mistakes.vectors
    )
    return Planted(mistakes=planted, kind=kind, said=said, mask=mask)


def kinds_of(mistakes):
    return (COLUMNS if mistakes.columns("number", "category") else ("rare", "noisy", "conjunction")) + (
        TEXTS if mistakes.columns("text") else ()
    )


def rare(mistakes, kind, rng):
    """2 to 5 % of the rows: a value of a category, a range of a number, or else a word."""
    if not mistakes.columns("number", "category"):
        return in_text(mistakes, "word", rng)
    drawn = one_condition(mistakes, rng, 0.02, 0.05)
    return drawn and (mistakes, *drawn)


def correlated(mistakes, kind, rng):
    """The rare slice of a number, and another column that follows that number (rank correlation about 0.9)."""
    names = [name for name in mistakes.columns("number") if mistakes.frame[name].n_unique() >= FEWEST_VALUES]
    if not names:
        return None
    name = str(rng.choice(names))
    mask, said = number_range(mistakes, name, rng, 0.02, 0.05)
    ranks = filled(mistakes.frame[name]).argsort().argsort() / len(mask)
    follower = ranks + rng.normal(size=len(mask)) * 0.13
    frame = mistakes.frame.with_columns(pl.Series("follower", follower))
    return with_column(mistakes, frame), mask, said


def with_column(mistakes, frame):
    from dataclasses import replace

    like = next(c for c in mistakes.table.columns if c.role == "feature" and c.kind == "number")
    table = replace(
        mistakes.table, columns=(*mistakes.table.columns, replace(like, name="follower", derived=None, missing=0))
    )
    return replace(mistakes, frame=frame, table=table)


def conjunction(mistakes, kind, rng):
    """Two conditions of 10 to 45 % of the rows each, on two columns, that 2 to 8 % meet."""
    for _ in range(200):
        one, two = (one_condition(mistakes, rng, 0.1, 0.45) for _ in range(2))
        if one is None or two is None or one[1].split("'")[1] == two[1].split("'")[1]:
            continue
        both = one[0] & two[0]
        if 0.02 <= both.mean() <= 0.08:
            return mistakes, both, f"{one[1]} and {two[1]}"
    return None


def one_condition(mistakes, rng, low, high):
    """A value or a range that so large a share of the rows meets; where there are only texts, a word or a length."""
    numbers = [name for name in mistakes.columns("number") if mistakes.frame[name].n_unique() >= FEWEST_VALUES]
    values = [
        (name, value)
        for name in mistakes.columns("category", "boolean")
        for value, rows in mistakes.frame[name].cast(pl.String).drop_nulls().value_counts(name="\0n").rows()
        if low <= rows / len(mistakes.frame) <= high
    ]
    choices = [*(("number", name) for name in numbers), *(("value", one) for one in values)]
    if not choices:
        found = in_text(mistakes, str(rng.choice(TEXTS)), rng, low, high)
        return found and found[1:]
    kind, what = choices[rng.integers(len(choices))]
    if kind == "number":
        return number_range(mistakes, what, rng, low, high)
    mask = (mistakes.frame[what[0]].cast(pl.String) == what[1]).fill_null(False).to_numpy()
    return mask, f"'{what[0]}' is {what[1]}"


def number_range(mistakes, name, rng, low, high):
    values = mistakes.frame[name].cast(pl.Float64).to_numpy()
    return cut(values, f"'{name}'", rng, low, high)


def cut(values, name, rng, low, high):
    """Rows between two quantiles drawn at random, as near to the wanted share as ties allow."""
    known = np.isfinite(values)
    for _ in range(50):
        share = rng.uniform(low, high)
        start = rng.uniform(0, 1 - share)
        a, b = np.quantile(values[known], (start, start + share))
        mask = known & (values >= a) & (values <= b)
        if 0.7 * low <= mask.mean() <= 1.5 * high:
            return mask, f"{name} from {a:.4g} to {b:.4g}"
    return None


def in_text(mistakes, kind, rng, low=0.02, high=0.05):
    """Rows that have a word, or whose text is of a certain length."""
    name = str(rng.choice(mistakes.columns("text")))
    texts = mistakes.frame[name].fill_null("").to_list()
    if kind == "length":
        found = cut(np.array([len(text.split()) for text in texts], float), f"'{name}' words", rng, low, high)
        return found and (mistakes, *found)
    cells = [set(re.findall(r"[^\W_]+", text.lower())) for text in texts]
    count = {}
    for cell in cells:
        for word in cell:
            count[word] = count.get(word, 0) + 1
    often = sorted(word for word, rows in count.items() if low <= rows / len(texts) <= high)
    if not often:
        return None
    word = str(rng.choice(often))
    return mistakes, np.array([word in cell for cell in cells]), f"'{name}' has {word}"
