"""Personal data and secrets in the cells."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl

from tunewright.detectors.personal_patterns import PATTERNS, Pattern
from tunewright.detectors.rows import Rows
from tunewright.records import Finding

_PHONE_NAME = re.compile(
    r"(?i)(?:^|[\W_])(?:phone|mobile|cell|cellphone|tel|telephone|fax|whatsapp|msisdn)(?:$|[\W_]|no|number)"
)
_BARE = r"^\(?\+?\d(?:[ ().\-/]{0,3}\d){6,14}$"
_DIGITS_ONLY = r"^\d{9,13}$"
_PHONES = "phone numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitive:
    """Report columns whose cells hold e-mail addresses, phone, card, account or social security numbers, IPs or keys.

    All columns of the file are looked at, ignored ones too, except numbers with decimals, dates and truth values. A
    number with a check digit counts where most numbers of that look in the column pass the check: codes of the same
    length pass by chance only. Nothing that was found is ever repeated: an example shows its first letter.

    Cost: one regular expression over each text per pattern, and a closer look at the different texts with a match.
    """

    kind: ClassVar[str] = "sensitive"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        skipped = {column.name for column in rows.table.columns if column.kind in ("boolean", "datetime", "multilabel")}
        frame = rows.raw[rows.used]
        found = []
        for values in frame.get_columns():
            if values.name in skipped or not (values.dtype == pl.String or values.dtype.is_integer()):
                continue
            one = _look(values.cast(pl.String).alias("text"), values.name, rows)
            if one is not None:
                found.append(one)
        return tuple(sorted(found, key=lambda finding: finding.severity != "warning"))


@dataclass(slots=True)
class _Tally:
    """What was found in the different texts of a column: valid and false matches per text and pattern."""

    valid: dict[str, Counter[str]] = field(default_factory=dict)
    false: dict[str, Counter[str]] = field(default_factory=dict)
    example: dict[str, str] = field(default_factory=dict)


def _look(values: pl.Series, name: str, rows: Rows) -> Finding | None:
    texts = values.drop_nulls().unique(maintain_order=True)
    tally = _tally(texts)
    if not any(column.name == name and column.kind == "text" for column in rows.table.columns):
        _numbers_by_name(texts, name, tally)
    kept = [pattern for pattern in PATTERNS if _honest(pattern, tally)]
    return _finding(values, name, kept, tally, rows) if kept else None


def _tally(texts: pl.Series) -> _Tally:
    """Go through the texts that any pattern's hint is in; a stretch belongs to the first pattern that takes it."""
    tally = _Tally()
    hinted = pl.DataFrame({pattern.name: texts.str.contains(pattern.hint) for pattern in PATTERNS})
    near = hinted.select(pl.any_horizontal(pl.all())).to_series()
    for text, *hints in hinted.filter(near).insert_column(0, texts.filter(near).alias("\0text")).iter_rows():
        taken: list[tuple[int, int]] = []
        for pattern, hint in zip(PATTERNS, hints, strict=True):
            for start, end, valid in pattern.scan(text) if hint else ():
                if any(start < stop and end > begin for begin, stop in taken):
                    continue
                which = tally.valid if valid else tally.false
                which.setdefault(pattern.name, Counter())[text] += 1
                if valid:
                    taken.append((start, end))
                    tally.example.setdefault(pattern.name, pattern.mask(text[start:end].strip()))
    return tally


def _numbers_by_name(texts: pl.Series, name: str, tally: _Tally) -> None:
    """In a column that is no text, bare digits are phone numbers where the column says so, and only there."""
    valid = tally.valid.setdefault(_PHONES, Counter())
    named = bool(_PHONE_NAME.search(name))
    bare = texts.filter(texts.str.strip_chars().str.contains(_BARE if named else _DIGITS_ONLY))
    for text in bare:
        if named:
            valid.setdefault(text, 1)
            tally.example.setdefault(_PHONES, PATTERNS[-1].mask(text))
        else:
            valid.pop(text, None)


def _honest(pattern: Pattern, tally: _Tally) -> bool:
    valid = sum(tally.valid.get(pattern.name, {}).values())
    false = sum(tally.false.get(pattern.name, {}).values())
    return valid > 0 and valid >= pattern.honest * (valid + false)


def _finding(values: pl.Series, name: str, kept: list[Pattern], tally: _Tally, rows: Rows) -> Finding:
    per_text: dict[str, float] = {}
    for pattern in kept:
        for text, count in tally.valid[pattern.name].items():
            per_text[text] = per_text.get(text, 0.0) + count * pattern.weight
    graded = pl.DataFrame(
        {"text": list(per_text), "score": list(per_text.values())}, schema={"text": pl.String, "score": pl.Float64}
    )
    hit = pl.DataFrame({"row": rows.used, "text": values}).join(graded, on="text", how="inner")
    hit = hit.sort("score", "row", descending=[True, False])
    sums = [hit["text"].replace_strict(tally.valid[p.name], default=0).sum() for p in kept]
    sorts = [f"{p.name} ({count:,}, such as {tally.example[p.name]})" for p, count in zip(kept, sums, strict=True)]
    said = f"{', '.join(sorts[:-1])} and {sorts[-1]}" if len(sorts) > 1 else sorts[0]
    return Finding(
        kind=Sensitive.kind,
        severity="warning" if any(pattern.weight > 1 for pattern in kept) else "info",
        evidence=f"{name!r} holds {said}, in {hit.height:,} of {len(values):,} rows.",
        columns=(name,),
        rows=tuple(hit["row"].to_list()),
        rows_total=hit.height,
        score=hit.height / len(values),
        scores=tuple(hit["score"].to_list()),
    )
