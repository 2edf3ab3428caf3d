"""One class under several names, because its label is spelled in several ways."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from tunewright.data.spellings import RARER, label_variants
from tunewright.data.tasks import split_labels
from tunewright.detectors.cells import quote
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Column, Finding

__all__ = ["LabelFormat", "label_variants"]

HABIT, OFTEN = 0.1, 5  # share of a label's rows, and number: blanks around it that often are a habit of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFormat:
    """Report labels that are spelled in several ways; `groups` holds the rows to mend, one group per usual spelling.

    What is usual is decided by the train and validation rows. Two findings at most: spellings that differ in case,
    blanks, punctuation or character forms alone, and likely slips of the pen. Linear in rows and labels.

    Args:
        shown: spellings that the evidence names.
    """

    kind: ClassVar[str] = "label_format"
    shown: int = 5

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        labels = _labels(rows, rows.used)
        if labels is None:
            return ()
        seen = labels.filter(pl.col("row").is_in(rows.seen))
        known = {label: n for label, n in seen.get_column("label").value_counts().rows()}
        counts = Counter(labels.get_column("label").to_list())
        everything = {label: known.get(label, 0) for label in sorted(counts)}
        certain = label_variants(everything, sure=True)
        sure = {label: usual for label, usual in certain.items() if not _is_habit(label, usual, counts)}
        likely = {
            label: usual
            for label, usual in label_variants(everything).items()
            if label not in certain and (label in known or RARER * counts[label] <= known.get(usual, 0))
        }
        found = (self._finding(rows, labels, counts, chosen, certain=chosen is sure) for chosen in (sure, likely))
        return tuple(finding for finding in found if finding is not None)

    def _finding(
        self, rows: Rows, labels: pl.DataFrame, counts: Mapping[str, int], usual: Mapping[str, str], *, certain: bool
    ) -> Finding | None:
        if not usual:
            return None
        where = labels.filter(pl.col("label").is_in(list(usual))).sort("row")
        groups: dict[str, dict[int, None]] = defaultdict(dict)
        for row, label in where.select("row", "label").iter_rows():
            groups[usual[label]][row] = None
        told = tuple(dict.fromkeys(where.get_column("row").to_list()))
        extra = _classes_too_many(rows, labels, usual)
        return Finding(
            kind=self.kind,
            severity="warning" if extra else "info",
            evidence=self._evidence(counts, usual, rows=len(told), certain=certain, extra=extra),
            columns=(rows.table.target,),
            rows=told,
            rows_total=len(told),
            score=len(told) / labels.get_column("row").n_unique(),
            groups=tuple(tuple(group) for _, group in sorted(groups.items())),
            remedy="unify_spellings" if certain else "relabel_slips",
        )

    def _evidence(
        self, counts: Mapping[str, int], usual: Mapping[str, str], *, rows: int, certain: bool, extra: int
    ) -> str:
        ordered = sorted(usual, key=lambda label: (-counts[label], label))
        named = ", ".join(
            f"{quote(label)} ({counts[label]}) for {quote(usual[label])} ({counts[usual[label]]})"
            for label in ordered[: self.shown]
        )
        more = f" and {len(ordered) - self.shown} more" if len(ordered) > self.shown else ""
        one = len(usual) == 1
        if certain:
            what = f"{len(usual)} label{'' if one else 's'} differ{'s' if one else ''} from another only in how it is "
            what += "written (case, blanks, punctuation)"
        else:
            what = "1 label looks like a slip" if one else f"{len(usual)} labels look like slips"
            what += " of the pen for another"
        classes = "1 class" if extra == 1 else f"{extra} classes"
        then = f"{'' if certain else 'if so, '}the target has {classes} too many" if extra else "they are read as one"
        return f"{what}, in {rows} row{'s' * (rows != 1)}: {named}{more}; {then}."


def _labels(rows: Rows, used: Ints) -> pl.DataFrame | None:
    """One line per used row and label, blanks kept where the file has them; None where labels are no words."""
    if rows.table.task == "regression":
        return None
    cells = rows.raw.get_column(rows.table.target)[used]
    if rows.table.task == "multilabel":
        mark = _target(rows).format
        cells = cells.str.split(mark) if cells.dtype == pl.String and mark else split_labels(cells, delimiter=mark)
    frame = pl.DataFrame({"row": used, "label": cells})
    if rows.table.task == "multilabel":
        frame = frame.explode("label")
    frame = frame.filter(pl.col("label").is_not_null() & (pl.col("label").cast(pl.String).str.strip_chars() != ""))
    return frame if frame.schema["label"] == pl.String and frame.height else None


def _is_habit(label: str, usual: str, counts: Mapping[str, int]) -> bool:
    """Whether blanks around a label are how the file parts its labels, not how somebody wrote some of them."""
    return label.strip() == usual.strip() and counts[label] > max(HABIT * counts[usual], OFTEN)


def _target(rows: Rows) -> Column:
    return next(column for column in rows.table.columns if column.role == "target")


def _classes_too_many(rows: Rows, labels: pl.DataFrame, usual: Mapping[str, str]) -> int:
    """Classes that go when the spellings are unified; none where reading the table has already made them one."""
    first = labels.unique("label", keep="first", maintain_order=True)
    names = first.get_column("label").to_list()
    if rows.table.task == "multilabel":
        read = {name: _target(rows).spellings.get(name.strip(), name.strip()) for name in names}
    else:
        read = dict(zip(names, rows.typed.get_column(rows.table.target)[first.get_column("row")], strict=True))
    return len(set(read.values())) - len({read[usual.get(name, name)] for name in names})
