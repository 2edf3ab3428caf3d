"""Occlusion: take one thing out, ask the whole model again; what the answer loses is the thing's weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.explain.aim import Aim
from tunewright.explain.asking import Asker
from tunewright.explain.attribution import Attribution
from tunewright.explain.cases import Case

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occlusion:
    """Weights of words and columns by leaving each out; faithful to network, words and trees alike.

    A word is taken out of its text; a table cell is replaced by what its column usually holds. Two words that say the
    same hide each other, since either alone suffices: that is the method's known blind spot.

    Source: Zeiler & Fergus (2014), Visualizing and understanding convolutional networks; Li, Monroe & Jurafsky (2016),
    Understanding neural networks through representation erasure.
    """

    kind: ClassVar[str] = "occlusion"
    needs_network: ClassVar[bool] = False

    def quick(self) -> Occlusion:
        """The same: there is nothing to leave out."""
        return self

    def explain(self, asker: Asker, cases: Sequence[Case], aims: Sequence[Aim]) -> list[Attribution]:
        """One attribution per case, towards its aim."""
        answers = asker.ask([(case, masks_of(case)) for case in cases])
        return [_weights(case, aim, found) for case, aim, found in zip(cases, aims, answers, strict=True)]


def masks_of(case: Case) -> Array:
    """(2 + U + C + texts, U + C): nothing out, all out, each unit out, each text column out."""
    size = case.units
    texts = [case.column_mask(name) for name in case.cells]
    return np.concatenate(
        [np.zeros((1, size), bool), np.ones((1, size), bool), np.eye(size, dtype=bool), np.array(texts, bool)]
        if texts
        else [np.zeros((1, size), bool), np.ones((1, size), bool), np.eye(size, dtype=bool)]
    )


def _weights(case: Case, aim: Aim, found: Array) -> Attribution:
    """From (m, R, K) outputs of `masks_of` to weights."""
    scores = aim.score(found).mean(1)
    lost = scores[0] - scores[2:]
    texts = dict(zip(case.cells, lost[case.units :]))
    return Attribution(
        words=lost[: len(case.words)],
        columns=lost[len(case.words) : case.units],
        texts={name: float(weight) for name, weight in texts.items()},
        output=float(scores[0]),
        empty=float(scores[1]),
    )
