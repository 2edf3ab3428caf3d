"""deepchecks on the same planted copies as our detectors: what it has a check for, what those find, what they cry.

Planting depends on the data, the seed and what our audit learned, never on findings: the copies are made once and
written down, a process of the peer's own environment looks at all of them, and its answers are counted by the code that
counts ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from common import digest, run_json
from quirks import unknown
from venvs import PINS, packages_of, python_of

SCRIPT = Path(__file__).parent / "peers" / "deepchecks_audit.py"
# Kinds of planted faults with the check that is the like of our detector; the others have none among its suites.
CHECKS = {
    "duplicates": "Data Duplicates",
    "conflicting_labels": "Conflicting Labels",
    "label_format": "String Mismatch",
    "missing_values": "Mixed Nulls, Percent Of Nulls",
    "constant_column": "Is Single Value",
    "mixed_format": "Mixed Data Types, String Mismatch",
    "empty_text": "Special Characters",
    "outliers": "String Length Out Of Bounds",
    "leakage_target": "Feature Label Correlation",
    "leakage_split": "Train Test Samples Mix",
    "split_shift": "Feature Drift, Multivariate Drift",
}
WAYS = {"conditions": "where its default condition fails", "named": "whatever it names"}


def installed():
    """None where the peer's environment stands, or why it does not."""
    try:
        python_of("deepchecks")
    except (subprocess.CalledProcessError, OSError) as problem:
        return f"deepchecks could not be installed ({', '.join(PINS['deepchecks'])}): {problem}"
    return None


def key():
    """What the peer's answers depend on, beside the copies."""
    return {"packages": packages_of("deepchecks"), "script": digest(SCRIPT)}


def beside(loaded, plan, *, rounds, faults, learned):
    """Scorecards of the peer, by way, its findings on the data as it is, by way, and checks that failed to run."""
    from tunewright.records import to_json
    from tunewright.stories.auditing.calibrate import calibrate
    from tunewright.stories.prepare import prepare

    task = prepare(loaded, plan).table.task
    cards, clean, errors = {}, {}, {}
    for planter, table in faults.items():
        with tempfile.TemporaryDirectory() as folder:
            writer = Writer(folder=Path(folder), part=plan.splits.part, answers=[])
            calibrate(loaded, plan, writer.write, rounds=rounds, faults=table, learned=learned)
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
            config = {"folder": folder, "target": plan.data.target, "task": task}
            told = run_json([python_of("deepchecks"), SCRIPT, json.dumps(config)], environment)["answers"]
        assert len(told) == len(writer.answers), "a copy was not audited"
        for answer in told:
            errors |= answer["errors"]
        for way in WAYS:
            replay = iter([findings_of(answer, way) for answer in told])
            card = calibrate(
                loaded, plan, lambda copy, replay=replay: next(replay), rounds=rounds, faults=table, learned=learned
            )
            cards.setdefault(planter, {})[way] = to_json(card)
            clean[way] = [to_json(one) for one in findings_of(told[0], way)]
    return {"cards": cards, "clean": clean, "errors": errors}


class Writer:
    """An audit that finds nothing and writes down what it was shown."""

    def __init__(self, *, folder, part, answers):
        self.folder, self.part, self.answers = folder, part, answers

    def write(self, copy):
        """Keep a copy as a file, with the parts of its rows where they are known."""
        path = self.folder / f"{len(self.answers)}.csv"
        frame = copy.frame
        parts = copy.parts
        if parts is None and self.part is not None:
            parts = frame[self.part].to_list()
        if self.part is not None:
            frame = frame.drop(self.part)
        frame.write_csv(path)
        if parts is not None:
            path.with_suffix(".parts").write_text("\n".join(str(part) for part in parts))
        self.answers.append(path)
        return ()


def findings_of(answer, way):
    """The peer's answer to one copy as findings of ours."""
    from tunewright.records import Finding

    kept = [one for one in answer["findings"] if way == "named" or one["failed"]]
    return tuple(
        Finding(
            kind=one["kind"],
            severity="warning",
            evidence=one["check"],
            columns=tuple(one["columns"]),
            rows=tuple(one["rows"]),
            rows_total=len(one["rows"]),
        )
        for one in kept
    )


def lines(results, faults, shared):
    """A line per fault: ours and the peer's, counts added up over the sets.

    Args:
        results: per set, what `detectors.work` gives.
        faults: per planter, its table.
        shared: the functions of `detectors` that count and write shares.
    """
    table = []
    for planter, each in faults.items():
        for fault in each:
            ours = _summed(results, planter, fault, shared)
            if ours is None:
                continue
            line = {
                "planter": planter,
                "fault": fault.name,
                "reported as": fault.kind,
                "planted": f"{ours['planted']:,} {fault.of}",
                "ours: recall": shared.share(ours["found"], ours["planted"]),
                "ours: precision": shared.share(ours["found"], ours["named"]),
                "ours: copies with a false alarm": ours["disturbed"],
                "its check": CHECKS.get(fault.kind, "none"),
            }
            for way, said in WAYS.items():
                theirs = _summed(results, planter, fault, shared, way)
                there = theirs is not None and fault.kind in CHECKS
                line[f"{said}: recall"] = shared.share(theirs["found"], theirs["planted"]) if there else ""
                line[f"{said}: precision"] = shared.share(theirs["found"], theirs["named"]) if there else ""
                line[f"{said}: copies with a false alarm"] = theirs["disturbed"] if theirs is not None else ""
            table.append(line)
    return table


def _summed(results, planter, fault, shared, way=None):
    held = [
        line
        for result in results.values()
        for line in (result["deepchecks"]["cards"][planter][way] if way else result["cards"][planter])["lines"]
        if line["fault"] == fault.name and line["planted"]
    ]
    return shared.summed(held) if held else None


def notes(results):
    """What the sets as they are gave, what it has no check for, and what failed to run."""
    said = [
        f"{PINS['deepchecks'][0].replace('==', ' ')}"
        ", the suites data_integrity and train_test_validation, at their defaults, on the same copies, read by pandas. "
        "Its outlier detection is left out: it gives the share of a table, no rows, and takes minutes. Where a check "
        "gives a share only, the rows are those that its definition counts.",
        "Two ways to count: where the default condition of a check fails, and whatever a check names, however little.",
    ]
    for way, text in WAYS.items():
        many = {
            name: len(unknown(name, {"findings": result["deepchecks"]["clean"][way], "empty": result["empty"]}))
            for name, result in results.items()
        }
        told = ", ".join(f"{name} {count}" for name, count in many.items())
        said.append(f"Findings on the sets as they are that are not known to be so, {text}: {told}.")
    ours = ", ".join(f"{name} {len(unknown(name, result))}" for name, result in results.items())
    said.append(f"The same of ours: {ours}.")
    errors = {name: text for result in results.values() for name, text in result["deepchecks"]["errors"].items()}
    said += [f"{name} did not run everywhere: {text}" for name, text in sorted(errors.items())]
    mean = np.mean([len(result["deepchecks"]["clean"]["named"]) for result in results.values()])
    return [*said, f"Whatever it names on a set as it is: {mean:.1f} findings on average."]
