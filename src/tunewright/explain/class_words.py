"""Which words push towards which label, over many rows and in the words model beside the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.explain.aim import pushes
from tunewright.explain.asking import Asker
from tunewright.explain.cases import Case
from tunewright.records import WordEffect
from tunewright.tasks import Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
SHOWN = 10
MOST_VARIANTS = 1500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WordTable:
    """What every word of some rows does to every label.

    Args:
        words: V words, case folded.
        rows: (V,) how many rows hold each.
        total: (V, K) sums over rows of what taking the word out takes from each label's log odds.
        squares: (V, K) sums of their squares.
        carried: (V, K) sums over the label's rows: those in which it was the likeliest (multilabel: likelier than not).
        said: (K,) how many rows each label has so.
        present: (V, K) of these rows, those that hold the word.
        seen: rows that were looked at.
    """

    words: tuple[str, ...]
    rows: Array
    total: Array
    squares: Array
    carried: Array
    said: Array
    present: Array
    seen: int

    def interval(self, word: int, label: int, *, width: float = 1.96) -> tuple[float, float | None, float | None]:
        """Mean effect of a word on a label with a normal interval; none for a single row."""
        n = int(self.rows[word])
        mean = float(self.total[word, label] / n)
        if n < 2:
            return mean, None, None
        spread = max(float(self.squares[word, label] / n - mean**2), 0.0) * n / (n - 1)
        half = width * float(np.sqrt(spread / n))
        return mean, mean - half, mean + half


def word_table(asker: Asker, cases: Sequence[Case], *, most: int = MOST_VARIANTS) -> WordTable | None:
    """Take every distinct word of a row out, all of its places at once; None where no row has a word.

    Args:
        asker: the model.
        cases: rows, looked at in this order while the words left out stay below `most`.
        most: variants that are asked for in all.
    """
    task, chosen, held = asker.model.task, [], 0
    for case in cases:
        named = _distinct(case)
        if named and held + len(named) <= most:
            chosen.append((case, named))
            held += len(named)
    if not chosen:
        return None
    asked = asker.ask([(case, _masks(case, named)) for case, named in chosen])
    words = {word: place for place, word in enumerate(sorted({word for _, named in chosen for word in named}))}
    shape = (len(words), task.outputs)
    rows, seen = np.zeros(len(words), np.int64), len(chosen)
    total, squares, carried, present = (np.zeros(shape) for _ in range(4))
    said = np.zeros(task.outputs)
    for (_, named), answer in zip(chosen, asked):
        found = pushes(task, answer.mean(1), asker.model.decision.temperature)
        lost, places = found[0] - found[1:], [words[word] for word in named]
        own = np.arange(task.outputs) == found[0].argmax()
        if isinstance(task, Multilabel):
            own |= found[0] > 0
        rows[places] += 1
        total[places] += lost
        squares[places] += lost**2
        carried[places] += lost * own
        present[places] += own
        said += own
    return WordTable(
        words=tuple(words), rows=rows, total=total, squares=squares, carried=carried, said=said, present=present,
        seen=seen,
    )  # fmt: skip


def words_per_class(table: WordTable, task: Task) -> dict[str, tuple[WordEffect, ...]]:
    """The words that carry each label most.

    They are ranked by what taking them out costs the label in all of its rows together, times the share of their rows
    that are the label's: a mark in half of a class comes before a strong word in one row, and before "the".
    """
    ranked = table.carried * table.present / table.rows[:, None]
    found = {}
    for name, label, sign in directions(task):
        first = np.argsort(-sign * ranked[:, label], kind="stable")[:SHOWN]
        pushing = [int(word) for word in first if sign * ranked[word, label] > 0]
        found[name] = tuple(_effect(table, word, label) for word in pushing)
    return found


def linear_words(model: FittedModel) -> dict[str, tuple[WordEffect, ...]]:
    """The n-grams that the words model beside the network holds most typical of each label; none for pairs of texts.

    Weights are those of a text of that n-gram alone: coefficient times share, in log odds against the other labels'
    mean (regression: units of the target).
    """
    lexical, task = model.lexical, model.task
    if lexical is None or len(model.preprocessor.texts) != 1:
        return {}
    weight = np.asarray(lexical.weight[:, : len(lexical.vocabulary)], np.float64) * model.lexical_share
    if isinstance(task, Regression):
        weight = weight * task.scale
    elif len(weight) > 1 and task.kind != "multilabel":
        weight = (weight - weight.mean(0)) * len(weight) / (len(weight) - 1)
    weight = weight / (1.0 if isinstance(task, Regression) else model.decision.temperature)
    found = {}
    for name, label, sign in directions(task):
        order = np.argsort(-sign * weight[label], kind="stable")[:SHOWN]
        found[name] = tuple(
            _constant(lexical.vocabulary[int(place)], float(weight[label, place]))
            for place in order
            if sign * weight[label, place] > 0
        )
    return found


def directions(task: Task) -> list[tuple[str, int, float]]:
    """(name, place, sign) of what words can push towards: labels, or a higher and a lower value."""
    if isinstance(task, Regression):
        return [("higher", 0, 1.0), ("lower", 0, -1.0)]
    return [(name, place, 1.0) for place, name in enumerate(task.labels)]


def word_key(text: str) -> str:
    """How words of different case are one: case folded."""
    return text.casefold()


def _distinct(case: Case) -> Mapping[str, list[int]]:
    """Distinct words that hold a letter or a digit, with their places among the case's words."""
    found: dict[str, list[int]] = {}
    for place, word in enumerate(case.words):
        text = word_key(case.cells[word.column][word.start : word.end])
        if any(sign.isalnum() for sign in text):
            found.setdefault(text, []).append(place)
    return found


def _masks(case: Case, named: Mapping[str, list[int]]) -> Array:
    masks = np.zeros((1 + len(named), case.units), bool)
    for row, places in enumerate(named.values(), start=1):
        masks[row, places] = True
    return masks


def _effect(table: WordTable, word: int, label: int) -> WordEffect:
    mean, low, high = table.interval(word, label)
    return WordEffect(text=table.words[word], weight=mean, low=low, high=high, rows=int(table.rows[word]))


def _constant(text: str, weight: float) -> WordEffect:
    return WordEffect(text=text, weight=weight, low=weight, high=weight, rows=0)
