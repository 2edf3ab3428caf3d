"""Labels that are spelled in more than one way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.classes import label_sets
from tunewright.planting.drawing import changed, draw, pick, put, shuffled

WAYS = 3  # other spellings of one label, at most
LONG = 6  # letters from which on a slip leaves a label recognisable


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSpelling:
    """Write the labels of some rows in another case, with other joints, blanks or a slip, meaning the same.

    Args:
        rate: share of the rows.
        slips: whether a letter may be missing or doubled.
    """

    name: ClassVar[str] = "label_spelling"
    kind: ClassVar[str] = "label_format"
    also: ClassVar[tuple[str, ...]] = ("rare_class", "class_imbalance", "label_errors", "conflicting_labels")
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "target"
    rate: float = 0.02
    slips: bool = True

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Respell; only labels that are text, with letters, and no lists."""
        if about.task == "regression" or frame.schema[about.target] != pl.String:
            return None
        rows = draw(about.rows, self.rate, rng)
        if rows is None:
            return None
        sets = label_sets(frame, about) if about.task == "multilabel" else None
        cells = frame[about.target]
        known = set().union(*sets) if sets is not None else set(cells.drop_nulls().to_list())
        owners, ways = _owners(known), dict[str, list[str]]()
        hit, texts = [], []
        for row in rows.tolist():
            labels = sorted(sets[row]) if sets is not None else [cells[row]]
            for label in labels:
                if label not in ways:
                    ways[label] = _spellings(label, owners, rng, slips=self.slips)
            able = [label for label in labels if ways[label]]
            if able:
                label = pick(able, rng)
                hit.append(row)
                texts.append(_respelled(cells[row], label, pick(ways[label], rng), about))
        if not hit:
            return None
        where = np.array(hit, np.int64)
        return changed(put(frame, about.target, where, texts), where, (about.target,))


def _spellings(label: str, owners: dict[str, str], rng: np.random.Generator, *, slips: bool) -> list[str]:
    """Other ways to write a label that nobody would take for another label, at most three."""
    plain = label.strip()
    if not any(letter.isalpha() for letter in plain):
        return []
    found = [plain.upper(), plain.lower(), plain.title(), plain.capitalize(), f"{plain} ", f"{plain}."]
    found += [plain.replace("_", " "), plain.replace(" ", "_"), plain.replace("-", " "), plain.replace(" ", "-")]
    if slips and len(plain) >= LONG:
        at = int(rng.integers(2, len(plain) - 1))
        found += [plain[:at] + plain[at + 1 :], plain[:at] + plain[at - 1 :]]
    other = sorted({way for way in found if way != label and _belongs(way.strip(), plain, owners)})
    return shuffled(other, rng)[:WAYS]


def _owners(labels: Iterable[str]) -> dict[str, str]:
    """Each label, and each with one letter left out, and whose it is ("" where it is that of several)."""
    owners: dict[str, str] = {}
    for label in sorted({label.strip() for label in labels}):
        for text in _shorter(label):
            owners[text] = label if owners.get(text, label) == label else ""
    return owners


def _belongs(way: str, label: str, owners: dict[str, str]) -> bool:
    """Up to a letter it is no other label's spelling."""
    return all(owners.get(text, label) == label for text in _shorter(way)) or (
        # Labels that are a letter apart from each other stay so in another case.
        way not in owners and way.lower().replace("_", " ") == label.lower().replace("_", " ")
    )


def _shorter(text: str) -> set[str]:
    return {text, *(text[:at] + text[at + 1 :] for at in range(len(text)))}


def _respelled(cell: str, label: str, way: str, about: About) -> str:
    if about.task != "multilabel":
        return way
    mark = about.formats.get(about.target, "|")
    return mark.join(way if part.strip() == label else part for part in cell.split(mark))
