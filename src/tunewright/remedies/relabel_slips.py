"""Give rows whose label looks like a slip of the pen the label that was meant."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import polars as pl

from tunewright.data.spellings import label_variants
from tunewright.remedies.material import Evidence, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelSlips:
    """Give train rows whose label looks like a slip of the pen for a far more frequent one that label.

    What differs only in case, blanks or punctuation is read as one label without a trial; a slip may be a class of its
    own after all, so this must show a gain.
    """

    kind: ClassVar[str] = "relabel_slips"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("label_format",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Relabel train rows; what is usual is counted in the train and validation rows."""
        if material.table.task == "regression" or not evidence.of(*self.answers):
            return None
        target = material.typed.get_column(material.table.target)
        several = material.table.task == "multilabel"
        seen = target.gather([*material.split.train, *material.split.validation]).drop_nulls()
        counts = Counter(str(label) for label in (seen.explode() if several else seen).drop_nulls())
        usual = label_variants(dict(sorted(counts.items())))
        changed = {}
        for row in material.split.train:
            labels = target[row]
            if labels is None:
                continue
            meant = list(dict.fromkeys(usual.get(x, x) for x in labels)) if several else usual.get(labels, labels)
            if (list(labels) if several else labels) != meant:
                changed[row] = meant
        if not changed:
            return None
        cells = target.to_list()
        for row, meant in changed.items():
            cells[row] = meant
        return replace(material, typed=material.typed.with_columns(pl.Series(target.name, cells, target.dtype)))
