"""All detectors, by way of the product's audit: what they find of faults that two planters put into real tables.

Thresholds were set on one half of the shared sets; what is reported comes from the other half.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

from common import cached, judged, options, report
from quirks import MORE, REPORTED, TUNED, false_of
from sets import SETS

SOURCE = Path(__file__).resolve().parents[1] / "src" / "tunewright"
PLANTERS = ("first", "second")
ROWS = 4000
GOAL_RECALL, GOAL_FALSE = 0.98, 1
STRUCTURAL = {
    "duplicates",
    "label_format",
    "leakage_target",
    "leakage_split",
    "missing_values",
    "constant_column",
    "shifted_row",
    "mixed_format",
}


def audited(loaded, plan, *, deep):
    """What the product's audit says, and the out-of-fold answers behind it."""
    from tunewright.runfolder.context import RunContext
    from tunewright.stories.audit import examine
    from tunewright.stories.prepare import prepare

    examined = examine(prepare(loaded, plan), plan, RunContext(), deep=deep)
    return examined.findings, examined.learned


def faults_of(planter):
    """The table of one planter."""
    if planter == "first":
        from tunewright.planting import FAULTS

        return FAULTS
    from second_planter import FAULTS

    return FAULTS


def measure(one, given):
    """Scorecards of both planters, and the findings on the set as it is, as plain JSON."""
    key = {
        "set": one.name,
        "rows": given.rows,
        "rounds": given.rounds,
        "deep": not given.shallow,
        "planters": given.planters,
        "source": source_digest(),
    }
    return cached("detectors", key, lambda: work(one, given), use_cache=not given.no_cache)


def work(one, given):
    """Audit one set as it is and with every fault of every planter."""
    from tunewright.plan import read_plan
    from tunewright.records import to_json
    from tunewright.stories.calibrate import calibrate
    from tunewright.stories.prepare import load_rows

    frame = one.load()
    if len(frame) > given.rows:
        frame = frame.sample(given.rows, seed=0)
    data = {"target": one.target, "columns": dict.fromkeys(one.ignore, "ignore")}
    plan = read_plan(data=data, splits={"part": "part"} if one.has_parts else {})
    loaded = load_rows(plan, frame)
    findings, learned = audited(loaded, plan, deep=not given.shallow)

    def audit(copy):
        print(end=".", file=sys.stderr, flush=True)
        return audited(copy, plan, deep=not given.shallow)[0]

    cards = {
        planter: to_json(
            calibrate(loaded, plan, audit, rounds=given.rounds, faults=faults_of(planter), learned=learned())
        )
        for planter in given.planters
    }
    empty = {name for name in frame.columns if frame[name].null_count()}
    said = [to_json(replace(finding, rows=(), scores=(), groups=())) for finding in findings]
    return {"rows": len(frame), "cards": cards, "findings": said, "empty": sorted(empty)}


@cache
def source_digest():
    """SHA-256 over the product and the second planter."""
    total = hashlib.sha256()
    for path in (*sorted(SOURCE.rglob("*.py")), *sorted(Path(__file__).parent.glob("second_*.py")), Path(__file__)):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def lines_of(results, planter):
    """One line per fault: counts added up over the sets."""
    lines = []
    for fault in faults_of(planter):
        found = [
            line for result in results for line in result["cards"][planter]["lines"] if line["fault"] == fault.name
        ]
        total = Counter()
        for line in found:
            total.update({name: line[name] for name in ("plantings", "planted", "found", "named", "disturbed")})
            total.update({f"alarm {kind}": count for kind, count in line["alarms"].items()})
        if total["planted"]:
            lines.append(line_of(fault, len(found), total, planter))
    return lines


def line_of(fault, sets, total, planter):
    """Shares with their intervals, and whether the goal is reached."""
    recall = total["found"] / total["planted"]
    return {
        "planter": planter,
        "fault": fault.name,
        "reported as": fault.kind,
        "sets": sets,
        "planted": f"{total['planted']:,} {fault.of}",
        "recall": share(total["found"], total["planted"]),
        "precision": share(total["found"], total["named"]),
        "copies with a false alarm": share(total["disturbed"], total["plantings"]),
        "of": ", ".join(sorted(name.removeprefix("alarm ") for name in total if name.startswith("alarm "))),
        "goal": f"≥ {GOAL_RECALL}, {judged(recall, GOAL_RECALL)}" if fault.kind in STRUCTURAL else "",
    }


def share(hits, n):
    """A proportion with its interval."""
    from tunewright.stats import wilson

    if not n:
        return "–"
    score = wilson(hits, n)
    return f"{score.value:.3f} ({score.low:.3f}–{score.high:.3f})"


def clean_lines(results):
    """One line per set: what the audit says of it as it is."""
    lines = []
    for name, result in results.items():
        kinds = Counter(finding["kind"] for finding in result["findings"])
        wrong = false_of(name, result)
        lines.append(
            {
                "set": name,
                "rows": f"{result['rows']:,}",
                "findings": ", ".join(
                    f"{kind} {count}" if count > 1 else kind for kind, count in sorted(kinds.items())
                ),
                "not known to be so": "; ".join(wrong),
                "goal": f"≤ {GOAL_FALSE}, {judged(len(wrong), GOAL_FALSE, below=True)}",
            }
        )
    return lines


def main():
    """Plant, audit, count, and write the sections."""
    parser = options(__doc__, "no-cache")
    parser.add_argument("--sets", nargs="+", choices=(*TUNED, *REPORTED), default=REPORTED)
    parser.add_argument("--planters", nargs="+", choices=PLANTERS, default=list(PLANTERS))
    parser.add_argument("--rows", type=int, default=ROWS, help="at most so many rows of a set, drawn at random")
    parser.add_argument("--rounds", type=int, default=3, help="how often every fault is planted in every set")
    parser.add_argument("--shallow", action="store_true", help="no texts encoded, nothing learned (a trial)")
    given = parser.parse_args()
    sets = {one.name: one for one in (*SETS, *MORE)}
    results = {}
    for name in given.sets:
        print(f"{name} ", end="", file=sys.stderr, flush=True)
        results[name] = measure(sets[name], given)
        print(file=sys.stderr)
    tuned = [name for name in given.sets if name in TUNED]
    notes = [
        f"Thresholds were set on {', '.join(TUNED)}. These numbers come from {', '.join(given.sets)}"
        + (f" ({', '.join(tuned)}: not held out)." if tuned else ", on which nothing was set."),
        f"Each fault is planted {given.rounds} times in a copy of each set (at most {given.rows:,} rows), with others "
        "only where they touch other columns. Rows and columns that the audit names in the set as it is count neither "
        "way. Counts are added up over the sets; Wilson intervals take rows as independent.",
        "False alarm: a new finding of a kind that the fault does not explain.",
        "The second planter was written apart from the first: other mechanisms, other rates.",
    ]
    if given.shallow:
        notes.append("Nothing was learned: faults that need a model cannot be found.")
    lines = [line for planter in given.planters for line in lines_of(list(results.values()), planter)]
    report(lines, notes, given, "on planted faults")
    facts = (
        "Facts that hold by what they say (copies, gaps that are empty cells, rare classes) and what the sets' "
        "description tells are not counted as false; nor is the ranking of label errors, which people's votes measure."
    )
    report(clean_lines(results), [facts], given, "on sets as they are")


if __name__ == "__main__":
    main()
