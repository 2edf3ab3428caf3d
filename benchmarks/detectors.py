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

import beside_deepchecks as peer
from common import cached, judged, options, report
from quirks import MORE, REPORTED, TUNED, unknown
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
    from tunewright.stories.auditing.examine import examine
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
        **({"deepchecks": peer.key()} if given.deepchecks else {}),
    }
    return cached("detectors", key, lambda: work(one, given), use_cache=not given.no_cache)


def work(one, given):
    """Audit one set as it is and with every fault of every planter."""
    from tunewright.plan import read_plan
    from tunewright.records import to_json
    from tunewright.stories.auditing.calibrate import calibrate
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
    found = {"rows": len(frame), "cards": cards, "findings": said, "empty": sorted(empty)}
    if given.deepchecks:
        faults = {planter: faults_of(planter) for planter in given.planters}
        found["deepchecks"] = peer.beside(loaded, plan, rounds=given.rounds, faults=faults, learned=learned())
    return found


@cache
def source_digest():
    """SHA-256 over the product and the second planter."""
    total = hashlib.sha256()
    for path in (*sorted(SOURCE.rglob("*.py")), *sorted(Path(__file__).parent.glob("second_*.py")), Path(__file__)):
        total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def counts_of(results, planter):
    """Per fault of a planter that had a place in any set: its lines, by set."""
    held = {
        fault: {
            name: line
            for name, result in results.items()
            for line in result["cards"][planter]["lines"]
            if line["fault"] == fault.name and line["planted"]
        }
        for fault in faults_of(planter)
    }
    return {fault: by_set for fault, by_set in held.items() if by_set}


def line_of(fault, by_set, planter):
    """One line of the table: counts added up over the sets, shares with their intervals, where it falls short."""
    total = summed(by_set.values())
    alarms = sorted({kind for line in by_set.values() for kind in line["alarms"]})
    missed = [
        f"{name} {line['found']} of {line['planted']:,}"
        for name, line in by_set.items()
        if line["found"] < GOAL_RECALL * line["planted"]
    ]
    many = total["planted"] != 1
    return {
        "planter": planter,
        "fault": fault.name,
        "reported as": fault.kind,
        "planted": f"{total['planted']:,} {fault.of if many else fault.of.removesuffix('s')}",
        "sets, copies": f"{len(by_set)}, {total['plantings']}",
        "recall": share(total["found"], total["planted"]),
        "goal": goal_of(fault, total),
        "sets below it": "; ".join(missed),
        "precision": share(total["found"], total["named"]),
        "copies with a false alarm": f"{total['disturbed']}{': ' + ', '.join(alarms) if alarms else ''}",
    }


def summed(lines):
    """Counts added up."""
    total = Counter()
    for line in lines:
        total.update({name: line[name] for name in ("plantings", "planted", "found", "named", "disturbed")})
    return total


def goal_of(fault, total):
    """The goal for a structural fault, and whether its share reaches it."""
    if fault.kind not in STRUCTURAL:
        return ""
    return f"≥ {GOAL_RECALL}, {judged(total['found'] / total['planted'], GOAL_RECALL)}"


def verdict(results, planter):
    """Sentences on all faults of a planter: the goal over the structural ones, what could not be planted or audited."""
    held = counts_of(results, planter)
    kinds = {fault.kind: [] for fault in held if fault.kind in STRUCTURAL}
    for fault, by_set in held.items():
        if fault.kind in kinds:
            kinds[fault.kind].append(summed(by_set.values()))
    shares = [sum(one["found"] for one in some) / sum(one["planted"] for one in some) for some in kinds.values()]
    faults = [one for some in kinds.values() for one in some]
    reached = sum(one["found"] >= GOAL_RECALL * one["planted"] for one in faults)
    absent = [fault.name for fault in faults_of(planter) if fault not in held]
    refused = sorted(
        f"{fault.name} in {name} ({line['note']})"
        for fault, by in held.items()
        for name, line in by.items()
        if line["note"]
    )
    mean = sum(shares) / max(len(shares), 1)
    said = (
        f"{planter.capitalize()} planter: {reached} of {len(faults)} structural faults reach {GOAL_RECALL}; mean "
        f"recall over their {len(kinds)} kinds {mean:.3f}, {judged(mean, GOAL_RECALL)}."
    )
    said += f" No set has a place for {', '.join(absent)}." if absent else ""
    return said + (f" Audits that ended with an error count as nothing found: {'; '.join(refused)}." if refused else "")


def share(hits, n):
    """A proportion with its interval."""
    from tunewright.stats import wilson

    if not n:
        return "–"
    score = wilson(hits, n)
    return f"{score.value:.3f} ({score.low:.3f}–{score.high:.3f})"


def clean_lines(results):
    """One line per set: what the audit says of it as it is; and what it says of what is not known to be so."""
    lines, told = [], []
    for name, result in results.items():
        kinds = Counter(finding["kind"] for finding in result["findings"])
        wrong = unknown(name, result)
        told += [f"{name}, {one['kind']} ({one['severity']}): {one['evidence']}" for one in wrong]
        found = (f"{kind} {count}" if count > 1 else kind for kind, count in sorted(kinds.items()))
        lines.append(
            {
                "set": name,
                "rows": f"{result['rows']:,}",
                "findings": ", ".join(found),
                "not known to be so": "; ".join(f"{one['kind']}({', '.join(one['columns'])[:40]})" for one in wrong),
                "goal": f"≤ {GOAL_FALSE}, {judged(len(wrong), GOAL_FALSE, below=True)}",
            }
        )
    return lines, told


def main():
    """Plant, audit, count, and write the sections."""
    parser = options(__doc__, "no-cache")
    parser.add_argument("--sets", nargs="+", choices=(*TUNED, *REPORTED), default=REPORTED)
    parser.add_argument("--planters", nargs="+", choices=PLANTERS, default=list(PLANTERS))
    parser.add_argument("--rows", type=int, default=ROWS, help="at most so many rows of a set, drawn at random")
    parser.add_argument("--rounds", type=int, default=3, help="how often every fault is planted in every set")
    parser.add_argument("--shallow", action="store_true", help="no texts encoded, nothing learned (a trial)")
    parser.add_argument("--deepchecks", action="store_true", help="deepchecks on the same copies, too")
    given = parser.parse_args()
    why_not = peer.installed() if given.deepchecks else None
    given.deepchecks = given.deepchecks and why_not is None
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
        f"Each fault is planted {given.rounds} times in a copy of each set that has a place for it (at most "
        f"{given.rows:,} rows), with others only where they touch other columns. Recall: share of the planted rows or "
        "columns that a finding of the kind under `reported as` names. Precision: share of planted ones among those it "
        "names. Rows and columns that the audit names in the set as it is count neither way. Counts are added up over "
        "sets and copies; the 95 % Wilson intervals take rows as independent, the goal is held against the share.",
        "False alarm: a new finding of a kind that no fault of the copy explains; a copy with several faults counts "
        "for each of them.",
        *(verdict(results, planter) for planter in given.planters),
        "The second planter was written apart from the first: other mechanisms, other rates.",
    ]
    if given.shallow:
        notes.append("Nothing was learned: faults that need a model cannot be found.")
    lines = [
        line_of(fault, by_set, planter)
        for planter in given.planters
        for fault, by_set in counts_of(results, planter).items()
    ]
    report(lines, notes, given, "on planted faults")
    lines, told = clean_lines(results)
    facts = (
        "Facts that hold by what they say (copies, gaps that are empty cells, rare classes) and what the sets' "
        "description tells are not counted as false; nor is the ranking of label errors, which people's votes measure."
    )
    report(lines, [facts, *told], given, "on sets as they are")
    if given.deepchecks:
        faults = {planter: faults_of(planter) for planter in given.planters}
        report(peer.lines(results, faults, sys.modules[__name__]), peer.notes(results), given, "beside deepchecks")
    elif why_not:
        report([{"deepchecks": "not measured"}], [why_not], given, "beside deepchecks")


if __name__ == "__main__":
    main()
