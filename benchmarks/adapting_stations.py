"""What the parts of `adapting.py` share: the stations in processes of their own, and what they gave in words."""

from __future__ import annotations

import numpy as np
from common import run_ours

from tunewright.records import Score
from tunewright.stats import rounded, wilson


def ours(folder, do, **config):
    """One station in a process of its own, with the caches of this folder."""
    home = config.pop("home", folder / "home")
    home.mkdir(exist_ok=True)
    return run_ours("adapting", {"do": do, **config}, home=str(home))


def written(folder, **frames):
    """Paths of the tables, each as a file of its name."""
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return {name: str(folder / f"{name}.parquet") for name in frames}


def attempts(folder, bundle, new, name):
    """What became of an attempt, and where only the labels stood in the way, of one with somebody to vouch for them."""
    first = ours(folder, "adapt", bundle=bundle, new=new, out=str(folder / name), trusted=False)
    if "labels" not in closed(first):
        return [first]
    return [first, ours(folder, "adapt", bundle=bundle, new=new, out=str(folder / f"{name} vouched"), trusted=True)]


def closed(attempt):
    return [gate["name"] for gate in attempt["gates"] if not gate["passed"]]


def said(tried):
    """Decisions in words."""
    cells = [f"{one['decision']}{' (' + ', '.join(closed(one)) + ')' if closed(one) else ''}" for one in tried]
    return "; labels vouched for: ".join(cells)


def looked(found):
    """What a look says, in words."""
    columns = list(dict.fromkeys(one["column"] for one in found["drift"] if one["drifted"]))
    where = f": {', '.join(columns[:3])}{' and others' if len(columns) > 3 else ''}" if found["alarm"] else ""
    return f"{'alarm' if found['alarm'] else 'no alarm'}, p {found['p_value']:.3f}{where}"


def bits(text):
    """(rows,) whether each row is right."""
    return np.array([one == "1" for one in text], float)


def share(right):
    """Accuracy in words."""
    return rounded(wilson(right.sum(), len(right)))


def points(gap: Score) -> str:
    """A difference of accuracies with its interval."""
    value, low, high = (100 * end for end in (gap.value, gap.low, gap.high))
    return f"{value:+.2f} points ({low:+.2f} to {high:+.2f}, n {gap.n:,})"


def told(score, *, sign=False):
    """A score as JSON holds it, in words; empty where there is none."""
    if score is None:
        return ""
    return rounded(Score(**score), beside=0.0 if sign else None)
