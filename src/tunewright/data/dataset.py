"""A table with its meaning: what it is (`describe`), and later tables brought into the same form (`conform`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import polars as pl

from tunewright.data.derived import compute, derived_columns, sources_of
from tunewright.data.digests import fingerprint
from tunewright.data.expressions import parse
from tunewright.data.kinds import infer_columns
from tunewright.data.mending import empty_words, value_spellings
from tunewright.data.names import listed, suggest
from tunewright.data.other_ways import TRUTHS, read_dates, read_numbers, with_other_ways
from tunewright.data.pairs import infer_pair
from tunewright.data.spellings import label_variants
from tunewright.data.tasks import Target, describe_target, split_labels
from tunewright.errors import DataError
from tunewright.records import Column, Table

MOST_LABELS = 5_000  # more different cells than that are no class names


def describe(
    frame: pl.DataFrame,
    *,
    target: str,
    columns: Mapping[str, str] | None = None,
    pair: Literal["auto", "none"] | Sequence[str] = "auto",
    roles: Mapping[str, str] | None = None,
    derive: Mapping[str, str] | None = None,
    unify: bool = False,
    files: Sequence[str] = (),
) -> Table:
    """Say what a table is: kinds and roles of its columns, its task, its pair of texts, its fingerprint.

    Args:
        frame: the table as `read` gives it.
        target: the column to predict.
        columns: kinds the user gives, by column name; "ignore" leaves one out.
        pair: "auto", "none" or the names of two text columns.
        roles: columns that are weight, group, time or part, by column name.
        derive: expressions of new columns, by name; what they are computed from may itself be left out.
        unify: whether labels and values of a category that differ only in case, blanks or punctuation are read as one,
            and words for "nothing here" among these values as an empty cell.
        files: names of the files it came from.

    Raises:
        PlanError: names, kinds or roles that do not exist.
        DataError: the target poses no task, or no column is left to predict it from.

    >>> frame = pl.DataFrame({"price": ["$4.50", "3"] * 5, "y": ["a", "b"] * 5})
    >>> describe(frame, target="y").task
    'binary'
    """
    overrides, content = dict(columns or {}), fingerprint(frame)  # as it was read, so that anybody finds it again
    spellings = _spellings(frame, target) if unify else {}
    if spellings:
        frame = frame.with_columns(_labels(frame.get_column(target)).replace(spellings).alias(target))
    if not isinstance(pair, str):
        overrides |= {name: "text" for name in pair if name in frame.columns and name != target}
    hidden = {
        name for text in (derive or {}).values() for name in parse(text).columns if overrides.get(name) == "ignore"
    }
    shown = {name: kind for name, kind in overrides.items() if name not in hidden}
    known = infer_columns(frame, target=target, overrides=shown, roles=roles)
    known = tuple(with_other_ways(frame.get_column(c.name), c) if c.role != "target" else c for c in known)
    known = tuple(
        replace(c, role="ignore", why="used for derived columns only") if c.name in hidden else c for c in known
    )
    known += derived_columns(derive or {}, known, lambda c: _cast(frame.get_column(c.name), c, None), target=target)
    _need_features(known)
    texts = [column.name for column in known if column.kind == "text" and column.role == "feature"]
    found, _ = infer_pair(frame, texts, pair)
    known = _leave_out_other_texts(known, found)
    goal = describe_target(frame.get_column(target), kind=overrides.get(target))  # type: ignore[arg-type]
    if unify:
        known = tuple(_mended(frame, c, goal, spellings) for c in known)
    table = Table(
        rows=frame.height,
        columns=known,
        fingerprint=content,
        target=target,
        task=goal.task,
        task_why=goal.why,
        pair=found,
        files=tuple(files),
    )
    missing = conform(frame, table).null_count().row(0, named=True)  # counts what does not fit its kind, too
    return replace(table, columns=tuple(replace(c, missing=missing.get(c.name, c.missing)) for c in known))


def conform(frame: pl.DataFrame, table: Table, *, require_target: bool = False) -> pl.DataFrame:
    """Cast the columns of a raw frame to the kinds of a known table; each row is cast on its own, the same way always.

    number → Float64; text, category, group and part → String; boolean → Boolean; datetime → Datetime[us]; target:
    String (classes), List[String] (multilabel) or Float64 (regression). What does not fit its kind becomes null.
    Columns that the table ignores or does not know are dropped; a weight, group, time or part column may be absent.

    Args:
        frame: rows as `read` gives them.
        table: what `describe` said of the training data.
        require_target: the target must be there; otherwise it may be.

    Raises:
        DataError: feature columns (or a required target) are missing; all are named.

    >>> table = describe(pl.DataFrame({"price": ["$4.50", "3"] * 5, "y": ["1", "2"] * 5}), target="y")
    >>> conform(pl.DataFrame({"extra": [0], "price": ["1,000"]}), table).rows()
    [(1000.0,)]
    """
    needed = [c.name for c in table.columns if _is_needed(c) or (require_target and c.role == "target")]
    needed += sorted(sources_of(table.columns) - set(needed))
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        hints = [f"{name!r}{_hint(name, set(frame.columns) - set(needed))}" for name in absent]
        raise DataError(
            f"Data must have the columns the model was trained on. Missing: {', '.join(hints)}. "
            f"The data has {listed(frame.columns)}. Add or rename columns."
        )
    used = [c for c in table.columns if c.role != "ignore" and c.name in frame.columns and not c.derived]
    cast = {c.name: _cast(frame.get_column(c.name), c, table) for c in used}
    sources = sources_of(table.columns)
    hidden = [c for c in table.columns if c.name in sources and c.role == "ignore"]
    every = cast | {c.name: _cast(frame.get_column(c.name), c, table) for c in hidden}
    derived = [compute(c, every) for c in table.columns if c.derived and c.role != "ignore"]
    return pl.DataFrame([*cast.values(), *derived])


def _hint(name: str, others: set[str]) -> str:
    near = suggest(name, others).strip().rstrip("?")
    return f" ({near[0].lower()}{near[1:]}?)" if near else ""


def _is_needed(column: Column) -> bool:
    return column.role == "feature" and not column.derived


def _need_features(columns: Sequence[Column]) -> None:
    if not any(column.role == "feature" for column in columns):
        reasons = "; ".join(f"{c.name!r}: {c.why}" for c in columns if c.role != "target")[:1000]
        raise DataError(
            f"Something besides the target must tell rows apart. No column does ({reasons or 'there is no other'}). "
            "Add columns, or set their kinds under data.columns."
        )


def _leave_out_other_texts(columns: Sequence[Column], pair: tuple[str, str] | None) -> tuple[Column, ...]:
    """A pair is scored by the relation of its two texts; a third text has no place in that."""
    if pair is None:
        return tuple(columns)
    why = f"{pair[0]!r} and {pair[1]!r} are a pair, beside which no other text is used"
    others = {c.name for c in columns if c.kind == "text" and c.role == "feature"} - set(pair)
    return tuple(replace(c, role="ignore", why=why) if c.name in others else c for c in columns)


def _cast(values: pl.Series, column: Column, table: Table | None) -> pl.Series:
    if table is not None and column.role == "target" and table.task == "multilabel":
        return _each_unified(split_labels(values, delimiter=column.format), column.spellings)
    if table is not None and column.role == "target" and table.task != "regression":
        return _unified(_labels(values), column.spellings) if column.spellings else _labels(values)
    if column.role in ("group", "part"):
        return _labels(values)
    if column.kind == "number":
        return read_numbers(values, column)
    if column.kind == "boolean":
        return _booleans(values)
    if column.kind == "datetime":
        return read_dates(values, column)
    texts = _strings(values)
    texts = texts.set((texts == "").fill_null(False), None)  # as in a csv file, so that the format does not matter
    return texts.replace(dict(column.spellings)) if column.spellings else texts


def _spellings(frame: pl.DataFrame, target: str) -> dict[str, str]:
    """Every spelling of a class name to the usual one; none for a target of numbers or of lists."""
    if target not in frame.columns or frame.schema[target] != pl.String:
        return {}
    return _usual(_labels(frame.get_column(target)))


def _usual(labels: pl.Series) -> dict[str, str]:
    """Every spelling to the usual one, for labels that are few enough to be classes."""
    counts = {str(label): int(n) for label, n in labels.drop_nulls().value_counts(name="\0rows").rows()}
    if len(counts) > MOST_LABELS:
        return {}
    return {label: label for label in sorted(counts)} | label_variants(counts, sure=True)


def _mended(frame: pl.DataFrame, column: Column, goal: Target, spellings: Mapping[str, str]) -> Column:
    """A column with what its values are read as: the target's labels, the values of a category."""
    if column.role == "target" and goal.task in ("binary", "multiclass"):
        return replace(column, spellings=spellings)
    cells = frame.get_column(column.name) if column.name in frame.columns else None
    if cells is None or cells.dtype != pl.String:
        return column
    if column.role == "target" and goal.task == "multilabel":
        return replace(column, spellings=_usual(split_labels(cells, delimiter=goal.format).explode()))
    if column.role == "feature" and column.kind == "category":
        return replace(column, spellings=value_spellings(cells), empty=empty_words(cells))
    return column


def _unified(labels: pl.Series, spellings: Mapping[str, str]) -> pl.Series:
    """Labels in their usual spelling; one that was never seen may still be a known one in other case or blanks."""
    new = {str(label): 1 for label in labels.drop_nulls().unique().to_list() if label not in spellings}
    if new:
        known = dict.fromkeys(sorted(set(spellings.values())), len(new) + 1)
        spellings = {**spellings, **label_variants(known | new, sure=True)}
    return labels.replace(dict(spellings))


def _each_unified(lists: pl.Series, spellings: Mapping[str, str]) -> pl.Series:
    """The same for lists of labels."""
    if not spellings:
        return lists
    frame = pl.DataFrame({"row": pl.arange(len(lists), eager=True), "label": lists}).explode("label")
    frame = frame.with_columns(_unified(frame.get_column("label"), spellings))
    unified = frame.group_by("row", maintain_order=True).agg(pl.col("label").drop_nulls().unique(maintain_order=True))
    return unified.get_column("label").set(lists.is_null(), None).rename(lists.name)


def _labels(values: pl.Series) -> pl.Series:
    """Class names: text without surrounding blanks; "1.0" is "1" and "True" is "true", whatever the file's format."""
    texts = _strings(values).str.strip_chars().str.replace(r"^([+-]?\d+)\.0+$", "${1}")
    texts = texts.str.replace(r"(?i)^true$", "true").str.replace(r"(?i)^false$", "false")
    return texts.set((texts == "").fill_null(False), None)


def _strings(values: pl.Series) -> pl.Series:
    if isinstance(values.dtype, pl.List | pl.Struct):
        raise DataError(
            f"Column {values.name!r} must hold one value per row. It holds {values.dtype}. Turn it into text."
        )
    if values.dtype.is_float():
        whole = values.round(0).cast(pl.Int64, strict=False).cast(pl.String)
        kept = values.to_frame("x").select(
            pl.when(pl.col("x").is_nan())
            .then(None)
            .when(pl.col("x") == pl.col("x").round(0))
            .then(whole)
            .otherwise(pl.col("x").cast(pl.String))
        )
        return kept.to_series().rename(values.name)
    return values.cast(pl.String)


def _booleans(values: pl.Series) -> pl.Series:
    if values.dtype != pl.String:
        return values.cast(pl.Boolean, strict=False)
    lowered = values.str.strip_chars().str.to_lowercase()
    return lowered.replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)
