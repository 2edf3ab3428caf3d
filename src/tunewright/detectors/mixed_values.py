"""Words for one thing written in several ways within a column: yes and no, the values of a category."""

from __future__ import annotations

from tunewright.data.mending import MOST, USUAL
from tunewright.data.spellings import label_variants
from tunewright.detectors.cells import quote, some
from tunewright.detectors.mixing import Cells, Mix, listed, read_as

TRUE, FALSE = frozenset({"true", "yes", "y", "t", "1", "on"}), frozenset({"false", "no", "n", "f", "0", "off"})
SHARE = 0.01  # of the rows; as many respelled values are a warning


def truths(cells: Cells) -> Mix | None:
    """Yes and no in several words or cases."""
    counts = cells.text.drop_nulls().str.strip_chars().value_counts(name="\0rows").rows()
    words = {word.lower() for word, _ in counts}
    if len(counts) < 3 or len(counts) > 24 or not words <= TRUE | FALSE or not (words & TRUE and words & FALSE):
        return None
    meant = cells.text.str.strip_chars()
    most = {max((c for c in counts if c[0].lower() in side), key=lambda c: (c[1], c[0]))[0] for side in (TRUE, FALSE)}
    alike = cells.column.kind == "boolean"
    told = f"says yes and no in {len(counts)} ways: {some(counts, limit=6)}"
    told += "; all are read alike" if alike else f"; it is read as {read_as(cells.column)} of {len(counts)} values"
    marks = meant.is_not_null() & ~meant.is_in(sorted(most))
    return Mix(
        marks=marks, told=told, severity="info" if alike else "warning", remedy="unify_spellings" if alike else None
    )


def respelled(cells: Cells) -> Mix | None:
    """Values of a category that differ only in case, blanks or punctuation."""
    known = dict(cells.text.filter(cells.seen).drop_nulls().value_counts(name="\0rows").rows())
    counts = dict(cells.text.drop_nulls().value_counts(name="\0rows").rows())
    if not known or len(known) > min(MOST, sum(known.values()) / 2):
        return None
    usual = label_variants({value: known.get(value, 0) for value in sorted(counts)}, sure=True)
    usual = {value: other for value, other in usual.items() if known.get(other, 0) >= USUAL}
    if not usual:
        return None
    marks = cells.text.is_in(list(usual))
    ordered = sorted(usual, key=lambda value: (-counts[value], value))
    named = listed(f"{counts[v]} {quote(v)} for {counts[usual[v]]} {quote(usual[v])}" for v in ordered)
    one = len(usual) == 1
    told = f"has {len(usual)} value{'' if one else 's'} that differ{'s' if one else ''} from another only in case, "
    mended = set(usual) <= set(cells.column.spellings)
    told += f"blanks or punctuation: {named}; "
    told += "they are read as one" if mended else "each counts as a value of its own"
    grave = not mended and int(marks.sum()) >= SHARE * len(marks)
    return Mix(marks=marks, told=told, severity="warning" if grave else "info", remedy="unify_spellings")
