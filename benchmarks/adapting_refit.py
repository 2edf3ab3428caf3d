"""Row 13: 5 % more rows of the same kind are taken into a model, beside a whole run on all rows."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from adapting_stations import bits, ours, points, said, written
from common import judged, median, pace, report, spread
from sets import texts_file
from settings import plan_of

from tunewright.stats import paired_difference

MORE, GOAL = 0.05, 0.25


def refit_pair(number, given, folder):
    """`adapt` and a whole run on the same rows, each with a copy of the caches that the champion's run has left."""
    frame = pl.read_parquet(texts_file("clinc150", given.rows))
    train = frame.filter(pl.col("part") == "train").sample(fraction=1.0, shuffle=True, seed=number)
    count = round(train.height * MORE / (1 + MORE))
    rest, test = frame.filter(pl.col("part") != "train"), frame.filter(pl.col("part") == "test")
    files = written(
        folder,
        base=pl.concat([train[count:], rest]),
        new=train[:count].drop("part"),
        every=pl.concat([train, rest]),
        test=test.drop("part"),
    )
    champion = ours(folder, "train", plan=plan_of(files["base"], seed=number), out=str(folder / "champion"))
    arms = {
        "adapt": {
            "do": "adapt",
            "bundle": champion["bundle"],
            "new": files["new"],
            "out": str(folder / "adapted"),
            "trusted": True,
        },
        "retrain": {"do": "train", "plan": plan_of(files["every"], seed=number), "out": str(folder / "retrained")},
    }
    found = {}
    for arm in arms if number % 2 == 0 else reversed(arms):
        shutil.copytree(folder / "home", folder / f"home of {arm}")
        found[arm] = ours(folder, home=folder / f"home of {arm}", **arms[arm])
    bundles = {
        "champion": champion["bundle"],
        "adapt": found["adapt"]["challenger"],
        "retrain": found["retrain"]["bundle"],
    }
    scored = ours(folder, "score", bundles=bundles, data=files["test"], metric="accuracy")
    return found | {"champion": champion, "right": scored["right"], "new": count, "rows": train.height}


def refit(given):
    """Pair after pair; the section is written after each."""
    results = []
    for number in range(given.pairs):
        with tempfile.TemporaryDirectory() as folder:
            results.append(refit_pair(number, given, Path(folder)))
        report(refit_lines(results), refit_notes(results), given, "refit")


def refit_lines(results):
    """A line for each arm, and one for the champion that both start from or replace."""
    names = {"adapt": "tunewright adapt", "retrain": "tunewright run on all rows", "champion": "the champion before"}
    walls = {arm: [one[arm] for one in results] for arm in ("adapt", "retrain")}
    ratio = float(np.median([a["wall"] / b["wall"] for a, b in zip(*walls.values(), strict=True)]))
    table = []
    for arm, name in names.items():
        right = np.mean([bits(one["right"][arm]) for one in results], axis=0)
        table.append(
            {
                "arm": name,
                "train rows": f"{results[0]['new']:,} of {results[0]['rows']:,} are new" if arm != "champion" else "",
                "seconds": spread(walls[arm], "wall", 0) if arm in walls else "",
                "test accuracy": f"{right.mean():.4f}",
                "of a full retrain": f"{ratio:.2f}×" if arm == "adapt" else "",
                "goal": f"row 13: ≤ {GOAL:g}×, {judged(ratio, GOAL, below=True)}" if arm == "adapt" else "",
            }
        )
    return table


def refit_notes(results):
    """Sentences under the table."""
    means = {arm: np.mean([bits(one["right"][arm]) for one in results], axis=0) for arm in results[0]["right"]}
    gaps = {arm: paired_difference(means["adapt"], means[arm])[0] for arm in ("retrain", "champion")}
    parts = [one["adapt"]["rows"] for one in results]
    learned = f"{parts[0]['trained']:,} new and {parts[0]['replayed']:,} old rows"
    return [
        f"{len(results)} pairs on clinc150, other new rows and another seed in each, by turns; seconds from process "
        "start to end, everything included: baselines, report and all gates. Both arms find the caches that the "
        f"champion's run has left. `adapt` learns from {learned}; the rest of the new rows decides.",
        f"adapt − full retrain: {points(gaps['retrain'])}; adapt − champion: {points(gaps['champion'])}, on the test "
        f"rows, means over pairs. Decisions: {', '.join(said([one['adapt']]) for one in results)}.",
        f"In `adapt` itself {median([one['adapt'] for one in results], 'seconds'):.0f} s, in the run "
        f"{median([one['retrain'] for one in results], 'seconds'):.0f} s; the rest is the process's own start.",
        pace([one[arm] for one in results for arm in ("adapt", "retrain")]),
    ]
