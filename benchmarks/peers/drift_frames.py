"""Draws of old and new rows as every arm reads them, and the clock they share. It needs numpy alone, as every arm does.

An arm is a function (old, new, number of the draw) to a look: a function without arguments that gives, per name in the
table, whether it raises the alarm and how strong the evidence is. Only the look is timed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05


@dataclass(frozen=True)
class Rows:
    """Some rows: numbers (n, c) with NaN where a cell is empty, category codes (n, k), vectors (n, V)."""

    numbers: np.ndarray
    categories: np.ndarray
    vectors: np.ndarray
    number_names: tuple
    category_names: tuple

    def filled(self):
        """(n, c) numbers with a value below all others where a cell is empty, for tests that know no empty cells."""
        return np.where(np.isfinite(self.numbers), self.numbers, -1e12)


def draws(path):
    """(number, drifted, old rows, new rows) of each draw in a file."""
    with np.load(path) as held:
        pool = {name: held[name] for name in held.files}
    names = {f"{kind}_names": tuple(str(one) for one in pool[f"{kind}_names"]) for kind in ("number", "category")}

    def rows(places):
        return Rows(
            numbers=pool["numbers"][places],
            categories=pool["categories"][places],
            vectors=pool["vectors"][places].astype(np.float32),
            **names,
        )

    for number, drifted in enumerate(pool["drifted"]):
        yield number, bool(drifted), rows(pool["old"][number]), rows(pool["new"][number])


def run(path, arms):
    """Every arm on every draw.

    Args:
        path: of the draws.
        arms: of (arm, how many draws of each kind it looks at, or None for all).

    Returns:
        Name in the table to `drifted`, `alarm`, `strength` and `seconds`, one entry per draw.
    """
    found = defaultdict(lambda: {"drifted": [], "alarm": [], "strength": [], "seconds": []})
    seen = [Counter() for _ in arms]
    for number, drifted, old, new in draws(path):
        for (arm, most), count in zip(arms, seen):
            if most is not None and count[drifted] >= most:
                continue
            if not count:
                arm(old, new, number)()  # what a library does once is not part of a look
            count[drifted] += 1
            look = arm(old, new, number)
            started = time.perf_counter()
            told = look()
            seconds = time.perf_counter() - started
            for name, (alarm, strength) in told.items():
                entry = found[name]
                for key, value in (
                    ("drifted", drifted),
                    ("alarm", bool(alarm)),
                    ("strength", float(strength)),
                    ("seconds", seconds),
                ):
                    entry[key].append(value)
    return dict(found)
