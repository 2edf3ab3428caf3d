"""What directions do to a model's answers, and which do more than chance; what becomes of it on shuffled heads.

Shapes: C directions, m held-out rows at a direction's end, V width, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.explain.concepts.ends import End, Removal
from tunewright.explain.concepts.moving import Held
from tunewright.explain.concepts.pursuit import TINY, unit
from tunewright.explain.sanity import drawn_anew
from tunewright.records import Score
from tunewright.stats import bootstrap_weights, holm, paired_difference, percentile_interval

Array = np.ndarray[Any, np.dtype[Any]]
DRAWS = 299  # random directions: with twelve to correct for, the smallest p-value that can come out is 0.04
ROWS = 10  # the farthest ones, in which answers are held to those of random moves
SHUFFLES = 64
SHUFFLED_ROWS = 5
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """What taking a direction out takes from every label.

    Args:
        lost: (m, K) from each row's log odds (regression: from its value).
        p_values: (K,) that it takes nothing on average, corrected for all labels and directions.
    """

    lost: Array
    p_values: Array

    def shown(self, sign: float, most: int) -> list[int]:
        """Labels that the direction pushes towards (1) or against (−1) beyond chance, the strongest first."""
        pushed = sign * self.lost.mean(0)
        order = np.argsort(-pushed, kind="stable")
        return [int(label) for label in order if pushed[label] > 0 and self.p_values[label] < LEVEL][:most]

    def scores(self, labels: Sequence[int]) -> list[Score]:
        """Mean effects on some labels with 95 % intervals, bootstrapped over rows."""
        if not labels:
            return []
        some = self.lost[:, list(labels)]
        draws = np.concatenate([weights @ some for weights in bootstrap_weights(len(some))]) / len(some)
        found = []
        for value, samples in zip(some.mean(0).tolist(), draws.T, strict=True):
            low, high = percentile_interval(samples)
            found.append(Score(value=value, low=min(low, value), high=max(high, value), n=len(some)))
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """A direction that moves answers more than chance.

    Args:
        end: the direction.
        change: how far answers move where it is taken out (see `Held.places`; root mean square over labels).
        chance: how far, on average, where the same rows are moved as far in random directions.
        p_value: the share of random directions that move them as far, corrected for all directions.
        effects: what it does to every label.
    """

    end: End
    change: Score
    chance: float
    p_value: float
    effects: Effects


def judge(held: Held, ends: Sequence[End], *, seed: int = 0) -> list[Judged]:
    """Directions that move the answers of the rows at their ends more than chance and push a label, strongest first.

    Args:
        held: held-out rows.
        ends: the directions.
        seed: of the random directions, which are the same for all.
    """
    if not ends:
        return []
    drawn = unit(np.random.default_rng(seed).normal(size=(DRAWS, held.width)))
    measured = [_against_chance(held, end.taken.first(ROWS), drawn) for end in ends]
    p_values = holm([p_value for _, _, p_value in measured])
    judged = [
        Judged(end=end, change=change, chance=chance, p_value=float(p_value), effects=effect)
        for end, (change, chance, _), p_value, effect in zip(
            ends, measured, p_values, _effects(held, ends), strict=True
        )
        if p_value < LEVEL and (effect.shown(1, 1) or effect.shown(-1, 1))
    ]
    return sorted(judged, key=lambda one: -one.change.value)


def _against_chance(held: Held, taken: Removal, drawn: Array) -> tuple[Score, float, float]:
    """How far answers move, how far by chance, and the share of (R, V) random directions that move them as far."""
    before = held.places(taken.rows, np.zeros_like(taken.moves))
    own = _apart(before, held.places(taken.rows, taken.moves))
    lengths = np.linalg.norm(taken.moves, axis=1)
    moves = (lengths[None, :, None] * drawn[:, None, :]).reshape(-1, held.width)
    after = held.places(np.tile(taken.rows, len(drawn)), moves).reshape(len(drawn), *before.shape)
    chance = _apart(before, after).mean(1)
    score, _ = paired_difference(own, np.zeros(len(own)))
    as_far = int((chance >= own.mean()).sum())
    return score, float(chance.mean()), (1 + as_far) / (1 + len(drawn))


def _apart(first: Array, second: Array) -> Array:
    """(...) root mean square over labels of what two answers (..., K) differ by."""
    return np.asarray(np.sqrt(((first - second) ** 2).mean(-1)))


def _effects(held: Held, ends: Sequence[End]) -> list[Effects]:
    """A t-test over rows for every label and direction, corrected for their number by Holm's method."""
    from scipy.special import stdtr

    lost = [held.lost(end.taken.rows, end.taken.moves) for end in ends]
    p_values = []
    for one in lost:
        error = np.maximum(one.std(0, ddof=1) / np.sqrt(len(one)), TINY)
        p_values.append(np.minimum(2 * stdtr(len(one) - 1, -np.abs(one.mean(0)) / error), 1.0))
    corrected = holm(np.concatenate(p_values)).reshape(len(lost), -1)
    return [Effects(lost=one, p_values=p_value) for one, p_value in zip(lost, corrected, strict=True)]


def against_shuffled(held: Held, ends: Sequence[End], *, seed: int = 0) -> Score:
    """How alike the effects are to those on heads whose weights are drawn anew: mean cosine, interval over heads.

    Args:
        held: held-out rows.
        ends: the directions, at least one.
        seed: of the weights.

    Source: Adebayo et al. (2018), Sanity checks for saliency maps.
    """
    some = [end.taken.first(SHUFFLED_ROWS) for end in ends]
    own = unit(_pattern(held, some))
    alike = [
        float(own @ unit(_pattern(replace(held, head=drawn_anew(held.head, seed=seed + turn)), some)))
        for turn in range(SHUFFLES)
    ]
    score, _ = paired_difference(alike, np.zeros(len(alike)))
    return score


def _pattern(held: Held, taken: Sequence[Removal]) -> Array:
    """(C · K,) mean effects of all directions on all labels, asked for at once."""
    rows = np.concatenate([one.rows for one in taken])
    lost = held.lost(rows, np.concatenate([one.moves for one in taken]))
    ends = np.cumsum([len(one.rows) for one in taken])[:-1]
    return np.concatenate([one.mean(0) for one in np.split(lost, ends)])
