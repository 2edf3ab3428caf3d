"""Copies that carry different labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.data import row_digests
from tunewright.detectors.rows import Ints, Rows
from tunewright.learning.suspects import suggested
from tunewright.records import Finding

GROUP, ROW, LABEL, SCORE = "group", "row", "label", "score"
ROBUST = 1.4826  # median absolute deviation to standard deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictingLabels:
    """Report rows that repeat each other and have different labels (numbers: clearly different values).

    Rows equal in every feature column are in conflict by that alone. Rows whose texts nearly repeat each other, and
    which are equal in all else, may rightly differ ("change the oil", "change the tires"): they are reported where the
    rest of the data, by a fit that saw none of them, gives one of them the label of another; numbers where they differ
    twice as much; sets of labels never. Without a text column, equal rows are a coincidence of few values where they
    are common, and nothing is reported.

    Cost: n log n.

    Args:
        apart: numbers: difference between copies, in robust standard deviations of the target among train and
            validation rows.
        common: share of the rows that have a copy, beyond which equal table rows are a coincidence.
        notable: share of the rows beyond which it is a warning.
    """

    kind: ClassVar[str] = "conflicting_labels"
    apart: float = 1.5
    common: float = 0.1
    notable: float = 0.01

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look: exact copies first."""
        labels = _labels(rows)
        if labels is None or self._coincidence(rows):
            return ()
        exact = rows.clusters.copies if rows.clusters.exact is None else rows.clusters.exact
        same = _conflicts(labels, exact, self.apart)
        near = _conflicts(labels, _near_copies(rows), 2 * self.apart)
        told = near.filter(near[ROW].is_in(same[ROW].implode()))[GROUP].unique()
        near = near.filter(~near[GROUP].is_in(told.implode()))
        what = "different values" if rows.table.task == "regression" else "different labels"
        found = (
            self._finding(same, f"are equal in every feature column and carry {what}", rows),
            self._finding(_mistaken(near, rows), f"nearly repeat each other and carry {what}", rows),
        )
        return tuple(finding for finding in found if finding is not None)

    def _coincidence(self, rows: Rows) -> bool:
        if rows.table.features("text") or rows.table.pair or not len(rows.used):
            return False
        _, group, size = np.unique(rows.clusters.copies[rows.used], return_inverse=True, return_counts=True)
        return float((size[group] > 1).mean()) > self.common

    def _finding(self, found: pl.DataFrame, what: str, rows: Rows) -> Finding | None:
        if not found.height:
            return None
        groups = found.group_by(GROUP, maintain_order=True).agg(pl.col(ROW).sort())[ROW].to_list()
        return Finding(
            kind=self.kind,
            severity="warning" if found.height > self.notable * len(rows.used) else "info",
            evidence=f"{found.height} of {len(rows.used)} rows {what} "
            f"({len(groups)} {'group' if len(groups) == 1 else 'groups'}).",
            columns=(rows.table.target,),
            rows=tuple(found[ROW].to_list()),
            rows_total=found.height,
            scores=tuple(found[SCORE].round(4).to_list()),
            groups=tuple(tuple(group) for group in groups),
            remedy="drop_conflicts",
        )


def _labels(rows: Rows) -> pl.DataFrame | None:
    """Used rows with what their targets are compared by: folded text, or numbers in robust standard deviations."""
    target = rows.typed[rows.table.target]
    if rows.table.task == "regression":
        values = target.cast(pl.Float64)
        known = values.gather(rows.seen).drop_nulls().to_numpy()
        spread = ROBUST * float(np.median(np.abs(known - np.median(known)))) if len(known) else 0.0
        if not spread > 0:
            return None
        label = values / spread
    elif rows.table.task == "multilabel":
        label = target.list.eval(_folded(pl.element())).list.sort().list.join("\n")
    else:
        label = target.to_frame("0").select(_folded(pl.col("0"))).to_series()
    return pl.DataFrame({ROW: rows.used, LABEL: label.gather(rows.used)}).drop_nulls()


def _near_copies(rows: Rows) -> Ints:
    """Rows whose texts nearly repeat each other, told apart by their other feature columns."""
    copies, texts = rows.clusters.copies, {*rows.table.features("text"), *(rows.table.pair or ())}
    others = [c.name for c in rows.table.columns if c.role == "feature" and c.name not in texts]
    if not texts or not others:
        return copies
    digests = np.unique(row_digests(rows.typed, others), return_inverse=True)[1]
    return np.unique(np.stack([copies, digests.reshape(-1)]), axis=1, return_inverse=True)[1].reshape(-1)


def _folded(labels: pl.Expr) -> pl.Expr:
    """Labels whose spelling does not count."""
    return labels.cast(pl.String).str.strip_chars().str.to_lowercase()


def _conflicts(labels: pl.DataFrame, groups: Ints, apart: float) -> pl.DataFrame:
    """Rows of the groups that disagree, the worst first; a row's score is how much of its group is against it."""
    frame = labels.with_columns(pl.Series(GROUP, groups[labels[ROW].to_numpy()]))
    mine, size = pl.col(LABEL), pl.len().over(GROUP)
    if labels.schema[LABEL] == pl.String:
        disagree = mine.n_unique().over(GROUP) > 1
        against = 1 - pl.len().over(GROUP, LABEL) / size
    else:
        disagree = (mine.max() - mine.min()).over(GROUP) > apart
        against = (mine - mine.median().over(GROUP)).abs()
    found = frame.filter(size > 1).filter(disagree).with_columns(against.alias(SCORE), size.alias("size"))
    return found.sort(SCORE, "size", GROUP, ROW, descending=[True, True, False, False])


def _mistaken(near: pl.DataFrame, rows: Rows) -> pl.DataFrame:
    """The groups in which a row looks, to a fit that saw none of them, like what another of them is labelled."""
    if rows.table.task == "regression" or not near.height:
        return near
    learned = rows.learned()
    if learned is None or rows.table.task == "multilabel":
        return near.clear()
    said = suggested(learned)
    names = pl.Series("said", learned.labels, dtype=pl.String).to_frame().select(_folded(pl.col("said"))).to_series()
    answers = pl.DataFrame({ROW: learned.rows[said >= 0], "said": names.gather(said[said >= 0])})
    looked = near.join(answers, on=ROW, how="left", maintain_order="left")
    like = (pl.col("said") != pl.col(LABEL)) & pl.col("said").is_in(pl.col(LABEL).implode().over(GROUP))
    return looked.filter(like.any().over(GROUP)).drop("said")
