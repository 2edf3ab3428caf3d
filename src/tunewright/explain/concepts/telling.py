"""Directions as records: their names, words and texts, their effects, and the sentence that says why they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.data.masking import masked
from tunewright.explain.concepts.ends import FEWEST
from tunewright.explain.concepts.halves import FOUND_AGAIN
from tunewright.explain.concepts.judging import Judged
from tunewright.explain.concepts.naming import TextWords, name_of
from tunewright.explain.concepts.sample import Learned, Sample
from tunewright.explain.neighbours import cell_text
from tunewright.records import Concept, ConceptEffect, ConceptExample, Score
from tunewright.stats import wilson
from tunewright.tasks import Regression

LABELS = 3  # told of either side
EXAMPLES = 4
ALIKE = 0.3  # cosine of effects to those on shuffled heads from which on they do not speak of the model


def verdict(texts: int, rows: str, *, found: int, ends: int, shown: int, alike: Score | None) -> tuple[bool, str]:
    """Whether directions may be shown, and why or why not.

    Args:
        texts: train texts that were looked at.
        rows: the held-out rows, in words.
        found: directions in both halves of the texts.
        ends: of those, how many have rows at their ends.
        shown: of those, how many move answers more than chance.
        alike: cosine of their effects to those on shuffled heads.

    >>> verdict(900, "300 validation rows", found=0, ends=0, shown=0, alike=None)
    (False, 'No direction was found in both halves of 900 train texts (cosine of at least 0.8).')
    """
    count = "1 direction was" if found == 1 else f"{found or 'No'} direction{'s were' if found else ' was'}"
    told = f"{count} found in both halves of {texts:,} train texts"
    if not found:
        return False, f"{told} (cosine of at least {FOUND_AGAIN})."
    if not ends:
        return False, f"{told}. None is shown: fewer than {FEWEST} of {rows} stand at the end of each."
    if not shown or alike is None:
        return False, (
            f"{told}. None is shown: of {rows} those at their ends were moved, and taking the directions out moves the "
            "answers no further than random moves of the same length do."
        )
    if alike.value >= ALIKE:
        return False, (
            f"{told}. None is shown: heads of shuffled weights do much the same with them (cosine {alike.value:.2f}), "
            "so what they do does not speak of the model."
        )
    return True, (
        f"{told}, without a look at labels. Of {rows} those at their ends were moved: taking out {shown} of {found} "
        "moves the answers further than random moves of the same length do. Heads of shuffled weights do other things "
        f"with them (cosine {alike.value:+.2f})."
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Telling:
    """What directions are told with.

    Args:
        model: the model.
        learned: where examples come from.
        sample: texts, and where they stand among the learned rows.
        held: how many held-out rows there are.
        examples: whether words and texts of rows may be written down.
    """

    model: FittedModel
    learned: Learned
    sample: Sample
    held: int
    examples: bool

    def concepts(self, judged: Sequence[Judged]) -> tuple[Concept, ...]:
        """Directions with their names, shares, effects and examples."""
        texts = [masked(text) for text in self.sample.texts] if self.examples else []
        words = TextWords(texts) if self.examples else None
        return tuple(self._concept(one, texts, words) for one in judged)

    def _concept(self, one: Judged, texts: Sequence[str], words: TextWords | None) -> Concept:
        marking = words.marking(one.end.inside) if words is not None else ()
        first = np.argsort(-one.end.amounts, kind="stable")[:EXAMPLES].tolist() if words is not None else []
        return Concept(
            name=name_of(marking, [texts[place] for place in first]),
            share=wilson(len(one.end.taken.rows), self.held),
            towards=self._effects(one, 1),
            against=self._effects(one, -1),
            change=one.change,
            chance=one.chance,
            p_value=one.p_value,
            agreement=one.end.agreement,
            words=marking,
            examples=tuple(self._example(place, float(one.end.amounts[place])) for place in first),
        )

    def _effects(self, one: Judged, sign: int) -> tuple[ConceptEffect, ...]:
        task, labels = self.model.task, one.effects.shown(sign, LABELS)
        side = "higher" if sign > 0 else "lower"
        names = [side if isinstance(task, Regression) else task.labels[label] for label in labels]
        scores = one.effects.scores(labels)
        return tuple(ConceptEffect(label=name, effect=score) for name, score in zip(names, scores, strict=True))

    def _example(self, place: int, amount: float) -> ConceptExample:
        table, row = self.model.preprocessor.table, int(self.sample.places[place])
        return ConceptExample(
            row=int(self.learned.rows[row]),
            label=cell_text(self.learned.typed[table.target][row]),
            amount=round(amount, 2),
            cells={
                name: cell_text(masked(self.learned.typed[name][row] or ""))
                for name in self.model.preprocessor.texts[0]
            },
        )
