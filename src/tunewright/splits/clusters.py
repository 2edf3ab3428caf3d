"""Which rows belong together: copies, near-copies and given groups, not to be torn apart by a split."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tunewright.errors import PlanError
from tunewright.records import Finding, Table
from tunewright.splits.cluster_findings import (
    copies_found,
    crowds_found,
    groups_chained_found,
    near_copies_found,
)
from tunewright.splits.comparing import Links
from tunewright.splits.components import components, dense, star
from tunewright.splits.near_duplicates import links_among
from tunewright.splits.shingles import Ints, normalise

THRESHOLD = 0.8  # Jaccard similarity of character 5-shingles
SMALL, SHARE = 10, 0.01  # a cluster of more rows than both is a template or a coincidence, not a copied row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """What hangs together.

    Args:
        labels: (n,) rows with one label must stay in one part: copies and groups together.
        copies: (n,) the same from the content of the rows alone, without groups.
        groups: (n,) the given groups alone; every row its own where there are none.
        findings: what was seen on the way.
        exact: (n,) copies to the letter alone, or None where that is all that `copies` are.
    """

    labels: Ints
    copies: Ints
    groups: Ints
    findings: tuple[Finding, ...] = ()
    exact: Ints | None = None


def clusters(frame: pl.DataFrame, table: Table, *, group: str | None = None) -> Clusters:
    """Find rows that repeat each other and join them with the given groups.

    Rows with text are compared by their joined text columns (near-duplicates); without a text column rows are copies
    where all feature columns are equal. A cluster of more than max(10, 1 %) of the rows is reported and not kept
    together, its exact copies excepted. Given groups always stay whole. Empty texts resemble nothing.

    Args:
        frame: the rows.
        table: kinds and roles of its columns.
        group: a column whose equal values stay together; a row where it is missing is a group of its own.

    Raises:
        PlanError: the group column is not there.

    >>> from tunewright.records import Column
    >>> column = Column(name="message", kind="text", role="feature", why="free text")
    >>> table = Table(rows=3, columns=(column,), fingerprint="", target="y", task="binary", task_why="")
    >>> frame = pl.DataFrame({"message": ["Where is my blue parcel?", "Thanks!", "where is my blue parcel ?"]})
    >>> clusters(frame, table).labels.tolist()
    [0, 1, 0]
    >>> clusters(frame.with_columns(who=pl.Series([1, 2, 2])), table, group="who").labels.tolist()
    [0, 0, 0]
    """
    if group is not None and group not in frame.columns:
        raise PlanError(
            f"splits.group must name a column of the data. Got {group!r}; there are {', '.join(frame.columns)}. "
            "Correct the name or leave splits.group out."
        )
    limit = max(SMALL, int(SHARE * frame.height))
    names = tuple(column.name for column in table.columns if column.role == "feature" and column.name in frame.columns)
    texts = tuple(name for name in names if name in table.features("text"))
    exact, same, links = _compare_texts(frame, names, texts) if texts else _compare_values(frame, names)
    chained = components(frame.height, links.pairs)
    crowded = np.bincount(chained, minlength=1)[chained] > limit
    copies = dense(np.where(crowded, frame.height + same, chained))
    groups = _groups(frame, group)
    labels, cut = _with_groups(copies, groups, limit)
    uncrowded = np.where(crowded, frame.height + np.arange(frame.height), chained)
    findings = (
        copies_found(exact if texts else uncrowded, names),
        near_copies_found(uncrowded, exact, links, texts),
        crowds_found(chained, crowded, limit, texts=texts, names=names),
        groups_chained_found(cut, groups, group),
    )
    found = tuple(finding for finding in findings if finding is not None)
    return Clusters(
        labels=labels,
        copies=copies,
        groups=groups,
        findings=found,
        exact=dense(exact if texts else uncrowded),
    )


def clusters_among(frame: pl.DataFrame, table: Table, rows: Ints, *, group: str | None = None) -> Clusters:
    """What hangs together among some rows alone; every other row is by itself, whatever it says.

    Args:
        frame: all n rows.
        table: kinds and roles of its columns.
        rows: ids of those to compare, ascending.
        group: as for `clusters`.
    """
    found = clusters(frame[rows.tolist()], table, group=group)

    def lifted(labels: Ints) -> Ints:
        everything = labels.max(initial=-1) + 1 + np.arange(frame.height)
        everything[rows] = labels
        return dense(everything)

    def named(finding: Finding) -> Finding:
        groups = tuple(tuple(rows[list(group)].tolist()) for group in finding.groups)
        return replace(finding, rows=tuple(rows[list(finding.rows)].tolist()), groups=groups)

    return Clusters(
        labels=lifted(found.labels),
        copies=lifted(found.copies),
        groups=lifted(found.groups),
        findings=tuple(named(finding) for finding in found.findings),
        exact=None if found.exact is None else lifted(found.exact),
    )


def _compare_texts(frame: pl.DataFrame, names: tuple[str, ...], texts: tuple[str, ...]) -> tuple[Ints, Ints, Links]:
    """Rows equal to the letter, rows equal after normalising their text, and near-duplicate links."""
    strings = [pl.col(name).cast(pl.String) for name in texts]
    joined = frame.select(pl.concat_str(strings, separator="\n", ignore_nulls=True)).to_series().to_list()
    folded = [normalise(text) for text in joined]
    others = [name for name in names if name not in texts]
    alone = np.arange(frame.height)
    empty = np.array([not text for text in folded], dtype=bool)
    exact = np.where(empty, alone, _equal_rows(frame.select(names)))
    alike = frame.select(*others, pl.Series("\0text", folded, dtype=pl.String))
    same = np.where(empty, alone, _equal_rows(alike))
    return exact, same, links_among(folded, threshold=THRESHOLD)


def _compare_values(frame: pl.DataFrame, names: tuple[str, ...]) -> tuple[Ints, Ints, Links]:
    """Rows equal in all features; where very many are, that is a coincidence of few values and binds nothing."""
    alone = np.arange(frame.height)
    exact = _equal_rows(frame.select(names)) if names else alone
    pairs = star(exact)
    return exact, alone, Links(pairs=pairs, similarity=np.ones(len(pairs)))


def _equal_rows(frame: pl.DataFrame) -> Ints:
    """The first row that equals each row in every column (missing equals missing)."""
    index = pl.col("\0row").min().over(frame.columns)
    return frame.with_row_index("\0row").select(index).to_series().to_numpy().astype(np.int64)


def _groups(frame: pl.DataFrame, group: str | None) -> Ints:
    alone = np.arange(frame.height)
    if group is None:
        return alone
    return np.where(frame[group].is_null().to_numpy(), alone, _equal_rows(frame.select(group)))


def _with_groups(copies: Ints, groups: Ints, limit: int) -> tuple[Ints, Ints]:
    """Join copies and groups; where copies would chain groups into a crowd, only groups (or lone rows' copies) count.

    Returns the labels, and the chained labels of the rows (-1: none) whose copies were cut.
    """
    count = len(copies)
    joined = components(count, np.concatenate([star(copies), star(groups)]))
    size = np.bincount(joined, minlength=1)
    largest = np.zeros_like(size)
    np.maximum.at(largest, joined, np.bincount(groups, minlength=count)[groups])
    crowd = ((largest > 1) & (size > np.maximum(limit, 2 * largest)))[joined]
    lone = np.bincount(groups, minlength=count)[groups] == 1
    apart = np.where(lone, 2 * count + copies, count + groups)
    return dense(np.where(crowd, apart, joined)), np.where(crowd, joined, -1)
