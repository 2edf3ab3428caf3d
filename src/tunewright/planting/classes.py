"""The classes of a target, which of them are easily confused, and rows that share one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
import polars as pl

from tunewright.data.tasks import split_labels
from tunewright.planting.about import About, Floats, Ints
from tunewright.planting.amounts import values_of
from tunewright.planting.drawing import pick

BINS = 1024  # of hashed words
MOST = 1000  # classes that are compared with each other
ENOUGH = 10  # rows of a class that a fault is tied to
LOOKED_AT = 50_000  # rows by whose content classes are compared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """K classes of n rows.

    Args:
        codes: (n,) class numbers, −1 where there is none.
        names: of the classes, as the target usually spells them.
        example: (K,) a row of each class whose target is spelled in the usual way.
    """

    codes: Ints
    names: tuple[str, ...]
    example: Ints

    @property
    def counts(self) -> Ints:
        """Rows per class (K,)."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


def classes_of(frame: pl.DataFrame, about: About) -> Classes:
    """Number the classes; spellings that differ in case, blanks and joining signs only are one class.

    >>> about = About(target="y", task="multiclass", rows=np.arange(4))
    >>> found = classes_of(pl.DataFrame({"y": ["no", "yes", "Yes ", "yes"]}), about)
    >>> found.codes.tolist(), found.names
    ([0, 1, 1, 1], ('no', 'yes'))
    """
    texts = frame[about.target].cast(pl.String).str.strip_chars().alias("text")
    folded = texts.str.to_lowercase().str.replace_all(r"[\s_-]+", " ").alias("class")
    kept = np.zeros(frame.height, bool)
    kept[about.rows] = True
    known = (
        pl.DataFrame([texts, folded]).with_row_index("row").filter(pl.Series(kept) & (folded != "").fill_null(False))
    )
    spelled = known.group_by("class", "text").agg(pl.len(), pl.col("row").min()).sort("len", "text", descending=True)
    usual = spelled.unique("class", keep="first", maintain_order=True).sort("class")
    number = {name: code for code, name in enumerate(usual["class"].to_list())}
    codes = folded.replace_strict(number, default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
    return Classes(codes=codes, names=tuple(usual["text"].to_list()), example=usual["row"].to_numpy().astype(np.int64))


def nearest_classes(frame: pl.DataFrame, about: About, classes: Classes) -> tuple[Ints, Floats]:
    """For each class the one it is most easily taken for (−1: not known), and how much alike they are (K,), (K,).

    By what an out-of-fold model gives to other classes, where that is known; else by the words and values they share.
    Of very many classes only the largest are compared.
    """
    common = np.sort(np.argsort(-classes.counts, kind="stable")[:MOST])
    likeness = _by_model(about, classes)
    likeness = _by_content(frame, about, classes, common) if likeness is None else likeness[np.ix_(common, common)]
    np.fill_diagonal(likeness, -np.inf)
    nearest, alike = np.full(len(classes.names), -1, np.int64), np.full(len(classes.names), -np.inf)
    if len(common) > 1:
        nearest[common], alike[common] = common[likeness.argmax(1)], likeness.max(1)
    return nearest, alike


def one_group(frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Ints | None:
    """Rows that share a class or a label, drawn among those of some size; a third of the rows with large targets."""
    if about.task == "regression":
        values = values_of(frame, about, about.target)[about.rows]
        return about.rows[values > np.nanquantile(values, 2 / 3)]
    if about.task == "multilabel":
        sets = label_sets(frame, about)
        pairs = sorted((label, row) for row in about.rows.tolist() for label in sets[row])
        holders = [np.array([row for _, row in group], np.int64) for _, group in groupby(pairs, key=itemgetter(0))]
    else:
        holders = rows_by_class(classes_of(frame, about), about.rows)
    fit = [rows for rows in holders if ENOUGH <= len(rows) <= 0.7 * len(about.rows)]
    return pick(fit, rng) if fit else None


def rows_by_class(classes: Classes, rows: Ints) -> list[Ints]:
    """Those of the rows that are of each class (K lists)."""
    codes = classes.codes[rows]
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(classes.names) + 1))
    return [rows[order[start:stop]] for start, stop in pairwise(ends.tolist())]


def label_sets(frame: pl.DataFrame, about: About) -> list[frozenset[str]]:
    """The labels of each row of a multilabel target."""
    lists = split_labels(frame[about.target], delimiter=about.formats.get(about.target)).to_list()
    return [frozenset(cell or ()) for cell in lists]


def columns_of(about: About, classes: Classes) -> Ints:
    """The column of `about.probabilities` that speaks of each class (K,), −1 where none does."""
    place = {name.strip().lower(): number for number, name in enumerate(about.labels)}
    return np.array([place.get(name.lower(), -1) for name in classes.names], np.int64)


def _by_model(about: About, classes: Classes) -> Floats | None:
    said = about.probabilities
    if said is None:
        return None
    columns = columns_of(about, classes)
    known = (classes.codes >= 0) & np.isfinite(said).all(1)
    sums = np.zeros((len(classes.names), said.shape[1]))
    np.add.at(sums, classes.codes[known], said[known])
    counts = np.bincount(classes.codes[known], minlength=len(classes.names))
    means = sums / np.maximum(counts, 1)[:, None]
    return np.where(columns >= 0, means[:, np.maximum(columns, 0)], 0.0)


def _by_content(frame: pl.DataFrame, about: About, classes: Classes, common: Ints) -> Floats:
    """Cosine of what is peculiar to each class: its words, categories and tenths of numbers, by hashed counts."""
    looked_at = slice(None, None, max(frame.height // LOOKED_AT, 1))
    place = np.full(len(classes.names) + 1, -1, np.int64)
    place[common] = np.arange(len(common))
    owners = place[classes.codes[looked_at]]
    counts = np.zeros((len(common), BINS))
    for column in about.features:
        if column in about.dates:
            continue
        held = pl.DataFrame({"class": owners, "token": _tokens(frame, about, column)[looked_at]})
        held = held.filter(pl.col("class") >= 0).explode("token").drop_nulls().group_by("class", "token").len()
        bins = (held["token"].hash(seed=11) % BINS).to_numpy().astype(np.int64)
        np.add.at(counts, (held["class"].to_numpy(), bins), held["len"].to_numpy())
    share = np.sqrt(counts / np.maximum(counts.sum(1, keepdims=True), 1))
    peculiar = share - share.mean(0)
    length = np.linalg.norm(peculiar, axis=1, keepdims=True)
    unit = peculiar / np.where(length > 0, length, 1)
    alike: Floats = unit @ unit.T
    return alike


def _tokens(frame: pl.DataFrame, about: About, column: str) -> pl.Series:
    """(n,) lists of what a cell holds: its words, its value, or the tenth of the column that its number is in."""
    if column in about.texts:
        return frame[column].cast(pl.String).str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]{2,}")
    if column in about.numbers:
        values = values_of(frame, about, column)
        edges = np.nanquantile(values, np.arange(0.1, 1, 0.1)) if np.isfinite(values).any() else np.zeros(1)
        texts = pl.Series(np.searchsorted(edges, values)).cast(pl.String)
    else:
        texts = frame[column].cast(pl.String).fill_null("")
    return (pl.Series([f"{column}="] * frame.height, dtype=pl.String) + texts).reshape((-1, 1)).cast(pl.List(pl.String))
