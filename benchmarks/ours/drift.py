"""Ours: `find_drift` on draws of old and new rows, as `tunewright watch` calls it. One JSON line out.

Keys of the configuration: `draws` (an npz file of `drift_draws.py`), `calm` (also without looking at stretches of the
old rows: the answer to rows that are known to come in no order), `without` (kinds of tests; one more arm for each, that
leaves it out).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tunewright.living.drift import TESTS, Aspect, find_drift


def aspects_of(old, new):
    """What may drift: every column, and the texts in feature space; nothing of a model's answers."""
    found = [
        Aspect(name=name, kind="number", values=np.concatenate([old.numbers[:, at], new.numbers[:, at]]))
        for at, name in enumerate(old.number_names)
    ]
    found += [
        Aspect(name=name, kind="category", values=np.concatenate([old.categories[:, at], new.categories[:, at]]))
        for at, name in enumerate(old.category_names)
    ]
    if old.vectors.shape[1]:
        found.append(Aspect(name="text", kind="vector", values=np.concatenate([old.vectors, new.vectors])))
    return found


def arm(name, *, ordered, level, tests=TESTS):
    """The alarm of one look; the aspects are put together inside the clock."""

    def prepare(old, new, number):
        def look():
            found = find_drift(aspects_of(old, new), tests, old=len(old.numbers), seed=number, ordered=ordered)
            return {name: (found.p_value <= level, -found.p_value)}

        return look

    return prepare


def main(config):
    """Look at every draw."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
    from drift_frames import LEVEL, run

    arms = [(arm("tunewright", ordered=True, level=LEVEL), None)]
    if config["calm"]:
        arms.append((arm("tunewright, rows in no order", ordered=False, level=LEVEL), None))
    for kind in config["without"]:
        others = tuple(test for test in TESTS if test.kind != kind)
        arms.append((arm(f"tunewright without {kind}", ordered=True, level=LEVEL, tests=others), None))
    print(json.dumps({"arms": run(config["draws"], arms)}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
