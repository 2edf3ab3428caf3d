"""Which task a target column poses: binary, multiclass, multilabel or regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from tunewright.data.numbers import decimal_sign, is_missing, mostly_numbers, parse_numbers
from tunewright.errors import DataError
from tunewright.records import TaskKind

MIN_ROWS = 8
DELIMITERS = {"|": 0.5, ";": 0.75, ",": 0.9}  # the share of parts that must recombine; class names hold commas too


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is known of a target column: its task, why, and the delimiter of labels or the decimal sign (`format`)."""

    task: TaskKind
    why: str
    format: str | None = None


def infer_task(
    values: pl.Series, *, kind: Literal["number", "category", "multilabel"] | None = None
) -> tuple[TaskKind, str]:
    """Infer the task a target poses, and say why.

    Args:
        values: the target column, as read.
        kind: what the user says it is; None infers it.

    Raises:
        DataError: no target value, fewer than 8, only one class, or nearly as many classes as rows.

    >>> infer_task(pl.Series("team", ["spam", "ham"] * 5))
    ('binary', '2 distinct values')
    """
    target = describe_target(values, kind=kind)
    return target.task, target.why


def describe_target(values: pl.Series, *, kind: Literal["number", "category", "multilabel"] | None = None) -> Target:
    """Infer the task of a target together with how its text is read; see `infer_task`."""
    present = present_labels(values)
    _enough(present, len(values))
    if kind == "multilabel" or (kind is None and isinstance(values.dtype, pl.List)):
        return _multilabel(present, "given" if kind else "lists of labels")
    if isinstance(values.dtype, pl.List):
        raise DataError(f"A {kind} target needs one value per row. {values.name!r} holds lists. Leave its kind out.")
    delimiter = label_delimiter(present) if kind is None else None
    if delimiter is not None:
        return _multilabel(present, f"values hold several labels, parted by {delimiter!r}")
    number = _regression(present) if kind in (None, "number") else None
    if number is not None and (kind == "number" or number.why):
        return Target(task="regression", why="given" if kind else number.why, format=number.format)
    if kind == "number":
        raise DataError(
            f"A number target needs numbers. {values.name!r} has hardly any. Choose another kind or target."
        )
    return _classes(present)


def split_labels(values: pl.Series, *, delimiter: str | None = None) -> pl.Series:
    """Split delimited labels into lists: stripped, without empty and repeated labels, in the order written.

    Args:
        values: lists of labels, or text.
        delimiter: what parts the labels; None finds it ("|" where no value holds several).

    >>> split_labels(pl.Series(["a|b", "b", None])).to_list()
    [['a', 'b'], ['b'], None]
    """
    if not isinstance(values.dtype, pl.List):
        texts = values.cast(pl.String)
        mark = delimiter or label_delimiter(texts) or "|"
        values = texts.set(texts.str.strip_chars() == "", None).str.split(mark)
    element = pl.element().cast(pl.String).str.strip_chars()
    lists = values.to_frame("x").select(
        pl.col("x").list.eval(element.filter(element != "")).list.unique(maintain_order=True)
    )
    return lists.to_series().rename(values.name)


def label_delimiter(values: pl.Series) -> str | None:
    """Find the character that parts several labels in one text, if any.

    A delimiter counts only when the parts recombine: most of them (see `DELIMITERS`) also stand in another value, and
    there are fewer different parts than different values. Class names that merely hold a comma do not.

    >>> label_delimiter(pl.Series(["joy,anger", "joy", "fear,anger", "fear", "joy,fear"]))
    ','
    >>> label_delimiter(pl.Series(["salt, fine", "salt, coarse", "pepper"])) is None
    True
    """
    if values.dtype != pl.String:
        return None
    counts = values.drop_nulls().rename("x").value_counts(name="n")
    text = counts.get_column("x")
    for mark, enough in DELIMITERS.items():
        holds = text.str.contains(mark, literal=True)
        share = int(counts.filter(holds).get_column("n").sum()) / max(len(values), 1)
        if share >= 0.01 and _recombines(text, mark, enough) and not _are_decimals(text, mark, share):
            return mark
    return None


def present_labels(values: pl.Series) -> pl.Series:
    """Target values that are there: not null, not NaN, not blank."""
    values = values.drop_nulls()
    if values.dtype == pl.String:
        return values.filter(values.str.strip_chars() != "")
    return values.drop_nans() if values.dtype.is_float() else values


def _enough(present: pl.Series, rows: int) -> None:
    name = present.name
    if not len(present):
        raise DataError(f"A target needs values. Column {name!r} is empty in all {rows} rows. Choose another target.")
    if len(present) < MIN_ROWS:
        raise DataError(
            f"At least {MIN_ROWS} rows need a target. Column {name!r} has {len(present)} of {rows}. Label more rows."
        )
    if present.n_unique() == 1:
        raise DataError(
            f"A target needs at least two different values. Column {name!r} has the same one in all {len(present)} "
            "labelled rows. Choose another target, or add rows of other classes."
        )


def _recombines(text: pl.Series, mark: str, enough: float) -> bool:
    lists = text.to_frame("t").select(pl.col("t"), part=pl.col("t").str.split(mark)).explode("part")
    lists = lists.with_columns(pl.col("part").str.strip_chars())
    if (lists.get_column("part") == "").any():
        return False
    seen = lists.group_by("part").agg(values=pl.col("t").n_unique(), alone=(pl.col("part") == pl.col("t")).any())
    several = lists.filter(pl.col("t").str.contains(mark, literal=True)).join(seen, on="part")
    shared = several.select((pl.col("values") > 1).mean()).item()
    words = lists.get_column("part").str.count_matches(r"\s+").mean()
    return bool(shared >= enough and seen.height < max(len(text), 3) and float(words or 0.0) <= 3)  # type: ignore[arg-type]


def _are_decimals(text: pl.Series, mark: str, share: float) -> bool:
    """Tell "3,5" (a number) from "4,27" (labels 4 and 27): labels also come in threes, or mostly alone."""
    if mark != ",":
        return False
    read = parse_numbers(text)
    return read.null_count() == 0 and (share > 0.5 or decimal_sign(text) == ".")


def _multilabel(present: pl.Series, why: str) -> Target:
    delimiter = None if isinstance(present.dtype, pl.List) else label_delimiter(present) or "|"
    labels = split_labels(present, delimiter=delimiter).explode(empty_as_null=True).drop_nulls()
    distinct = labels.n_unique()
    if distinct < 2:
        raise DataError(f"A multilabel target needs at least two labels. {present.name!r} has {distinct}. Add others.")
    if distinct > 0.8 * len(labels):
        raise DataError(
            f"Labels must repeat to be learned. {present.name!r} has {distinct} different ones among {len(labels)}. "
            "Choose another target."
        )
    return Target(task="multilabel", why=f"{why}; {distinct} labels", format=delimiter)


def _regression(present: pl.Series) -> Target | None:
    """A target of numbers; `why` is empty where they look like class numbers. None where they are no numbers."""
    if present.dtype == pl.Boolean or not (present.dtype == pl.String or present.dtype.is_numeric()):
        return None
    texts = present.filter(~is_missing(present)) if present.dtype == pl.String else present
    if texts.dtype == pl.String and not mostly_numbers(texts):
        return None
    sign = decimal_sign(texts) if texts.dtype == pl.String else "."
    numbers = parse_numbers(texts, decimal=sign).drop_nulls()
    if len(numbers) < max(0.95 * len(texts), MIN_ROWS):
        return None
    form = sign if sign == "," else None
    return Target(task="regression", why=_continuous(numbers), format=form)


def _continuous(numbers: pl.Series) -> str:
    distinct = numbers.n_unique()
    if (numbers != numbers.round(0)).any():
        return f"{distinct} distinct numbers with decimals" if distinct > 5 else ""
    counts = numbers.rename("x").value_counts(name="n").get_column("n")
    rare = int((counts < 5).sum()) / distinct  # values of a quantity thin out, class numbers seldom do
    span = float(numbers.max()) - float(numbers.min()) + 1  # type: ignore[arg-type]
    many = distinct > min(0.05 * len(numbers), 500) or rare > 0.05 or span > 1.5 * distinct
    return f"{distinct} distinct whole numbers in {len(numbers)} rows" if distinct > 20 and many else ""


def _classes(present: pl.Series) -> Target:
    labels = present.cast(pl.String).str.strip_chars()
    distinct = labels.n_unique()
    if distinct > 2 and distinct > 0.8 * len(labels):
        raise DataError(
            f"Classes must repeat to be learned. Column {present.name!r} has {distinct} different values in "
            f"{len(labels)} labelled rows. Choose another target, or group its values into classes."
        )
    return Target(task="binary" if distinct == 2 else "multiclass", why=f"{distinct} distinct values")
