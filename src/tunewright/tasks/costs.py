"""What confusions cost: from the expert's lines to a matrix, and from probabilities to the cheapest answer.

Legend: n rows, K labels; costs (K, K) have the true label in the row and the one that is said in the column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.data.names import listed, suggest
from tunewright.planfile import Problem, plan_error, show

Floats = NDArray[np.float64]
ANY = "*"
_ARROWS = ("->", "→")
_ROUNDING = 1e-12


def read_costs(lines: Mapping[str, float], labels: Sequence[str], *, path: str = "knowledge.costs") -> Floats:
    """Read what confusions cost, as in `{"refund -> spam": 5}`: a refund that is called spam costs 5.

    A right answer costs 0, a confusion that no line speaks of costs 1. `*` stands for any label, on either side; a
    line that names both labels goes before one with a `*`, and any before `* -> *`.

    Args:
        lines: cost >= 0 by "true label -> label said".
        labels: the K labels, in the order of the matrix.
        path: where the lines stand in the plan, for messages.

    Returns:
        (K, K) costs.

    Raises:
        PlanError: lists all lines that are wrong: no arrow, an unknown label, a label confused with itself, a cost that
            is negative or not finite, two lines of one rank that disagree.

    >>> read_costs({"refund -> spam": 5, "* -> other": 2}, ["other", "refund", "spam"]).tolist()
    [[0.0, 1.0, 1.0], [2.0, 0.0, 5.0], [2.0, 1.0, 0.0]]
    """
    problems: list[Problem] = []
    named: dict[tuple[str, str], float] = {}
    for line, cost in lines.items():
        where = f"{path}.{show(line)}"
        pair, wrong = _pair(line, labels)
        if not (math.isfinite(cost) and cost >= 0):
            problems.append(Problem(path=where, text=f"must be a number >= 0. Got {cost:g}. Write what it costs."))
            cost = 0.0
        if pair is None:
            problems.append(Problem(path=where, text=wrong))
        elif named.setdefault(pair, cost) != cost:
            problems.append(Problem(path=where, text="must be given once. Got it twice. Remove one of them."))
    if not problems:
        problems += [Problem(path=path, text=text) for text in _disputes(named, labels)]
    if problems:
        raise plan_error(problems)
    return _filled(named, labels)


def decide(probabilities: Floats, costs: Floats) -> NDArray[np.int64]:
    """The label whose expected cost is least; of equally cheap ones the most probable, then the first.

    Cost: n K² multiplications, in blocks of rows that keep the memory below 64 MB.

    Args:
        probabilities: (n, K), calibrated: an expected cost is only as true as they are.
        costs: (K, K).

    Returns:
        (n,) label numbers.

    Source: Elkan (2001), The foundations of cost-sensitive learning, IJCAI, equation 1.

    >>> decide(np.array([[0.8, 0.2], [0.95, 0.05]]), np.array([[0.0, 1.0], [9.0, 0.0]])).tolist()
    [1, 0]
    """
    probabilities = np.asarray(probabilities, np.float64)
    answers = np.empty(len(probabilities), np.int64)
    block = max(1, 2_000_000 // max(1, probabilities.shape[1]))
    scale = max(1.0, float(costs.max(initial=0.0)))
    for start in range(0, len(probabilities), block):
        part = probabilities[start : start + block]
        expected = part @ costs
        cheapest = expected <= expected.min(axis=1, keepdims=True) + _ROUNDING * scale
        answers[start : start + block] = np.where(cheapest, part, -1.0).argmax(axis=1)
    return answers


def _pair(line: str, labels: Sequence[str]) -> tuple[tuple[str, str] | None, str]:
    """The two labels of a line, or what is wrong with it; a label may itself hold an arrow."""
    splits = list(_splits(line))
    known = [pair for pair in splits if all(side == ANY or side in labels for side in pair)]
    if not splits:
        return None, 'must be "true label -> label said". Got no arrow. Write it as in "refund -> spam".'
    if not known:
        unknown = [side for side in splits[0] if side != ANY and side not in labels]
        hint = suggest(unknown[0], labels).strip() or f"The labels are {listed(labels)}."
        return None, f"must name labels of the target. Got {' and '.join(map(show, unknown))}. {hint}"
    if len(known) > 1:
        return None, "must be read in one way. Got an arrow inside a label, which fits in two. Use * for that label."
    if known[0][0] == known[0][1] != ANY:
        return None, "must name two labels. Got one twice; a right answer costs nothing. Remove it."
    return known[0], ""


def _splits(line: str) -> Iterator[tuple[str, str]]:
    for arrow in _ARROWS:
        at = line.find(arrow)
        while at >= 0:
            yield line[:at].strip(), line[at + len(arrow) :].strip()
            at = line.find(arrow, at + 1)


def _disputes(named: Mapping[tuple[str, str], float], labels: Sequence[str]) -> Iterator[str]:
    """Confusions for which "a -> *" and "* -> b" say different costs, and no line names both labels."""
    for (true, said), cost in named.items():
        for (other, label), second in named.items():
            crossing = said == ANY and other == ANY and true != ANY and label != ANY and true != label
            if crossing and cost != second and (true, label) not in named:
                yield (
                    f"must give one cost for {show(f'{true} -> {label}')}. Got {cost:g} from {show(f'{true} -> *')} "
                    f"and {second:g} from {show(f'* -> {label}')}. Add a line for it."
                )


def _filled(named: Mapping[tuple[str, str], float], labels: Sequence[str]) -> Floats:
    count = len(labels)
    number: dict[str, Any] = {label: place for place, label in enumerate(labels)} | {ANY: slice(None)}
    costs = np.ones((count, count))
    for pair in sorted(named, key=lambda pair: -pair.count(ANY)):
        costs[number[pair[0]], number[pair[1]]] = named[pair]
    np.fill_diagonal(costs, 0.0)
    return costs
