"""Take values that seem to stand for an empty cell as what they stand for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import polars as pl

from tunewright.data.dates import TIME_ONLY
from tunewright.data.disguised import disguised_dates, disguised_numbers, disguised_words
from tunewright.records import Column
from tunewright.remedies.material import Evidence, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeMissing:
    """Prepare numbers and days such as -999 and 1900-01-01, and words such as "unknown", like empty cells.

    Words that can mean nothing else ("?", "N/A") are read so without a trial. What is a disguise follows from the train
    and validation rows; cells stay as they are, features see them as missing, in later rows as well.
    """

    kind: ClassVar[str] = "decode_missing"
    rule: ClassVar[str] = "repair"
    answers: ClassVar[tuple[str, ...]] = ("missing_values",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Name the values in `Column.empty`."""
        found = [finding for finding in evidence.of(*self.answers) if finding.remedy == self.kind]
        named = {name for finding in found for name in finding.columns}
        seen = material.typed[sorted((*material.split.train, *material.split.validation))]
        columns = tuple(
            replace(column, empty=(*column.empty, *more))
            if column.name in named and (more := _disguises(seen, column))
            else column
            for column in material.table.columns
        )
        if columns == material.table.columns:
            return None
        return replace(material, table=replace(material.table, columns=columns))


def _disguises(seen: pl.DataFrame, column: Column) -> tuple[str, ...]:
    """Values of a feature column that may stand for an empty cell and are not read so yet."""
    if column.role != "feature" or column.name not in seen.columns:
        return ()
    values = seen.get_column(column.name)
    if column.kind == "number":
        found = [f"{one.value!r}" for one in disguised_numbers(values)]
    elif column.kind == "datetime" and column.format != TIME_ONLY:
        found = [f"{one.value!s}" for one in disguised_dates(values)]
    elif column.kind == "category":
        found = list(disguised_words(values, among=values))
    else:
        return ()
    return tuple(value for value in found if value not in column.empty)
