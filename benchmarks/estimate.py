"""Accuracy without labels: how far off the estimate is under covariate shift of texts, beside nannyml's CBPE and DLE.

A probe on frozen vectors answers rows it has not seen; some of them are labelled, windows of new rows are drawn from
the others so that topics, hard classes or rows far from all training rows come too often. What a label means never
changes. Every arm is given the same answers.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from common import HERE, Failed, cached, digest, judged, options, pace, report, run_json, run_ours
from results import cpu_model
from sets import clinc150, data_file, emobank, goemotions, sms_spam, snips
from venvs import PEERS, packages_of, python_of

import tunewright.living

FOLDER, HOME = PEERS / "estimate", PEERS / "home"
LARGEST, KNOWN = 9000, 1500  # rows of a set; labelled ones among those the model did not learn from
COMMON = 0.015  # share of the rows that an emotion must have: CBPE needs a few of each among the known rows
GOAL, ROUNDS = 0.7, 2000
OURS, ALIKE, PLAIN, PEER = "tunewright", "tunewright, all rows alike", "mean confidence", "nannyml"


def one_emotion():
    """Comments with one emotion, those that are not rare."""
    frame = goemotions().filter(~pl.col("emotions").str.contains("|", literal=True))
    often = frame["emotions"].value_counts().filter(pl.col("count") >= COMMON * frame.height)["emotions"]
    return frame.filter(pl.col("emotions").is_in(often.to_list()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A set, its target, and how many rows the probe learns from: few where many would leave no errors to estimate."""

    load: object
    target: str
    train: int
    kind: str = "classes"


TASKS = {
    "clinc150": Task(load=clinc150, target="intent", train=2000),
    "snips": Task(load=snips, target="intent", train=140),
    "sms_spam": Task(load=sms_spam, target="label", train=150),
    "goemotions": Task(load=one_emotion, target="emotions", train=3000),
    "emobank": Task(load=emobank, target="V", train=3000, kind="number"),
}
# Name to (what decides, how strong): odds of the rows that come too often, or the slope of their log odds.
SHIFTS = {
    "none": ("none", 0.0),
    "topics × 3": ("topics", 3.0),
    "topics × 10": ("topics", 10.0),
    "hard classes × 3": ("hard", 3.0),
    "hard classes × 10": ("hard", 10.0),
    "far from train rows": ("far", 1.0),
    "very far from train rows": ("far", 2.0),
}


def model_of(name, seed):
    """The file with a probe's answers; fitted once per set, seed and version of what fits it."""
    task = TASKS[name]
    frame = task.load().rename({task.target: "label"}).select("text", "label")
    frame = frame.unique("text", maintain_order=True)
    frame = frame.sample(min(LARGEST, frame.height), seed=0)
    data = data_file(frame, f"estimate-{name}-{frame.height}")
    code = hashlib.sha256((HERE / "ours/estimate.py").read_bytes()).hexdigest()[:8]
    path = FOLDER / f"{name} {frame.height} {seed} {digest(data)[:8]} {code}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        config = {"data": str(data), "out": str(path), "task": task.kind, "train": task.train, "known": KNOWN}
        run_ours("estimate", {"do": "fit", **config, "seed": seed}, home=str(HOME))
    return path


def odds_of(held, what, strength, rng):
    """(new rows,) how often each comes, up to a factor; by texts alone, but for hard classes."""
    count = len(held["new_truth"])
    if what == "none":
        return np.ones(count)
    if what == "far":
        far = held["far"]
        return np.exp(strength * np.clip((far - far.mean()) / far.std(), -3, 3))
    cluster = held["cluster"]
    if what == "topics":
        groups = np.unique(cluster)
        chosen = rng.permutation(groups)[: len(groups) // 2]
        return np.where(np.isin(cluster, chosen), strength, 1.0)
    number = str(held["task"]) == "regression"
    by = cluster if number else held["new_truth"]
    missed = np.abs(held["new_truth"] - held["new_labels"]) if number else held["new_truth"] != held["new_labels"]
    groups = np.unique(by)
    worst = groups[np.argsort([-missed[by == group].mean() for group in groups])][: max(len(groups) // 3, 1)]
    return np.where(np.isin(by, worst), strength, 1.0)


def windows_file(model, given, seed):
    """Places of the new rows of every window, and of which shift and size each is."""
    with np.load(model) as file:
        held = {name: file[name] for name in file.files if not name.endswith(("vectors", "probabilities"))}
    rng = np.random.default_rng([seed, 11])
    kinds, windows = [], {}
    for shift, (what, strength) in SHIFTS.items():
        for size in given.sizes:
            for _ in range(given.windows):
                odds = odds_of(held, what, strength, rng)
                rows = rng.choice(len(odds), size, replace=False, p=odds / odds.sum())
                windows[f"window {len(kinds):05d}"] = rows
                kinds.append((shift, size))
    token = hashlib.sha256(json.dumps(kinds).encode()).hexdigest()[:8]
    path = model.with_name(f"windows {token} {model.name}")
    np.savez(path, **windows)
    return path, kinds


def truth_of(model, windows):
    """Per window what is to be estimated, the mean confidence, and what chance alone leaves to err."""
    with np.load(model) as file:
        held = {name: file[name] for name in file.files if name.startswith("new_") and not name.endswith("vectors")}
    number = "new_probabilities" not in held
    right = held["new_truth"] == held["new_labels"]
    score = np.abs(held["new_truth"] - held["new_labels"]) if number else right.astype(float)
    sure = None if number else held["new_probabilities"][np.arange(len(right)), held["new_labels"]]
    with np.load(windows) as file:
        places = [file[name] for name in file.files]
    found = {"truth": np.array([score[rows].mean() for rows in places])}
    if not number:
        found["plain"] = np.array([sure[rows].mean() for rows in places])
        # Of an estimator that knows each row's chance to be right: a normal deviate's mean size.
        spread = [np.sqrt((sure[rows] * (1 - sure[rows])).sum()) / len(rows) for rows in places]
        found["chance"] = np.sqrt(2 / np.pi) * np.array(spread)
    return found


def measured(name, seed, given):
    """One entry per window: its kind, the truth and every arm's estimate."""
    model = model_of(name, seed)
    windows, kinds = windows_file(model, given, seed)
    files = {"model": digest(model), "windows": digest(windows), "machine": cpu_model()}
    ours = cached(
        "estimate", files | {"ours": sources()}, partial(by_ours, model, windows), use_cache=not given.no_cache
    )
    of_peer = {"script": digest(HERE / "peers/estimate_nannyml.py"), "packages": packages_of(PEER)}
    peer = cached("estimate", files | of_peer, partial(by_peer, model, windows), use_cache=not given.no_cache)
    told, known = truth_of(model, windows), {**ours["arms"], **peer["arms"]}
    entries = [
        {
            "set": name,
            "shift": shift,
            "size": size,
            "truth": float(told["truth"][at]),
            "chance": float(told["chance"][at]) if "chance" in told else None,
            **({PLAIN: [float(told["plain"][at]), np.nan, np.nan]} if "plain" in told else {}),
            **{arm: values[at] for arm, values in known.items()},
        }
        for at, (shift, size) in enumerate(kinds)
    ]
    return entries, [ours, peer]


def by_ours(model, windows):
    out = windows.with_name(f"ours {windows.name}")
    said = run_ours("estimate", {"do": "estimate", "model": str(model), "windows": str(windows), "out": str(out)})
    return {**said, "arms": read(out)}


def by_peer(model, windows):
    """A peer's run; nothing it might tell the world leaves the machine."""
    out = windows.with_name(f"nannyml {windows.name}")
    config = {"model": str(model), "windows": str(windows), "out": str(out)}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(FOLDER), "NML_DISABLE_USAGE_LOGGING": "1"}
    command = [python_of(PEER), HERE / "peers/estimate_nannyml.py", json.dumps(config)]
    return {**run_json(command, environment), "arms": read(out)}


def read(path):
    with np.load(path) as file:
        return {name: file[name].tolist() for name in file.files}


def sources():
    """Digests of whatever decides what ours answers."""
    living = Path(tunewright.living.__file__).parent
    files = [living / "estimate.py", living / "rows.py", living / "watching.py", HERE / "ours/estimate.py"]
    return [digest(one) for one in files]


def errors(entries, arm):
    """(windows,) absolute error: of accuracy in points, of an error in per cent of it; NaN where nothing was told."""
    return np.array(
        [
            100 * abs(one[arm][0] - one["truth"]) / (one["truth"] if one["chance"] is None else 1.0)
            if arm in one
            else np.nan
            for one in entries
        ]
    )


def holds(entries, arm):
    """Share of the windows whose truth lies within the arm's bounds."""
    found = [one[arm][1] <= one["truth"] <= one[arm][2] for one in entries if arm in one and np.isfinite(one[arm][0])]
    return f"{100 * np.mean(found):.0f} %" if found else ""


def ratio_of(entries):
    """Our mean error over the peer's, with a bootstrap interval over windows; windows that both answered."""
    mine, theirs = errors(entries, OURS), errors(entries, PEER)
    both = np.isfinite(mine) & np.isfinite(theirs)
    mine, theirs = mine[both], theirs[both]
    picks = np.random.default_rng(0).integers(0, len(mine), (ROUNDS, len(mine)))
    drawn = mine[picks].mean(1) / theirs[picks].mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(mine.mean() / theirs.mean()), float(low), float(high)


def line_of(what, shift, entries):
    """Mean errors of all arms on some windows."""
    value, low, high = ratio_of(entries)
    chance = [one["chance"] for one in entries if one["chance"] is not None]
    line = {"set": what, "shift": shift, "windows": len(entries)}
    for arm in (OURS, ALIKE, PLAIN, PEER):
        found = errors(entries, arm)
        line[arm] = f"{np.nanmean(found):.2f}" if np.isfinite(found).any() else ""
    return line | {
        "chance alone": f"{100 * np.mean(chance):.2f}" if chance else "",
        "ours / nannyml": f"{value:.2f} ({low:.2f}–{high:.2f})",
        "goal": f"≤ {GOAL}, {judged(value, GOAL, below=True)}",
        "our interval holds": holds(entries, OURS),
        "nannyml's band holds": holds(entries, PEER),
    }


def lines(entries):
    """A line per set and shift, per set, per shift over sets, and one for all windows of classes that are shifted."""
    names = list(dict.fromkeys(one["set"] for one in entries))
    table = []
    for name in names:
        mine = [one for one in entries if one["set"] == name]
        table += [line_of(name, shift, [one for one in mine if one["shift"] == shift]) for shift in SHIFTS]
        table.append(line_of(name, "all but none", [one for one in mine if one["shift"] != "none"]))
    classes = [one for one in entries if one["chance"] is not None]
    if len({one["set"] for one in classes}) > 1:
        table += [line_of("all classes", shift, [one for one in classes if one["shift"] == shift]) for shift in SHIFTS]
        table.append(line_of("all classes", "all but none", [one for one in classes if one["shift"] != "none"]))
    return table


def notes(given, entries, runs):
    """Sentences under the table."""
    silent = sum(not np.isfinite(one[OURS][0]) for one in entries)
    versions = sorted({run["version"] for run in runs if "version" in run})
    seconds = [np.median([run["seconds"] for run in runs if ("version" in run) is peer]) for peer in (False, True)]
    return [
        "Mean absolute error of the accuracy estimated without labels, in points; emobank: of the mean absolute error, "
        f"in per cent of it. {given.windows} windows per shift, size ({', '.join(map(str, given.sizes))} rows) and "
        f"{given.seeds} seed(s) of split and probe; the model is a probe on frozen vectors with few train rows, judged "
        f"on {KNOWN:,} labelled rows it did not learn from, which are what all arms estimate from.",
        "Shifts: half of 20 clusters of vectors come 3 or 10 times as often; so does the third of the classes "
        "(emobank: clusters) with most errors; log odds rise with the distance to the nearest train row by 1 or 2 per "
        "standard deviation. Hard classes are chosen by their labels: no estimate can see all of that.",
        "tunewright: as `watch` estimates. All rows alike: the same without weights for the rows that resemble the new "
        "ones. Chance alone: what is left to an estimator that knows how likely each answer is right, if confidence "
        "says so. The ratio is over windows that both answered, with a bootstrap interval.",
        f"Our interval is one of 95 %, nannyml's band three sampling errors to either side. Nothing is estimated by "
        f"ours in {silent} of {len(entries)} windows, where too few labelled rows resemble the new ones.",
        f"Seconds per window in the median: {seconds[0]:.2f} ours (both arms), {seconds[1]:.2f} nannyml with its fits.",
        f"Peer: {', '.join(versions)}, defaults; CBPE for classes, DLE on the vectors for numbers.",
        pace(runs),
    ]


def main():
    """Measure and write the section."""
    parser = options(__doc__.splitlines()[0], "no-cache")
    parser.add_argument("--sets", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--windows", type=int, default=8, help="per shift and size")
    parser.add_argument("--sizes", nargs="+", type=int, default=[200, 500, 1000], help="rows of a window")
    parser.add_argument("--seeds", type=int, default=2, help="of split and probe")
    given = parser.parse_args()
    entries, runs = [], []
    for name in given.sets:
        for seed in range(given.seeds):
            try:
                found, said = measured(name, seed, given)
            except Failed as error:
                sys.exit(f"{name}: {error}")
            entries, runs = entries + found, runs + said
    report(lines(entries), notes(given, entries, runs), given)


if __name__ == "__main__":
    main()
