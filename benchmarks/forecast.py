"""How often `tunewright plan` is right: its ranges of memory and minutes beside a real run on the same data.

For each set the two commands that a person would type, one after the other, each in a process of its own: `plan`, then
`run` with the same plan. Memory is the greatest resident set of the run's process, minutes its wall time.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from common import judged, options, pace, report, run_json
from sets import SETS, data_file

ROWS = {"snips": 3000, "emobank": 2000, "sms_spam": 2000, "california_housing": 3000}
USUAL = ("titanic", "sts_captions_forums", "snips", "emobank", "sms_spam", "california_housing")
WITHIN = 0.3  # of the truth, either way


def main():
    """Measure and write the section."""
    parser = options(__doc__, "rows")
    parser.add_argument("--sets", nargs="+", default=list(USUAL), choices=[one.name for one in SETS])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="overrides", help="of the plan")
    given = parser.parse_args()
    measured = [measure(name, given.rows or ROWS.get(name), given.overrides) for name in given.sets]
    table = [line(one) for one in measured]
    off = [abs(one["memory"]["expected"] / one["peak_mb"] - 1) for one in measured]
    near, all_ = sum(one <= WITHIN for one in off), len(measured)
    notes = [
        f"Memory within {WITHIN:.0%} of the truth on {near} of {all_} sets (all of them: "
        f"{judged(max(off), WITHIN, below=True)}); farthest {max(off):.0%}. "
        f"Inside the range: {share(measured, 'memory', 'peak_mb')}.",
        f"Minutes inside the range: {share(measured, 'minutes', 'wall_minutes')}. The forecast is made on the machine "
        "as it is just before the run; where others work on it, the range says as much about them.",
        pace([one for pair in measured for one in pair["processes"]]),
    ]
    report(table, notes, given)


def measure(name, rows, overrides):
    """Plan and run one set."""
    one = next(found for found in SETS if found.name == name)
    frame = one.load()
    if rows is not None and rows < len(frame):
        frame = frame.sample(rows, seed=0)
    data = data_file(frame, f"forecast-{name}-{len(frame)}")
    plan = {
        "data": {"train": str(data), "target": one.target, "columns": dict.fromkeys(one.ignore, "ignore")},
        "objective": {"metric": one.metric},
        "splits": {"part": "part"} if "part" in frame.columns else {},
    }
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TUNEWRIGHT_HOME": f"{folder}/home"}
        file = Path(folder) / "plan.yaml"
        file.write_text(json.dumps(plan), "utf-8")  # JSON is YAML
        sets = [word for override in overrides for word in ("--set", override)]
        ours = [sys.executable, "-m", "tunewright"]
        planned = run_json([*ours, "plan", "--plan", file, "--json", "--quiet", *sets], environment)
        ran = run_json(
            [*ours, "run", "--plan", file, "--json", "--quiet", "--out", f"{folder}/run", *sets], environment
        )
    forecast = planned["forecast"]
    return {
        "name": name,
        "rows": len(frame),
        "train": forecast["train"],
        "memory": forecast["memory_mb"],
        "minutes": forecast["minutes"],
        "peak_mb": ran["peak_mb"],
        "wall_minutes": ran["wall"] / 60,
        "processes": [planned, ran],
    }


def line(one):
    """A set's line in the table."""
    memory, minutes = one["memory"], one["minutes"]
    return {
        "set": one["name"],
        "rows": f"{one['rows']:,}",
        "trains": one["train"],
        "memory foreseen, MB": f"{memory['expected']:,} ({memory['low']:,} to {memory['high']:,})",
        "truth, MB": f"{one['peak_mb']:,.0f}",
        "off by": f"{memory['expected'] / one['peak_mb'] - 1:+.0%}",
        "in it": "yes" if inside(memory, one["peak_mb"]) else "no",
        "minutes foreseen": f"{minutes['low']:.2f} to {minutes['high']:.2f}",
        "truth, minutes": f"{one['wall_minutes']:.2f}",
        "in them": "yes" if inside(minutes, one["wall_minutes"]) else "no",
    }


def inside(span, truth):
    """Whether the truth lies in a range."""
    return span["low"] <= truth <= span["high"]


def share(measured, span, truth):
    """How many of the truths lie in their ranges."""
    return f"{sum(inside(one[span], one[truth]) for one in measured)} of {len(measured)}"


if __name__ == "__main__":
    main()
