"""What the search for copies has to report: counts and row numbers, never content."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tunewright.data.wording import agreeing
from tunewright.records import Finding
from tunewright.splits.comparing import Links
from tunewright.splits.components import members
from tunewright.splits.shingles import Ints

NOTABLE = 0.01  # repeats of more than this share of the rows are worth a warning


def copies_found(exact: Ints, columns: tuple[str, ...]) -> Finding | None:
    """Rows equal to an earlier row in every feature column; `rows` are the repeats, `groups` all rows concerned."""
    groups = members(exact)
    rows = [int(row) for group in groups for row in group[1:]]
    if not rows:
        return None
    repeat = agreeing(len(rows), f"1 row of {exact.size} repeats", f"{len(rows)} rows of {exact.size} repeat")
    found = agreeing(len(groups), "group", "groups")
    return Finding(
        kind="duplicates",
        severity="warning" if len(rows) > NOTABLE * exact.size else "info",
        evidence=f"{repeat} an earlier row in every feature column "
        f"({len(groups)} {found}; the largest has {groups[0].size} rows).",
        columns=columns,
        rows=tuple(rows),
        rows_total=len(rows),
        groups=tuple(_ids(group) for group in groups),
        remedy="drop_duplicates",
    )


def near_copies_found(chained: Ints, exact: Ints, links: Links, columns: tuple[str, ...]) -> Finding | None:
    """Rows that resemble an earlier row without equalling one; scored by the closest resemblance that was verified."""
    score = np.zeros(chained.size)
    for side in (0, 1):
        np.maximum.at(score, links.pairs[:, side], links.similarity)
    groups = [group for group in members(chained) if np.unique(exact[group]).size > 1]
    rows = [int(row) for group in groups for row in _unlike(group, exact)]
    rows.sort(key=lambda row: (-score[row], row))
    if not rows:
        return None
    of = chained.size
    repeat = agreeing(len(rows), f"1 row of {of} nearly repeats", f"{len(rows)} rows of {of} nearly repeat")
    found = agreeing(len(groups), "cluster", "clusters")
    return Finding(
        kind="near_duplicates",
        severity="warning" if len(rows) > NOTABLE * chained.size else "info",
        evidence=f"{repeat} an earlier row ({len(groups)} {found}; the largest has {groups[0].size} rows; shared "
        f"character 5-shingles up to {score[rows[0]]:.2f}).",
        columns=columns,
        rows=tuple(rows),
        rows_total=len(rows),
        score=float(score[rows[0]]),
        scores=tuple(round(float(score[row]), 4) for row in rows),
        groups=tuple(_ids(group) for group in groups),
        remedy="drop_duplicates",
    )


def crowds_found(
    chained: Ints, crowded: npt.NDArray[np.bool_], limit: int, *, texts: tuple[str, ...], names: tuple[str, ...]
) -> Finding | None:
    """Clusters of more than `limit` rows, which a split does not keep together."""
    groups = [group for group in members(chained) if crowded[group[0]]]
    if not groups:
        return None
    rows = np.concatenate(groups)
    what = "resemble each other like fillings of one template" if texts else "have equal values in every feature column"
    kept = "only their exact copies are" if texts else "so few distinct values are a coincidence"
    found = agreeing(len(groups), "cluster", "clusters")
    return Finding(
        kind="near_duplicates" if texts else "duplicates",
        severity="warning",
        evidence=f"{rows.size} rows of {chained.size} {what} ({len(groups)} {found} of more than {limit} rows; the "
        f"largest has {groups[0].size}). A split does not keep them on one side: {kept}.",
        columns=texts or names,
        rows=_ids(rows),
        rows_total=rows.size,
        groups=tuple(_ids(group) for group in groups),
    )


def groups_chained_found(cut: Ints, groups: Ints, column: str | None) -> Finding | None:
    """Groups that copies would have chained into a crowd; `cut` is the crowd of each row, -1 for none."""
    rows = np.flatnonzero(cut >= 0)
    if column is None or not rows.size:
        return None
    return Finding(
        kind="near_duplicates",
        severity="warning",
        evidence=f"Copies link {np.unique(groups[rows]).size} groups with {rows.size} of {cut.size} rows into "
        f"{np.unique(cut[rows]).size} crowds. The groups stay whole; their copies in other groups may be elsewhere.",
        columns=(column,),
        rows=_ids(rows),
        rows_total=rows.size,
    )


def _unlike(group: Ints, exact: Ints) -> Ints:
    """The group's rows that equal none before them, without its first row."""
    _, first = np.unique(exact[group], return_index=True)
    return group[np.sort(first)[1:]]


def _ids(rows: Ints) -> tuple[int, ...]:
    return tuple(rows.tolist())
