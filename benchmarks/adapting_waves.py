"""Intents that arrive in three waves: whether the new ones are learned, and what is forgotten of the old."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from adapting_stations import attempts, bits, looked, ours, points, said, share, written
from common import pace, report
from sets import texts_file
from settings import plan_of

from tunewright.stats import paired_difference

WAVES, LOGGED = 3, 500


def wave_frames(given, seed):
    """The rows of each wave, with their parts; which intents come together is drawn."""
    frame = pl.read_parquet(texts_file("clinc150", given.rows))
    names = np.random.default_rng(seed).permutation(frame["label"].unique().sort().to_numpy())
    return [frame.filter(pl.col("label").is_in(part.tolist())) for part in np.array_split(names, WAVES)]


def wave(frames, number, current, seed, folder):
    """One wave arrives: a look at its texts, an attempt to take it in, and a whole run on all rows so far."""
    mine, so_far = frames[number], pl.concat(frames[: number + 1])
    tests = [one.filter(pl.col("part") == "test") for one in frames[: number + 1]]
    new = mine.filter(pl.col("part") != "test").drop("part")
    log = new.select("text").sample(min(LOGGED, new.height), seed=seed)
    files = written(folder, log=log, so_far=so_far, test=pl.concat(tests).drop("part"), **{f"new {number}": new})
    look = ours(folder, "watch", bundle=current, log=files["log"])
    tried = attempts(folder, current, files[f"new {number}"], f"wave {number}")
    taken = tried[-1]["challenger"] if tried[-1]["decision"] == "proposed" else current
    again = ours(folder, "train", plan=plan_of(files["so_far"], seed=seed), out=str(folder / f"retrained {number}"))
    bundles = {"before": current, "adapted": taken, "retrained": again["bundle"]}
    scored = ours(folder, "score", bundles=bundles, data=files["test"], metric="accuracy")
    old = sum(one.height for one in tests[:-1])
    right = {arm: bits(text) for arm, text in scored["right"].items()}
    line = {
        "seed": seed,
        "wave": number + 1,
        "intents": f"{so_far['label'].n_unique() - mine['label'].n_unique()} + {mine['label'].n_unique()}",
        "watch": looked(look),
        "adapt": said(tried),
        "old intents before": share(right["before"][:old]),
        "old, adapted": share(right["adapted"][:old]),
        "adapted − before": points(paired_difference(right["adapted"][:old], right["before"][:old])[0]),
        "old, retrained": share(right["retrained"][:old]),
        "new, adapted": share(right["adapted"][old:]),
        "new, retrained": share(right["retrained"][old:]),
        "seconds adapt": f"{sum(one['wall'] for one in tried):.0f}",
        "seconds retrain": f"{again['wall']:.0f}",
    }
    return line, taken, [look, *tried, again]


def waves(given):
    """Seed after seed; the section is written after each wave."""
    table, runs = [], []
    notes = [
        f"clinc150, its intents drawn into {WAVES} waves; the first makes the model, each later one arrives with its "
        "train and validation rows as new labelled rows. Accuracy on test rows of the intents known before the wave "
        "(old) and of those that it brings (new), with intervals; the difference is paired. Its sign tells forgetting. "
        f"`watch` looks at {LOGGED} of the wave's texts, without labels.",
        "Retrained: a whole run on all rows so far. What `adapt` rejects is not taken in, and the model before goes "
        "on. The old test rows are also what the gates look at: of one challenger, so that little is chosen by them.",
    ]
    for seed in range(given.seeds):
        frames = wave_frames(given, seed)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            first = written(folder, first=frames[0])["first"]
            current = ours(folder, "train", plan=plan_of(first, seed=seed), out=str(folder / "first"))["bundle"]
            for number in range(1, WAVES):
                line, current, said_by = wave(frames, number, current, seed, folder)
                table, runs = [*table, line], runs + said_by
                report(table, [*notes, pace(runs)], given, "waves")
