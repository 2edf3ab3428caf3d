"""Texts that say nothing: empty, blank, a single character, or punctuation alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.detectors.cells import at, quote
from tunewright.detectors.rows import Rows
from tunewright.records import Finding

_BLANK = r"^[\s\p{Z}\p{Cc}\p{Cf}]*$"
_SIGNS = r"^[\s\p{Z}\p{Cc}\p{Cf}\p{P}$+<=>^`|~]*$"
_EYES, _MOUTH = r"[:;=8xX]", r"[()\[\]{}<>|/\\*@#]+"
_FACE = rf"^(?:(?:{_MOUTH})?{_EYES}[-'o^]?{_MOUTH}|{_MOUTH}[-'o^]?{_EYES}|\^[_.]?\^|-_+-|[oO>][_.][oO<]|<3+)+$"
_ONE = r"^\s*(?:[^\W_]|[\p{L}\p{N}])\s*$"
_IDEOGRAM = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyText:
    """Report the cells of each text column that say nothing.

    Emoticons, emoji and single ideograms say something. Empty cells of a text column that is often empty, beside other
    features, are missing values rather than faults. Linear in the characters.

    Args:
        often: share of empty cells beyond which they are usual in a column.
        grave: share of the rows from which it is a warning.
        words: in the median text, from which a single character says nothing.
    """

    kind: ClassVar[str] = "empty_text"
    often: float = 0.2
    grave: float = 0.005
    words: float = 5.0

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        features = [column for column in rows.table.columns if column.role == "feature"]
        only = all(column.kind == "text" for column in features)
        texts = [column.name for column in features if column.kind == "text"]
        found = (self._finding(rows, name, only=only) for name in texts)
        return tuple(finding for finding in found if finding is not None)

    def _are_sentences(self, rows: Rows, name: str) -> bool:
        """Whether texts usually have some words; among names and titles a single letter is one more of them."""
        seen = rows.typed.get_column(name)[rows.seen].drop_nulls()
        return bool(len(seen)) and float(seen.str.count_matches(r"\S+").median() or 0.0) >= self.words  # type: ignore[arg-type]

    def _finding(self, rows: Rows, name: str, *, only: bool) -> Finding | None:
        used = rows.used
        cells = rows.typed.get_column(name)[used]
        empty = cells.is_null() | cells.str.contains(_BLANK).fill_null(False)
        if not only and int(empty.sum()) > self.often * len(used):
            empty = empty & cells.is_not_null()
        signs = cells.str.contains(_SIGNS).fill_null(False) & ~empty
        signs &= ~cells.set(~signs, None).str.replace_all(r"\s+", "").str.contains(_FACE).fill_null(False)
        one = (cells.str.contains(_ONE) & ~cells.str.contains(_IDEOGRAM)).fill_null(False) & ~signs
        if not self._are_sentences(rows, name):
            one &= False
        where = [*at(used, empty), *at(used, signs), *at(used, one)]
        if not where:
            return None
        parts = [(int(empty.sum()), "empty or blank"), (int(signs.sum()), "punctuation alone")]
        parts.append((int(one.sum()), "a single character"))
        shown = cells.filter((signs | one) & (cells.str.len_chars() <= 8)).head(1)
        told = ", ".join(f"{n} {what}" for n, what in parts if n)
        return Finding(
            kind=self.kind,
            severity="warning" if len(where) >= self.grave * len(used) else "info",
            evidence=f"{len(where)} of {len(used)} texts in {name!r} say nothing: {told}"
            f"{f' (as {quote(shown[0])})' if len(shown) else ''}.",
            columns=(name,),
            rows=tuple(where),
            rows_total=len(where),
            score=len(where) / len(used),
        )
