"""Drift: power at 5 % false alarms with a tenth of 500 new rows changed, beside evidently, alibi-detect and SciPy.

Every arm reads the same draws from files. Half of them have no drift: what alarms there is false. Arms differ in how
often they do; their power is therefore also compared at the threshold that lets one of twenty draws without drift pass.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from functools import partial
from pathlib import Path

import numpy as np
from common import HERE, Failed, cached, digest, judged, options, pace, report, run_json, run_ours
from drift_draws import FOLDER, NEW, ORDERED, SCENARIOS, SHARE, draws_file
from results import cpu_model
from venvs import packages_of, python_of

import tunewright.living
from tunewright.living.drift import TESTS
from tunewright.stats import wilson

LEVEL, GOAL = 0.05, 10.0
OURS = "tunewright"  # the names of all our arms begin so
# Script of a peer and the environment it runs in; SciPy is the one that ours has.
PEERS = {"drift_scipy": None, "drift_alibi": "alibi-detect", "drift_evidently": "evidently"}
GROUPS = {"texts": ("clinc150", "snips", "sms_spam"), "mixed": ("apps texts", "apps category")}


def group_of(scenario):
    return next((group for group, names in GROUPS.items() if scenario in names), "tables")


def measured(scenario, old, given):
    """Name of every arm to its looks; what the processes said of the machine; versions."""
    path = draws_file(scenario, old=old, draws=given.draws)
    key = {"draws": digest(path), "machine": cpu_model()}
    ours = cached(
        "drift",
        key | {"ours": sources(), "without": given.without},
        partial(by_ours, path, given.without),
        use_cache=not given.no_cache,
    )
    runs = [ours]
    for script in given.peers:
        peer = PEERS[script]
        of_peer = {
            "script": [digest(HERE / "peers" / f"{name}.py") for name in (script, "drift_frames")],
            "packages": packages_of(peer) if peer else "own",
            "slow": given.slow,
        }
        make = partial(by_peer, script, path, given.slow)
        runs.append(cached("drift", key | of_peer, make, use_cache=not given.no_cache))
    arms = {name: looks for run in runs for name, looks in run["arms"].items()}
    return {name: {key: np.array(values) for key, values in looks.items()} for name, looks in arms.items()}, runs


def by_ours(path, without):
    return run_ours("drift", {"draws": str(path), "calm": True, "without": without})


def by_peer(script, path, slow):
    """A peer's run; nothing it might tell the world leaves the machine."""
    python = python_of(PEERS[script]) if PEERS[script] else sys.executable
    config = {"draws": str(path), "slow": slow}
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(FOLDER), "DO_NOT_TRACK": "1"}
    return run_json([python, HERE / "peers" / f"{script}.py", json.dumps(config)], environment)


def sources():
    """Digests of whatever decides what ours answers."""
    files = sorted((Path(tunewright.living.__file__).parent / "drift").glob("*.py"))
    return [digest(one) for one in (*files, HERE / "ours/drift.py", HERE / "peers/drift_frames.py")]


def counts(looks):
    """(alarms, draws) without drift, with it, and with it at the threshold that one of twenty without it passes."""
    drifted, alarm, strength = looks["drifted"], looks["alarm"], looks["strength"]
    calm = np.sort(strength[~drifted])
    bound = calm[len(calm) - 1 - math.floor(LEVEL * len(calm))]
    beyond = strength[drifted] > bound
    return {
        "false alarms": (int(alarm[~drifted].sum()), int((~drifted).sum())),
        "power": (int(alarm[drifted].sum()), int(drifted.sum())),
        "power at 5 %": (int(beyond.sum()), len(beyond)),
    }


def summed(found):
    """Counts of several scenarios, added up."""
    return {name: tuple(map(sum, zip(*(one[name] for one in found)))) for name in found[0]}


def shown(hits, tries):
    share = wilson(hits, tries)
    return f"{100 * share.value:.0f} % ({100 * share.low:.0f}–{100 * share.high:.0f})"


def group_lines(results):
    """One line per group of scenarios and arm."""
    table = []
    for group, old in dict.fromkeys((group_of(name), old) for name, old in results if name != ORDERED):
        here = [arms for (name, size), arms in results.items() if is_in(name, size, group, old)]
        for name in dict.fromkeys(name for arms in here for name in arms):
            table.append(line_of(f"{group}, {old:,} old", name, [arms for arms in here if name in arms]))
    return table


def is_in(name, size, group, old):
    return name != ORDERED and group_of(name) == group and size == old


def line_of(what, name, scenarios):
    """An arm's shares over scenarios, and its time beside ours on the same draws."""
    total = summed([counts(arms[name]) for arms in scenarios])
    ratios = [median_of(arms[name]) / median_of(arms[OURS]) for arms in scenarios]
    ratio = statistics.geometric_mean(ratios)
    mine = name.startswith(OURS)
    return {
        "rows": what,
        "arm": name,
        "draws": f"{total['power'][1]} and {total['false alarms'][1]}",
        "false alarms": shown(*total["false alarms"]),
        "power": shown(*total["power"]),
        "power at 5 % false alarms": shown(*total["power at 5 %"]),
        "seconds a look": f"{statistics.median(median_of(arms[name]) for arms in scenarios):.3f}",
        "ours is faster by": "" if mine else f"{ratio:.2f}×",
        "goal": "" if mine else f"≥ {GOAL:.0f}×, {judged(ratio, GOAL)}",
    }


def median_of(looks):
    return float(np.median(looks["seconds"]))


def scenario_lines(results):
    """One line per scenario; per arm its power at 5 % false alarms, at its own level, and how often that is false."""
    planted = {one.name: one.planted for one in SCENARIOS}
    names = list(dict.fromkeys(name for arms in results.values() for name in arms))
    table = []
    for (scenario, old), arms in results.items():
        if scenario == ORDERED:
            continue
        line = {"rows": scenario, "planted": planted[scenario], "old rows": f"{old:,}"}
        for name in names:
            found = (
                {what: 100 * hits / tries for what, (hits, tries) in counts(arms[name]).items()} if name in arms else {}
            )
            cell = "{power at 5 %:.0f}, {power:.0f} ({false alarms:.0f})".format(**found) if found else ""
            line[name] = cell
        table.append(line)
    return table


def notes(given, runs):
    """Sentences under the tables."""
    versions = sorted({run["version"] for run in runs if "version" in run})
    return [
        f"{NEW} new rows against the old ones, all drawn anew for every look; {given.draws} draws without drift, and "
        f"{given.draws} with drift planted in {SHARE:.0%} of the new rows (vocabulary of sms_spam: rows that hold none "
        "of the words stay as they are). In brackets Wilson's interval; it takes draws as independent, though they "
        "come from one pool.",
        "False alarms and power: at each arm's own level, 5 % where it has one. Power at 5 % false alarms: the "
        "threshold is set on the draws without drift of the same scenario, so that at most one of twenty passes it.",
        "Texts are frozen vectors of the embedded backbone (384 numbers) for all arms; tables are numbers and "
        "categories; mixed rows have both. `tunewright` looks for an order in the old rows, as `watch` does.",
        "Seconds: ours from columns to decision. Peers get their detector or reference set made before the clock "
        "starts. evidently's preset draws its report while it computes and has no other way; its method for "
        "embeddings is timed without its picture. The ratio is the geometric mean over scenarios.",
        f"MMDDrift, the network of ClassifierDrift, and the preset on 384 columns look at {given.slow} draws of each "
        "kind: they are slow. In mixed rows the preset sees the table columns, the other method the vectors.",
        f"Peers: {', '.join(versions)}.",
        pace(runs),
    ]


def main():
    """Measure and write the sections."""
    parser = options(__doc__.splitlines()[0], "no-cache")
    parser.add_argument("--draws", type=int, default=60, help="draws without drift, and as many with it")
    parser.add_argument("--slow", type=int, default=12, help="draws of each kind for what is slow")
    parser.add_argument("--scenarios", nargs="+", choices=[one.name for one in SCENARIOS])
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 2000], help="old rows")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    kinds = [test.kind for test in TESTS]
    parser.add_argument("--without", nargs="*", choices=kinds, default=[], help="ours also without these tests")
    given = parser.parse_args()
    results, runs = {}, []
    for scenario in SCENARIOS:
        if given.scenarios and scenario.name not in given.scenarios:
            continue
        for old in scenario.sizes:
            if old not in given.sizes:
                continue
            try:
                results[scenario.name, old], said = measured(scenario, old, given)
            except Failed as error:
                sys.exit(f"{scenario.name}, {old}: {error}")
            runs += said
    written(results, runs, given)


def written(results, runs, given):
    """The three sections, as far as there is something to say in them."""
    if any(name != ORDERED for name, _ in results):
        report(group_lines(results), notes(given, runs), given)
        said = "Per arm, in per cent: power at 5 % false alarms, power at its own level (false alarms at that level)."
        report(scenario_lines(results), [said], given, "scenarios")
    ordered = {old: arms for (name, old), arms in results.items() if name == ORDERED}
    table = [line_of(f"{old:,} old", name, [arms]) for old, arms in ordered.items() for name in arms]
    if table:
        said = (
            f"electricity in time order: stretches of old half-hours and the {NEW} that follow, evenly spread over "
            "the years after the market was linked. Nothing is changed in the draws without drift: days and seasons "
            "make their alarms. With drift, one number is a standard deviation higher in all new rows."
        )
        report(table, [said, pace(runs)], given, "in time order")


if __name__ == "__main__":
    main()
