"""Peer: deepchecks' suites on tables of a folder. One JSON object in, one JSON line out.

Keys of the configuration: `folder` (files `NUMBER.csv` and, where rows have parts, `NUMBER.parts`, one word a line),
`target`, `task`. The answer holds per file what its checks name, by the kinds of findings that they are the like of,
with rows by number; `failed` where the condition that the suite puts on the check fails. Where a check gives a share
and no rows, the rows are those that its definition counts.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from deepchecks.tabular import Dataset
from deepchecks.tabular.suites import data_integrity, train_test_validation

warnings.filterwarnings("ignore")
LABELS = {"binary": "binary", "multiclass": "multiclass", "multilabel": "multiclass", "regression": "regression"}
# Names no rows and takes minutes, or speaks of nothing that is planted.
LEFT_OUT = ("Outlier Sample Detection", "Feature-Feature Correlation", "Datasets Size Comparison")
DRIFT = 0.2  # the score that its conditions allow


def nulls(value, frame):
    """Mixed Nulls: the rows of each column whose cells are one of the stand-ins it names."""
    for column, found in value.get("columns", value).items():
        if found:
            words = {str(word).strip("\"'") for word in found}
            cells = frame[column]
            hit = (
                cells.isna() if any("nan" in word.lower() or "NA" in word or "NaT" in word for word in words) else False
            )
            yield "missing_values", [column], list(frame.index[hit | cells.astype(str).isin(words)])


def percent_of_nulls(value, frame):
    """Percent Of Nulls: the empty cells of each column."""
    for column in value.index if hasattr(value, "index") else value:
        if frame[column].isna().any():
            yield "missing_values", [column], list(frame.index[frame[column].isna()])


def single(value, frame):
    """Is Single Value: columns with one value."""
    for column, count in value.items():
        if count == 1 or count is True:
            yield "constant_column", [column], []


def mixed_types(value, frame):
    """Mixed Data Types: the cells of the rarer type."""
    for column, mix in value.items():
        if mix:
            cells = frame[column].dropna()
            number = pd.to_numeric(cells, errors="coerce").notna()
            rare = number if mix["numbers"] <= mix["strings"] else ~number
            yield "mixed_format", [column], list(cells.index[rare])


def mismatch(value, frame, target):
    """String Mismatch: every spelling but the commonest of each base form."""
    for column, forms in value.get("columns", value).items():
        rows = []
        for variants in forms.values():
            usual = max(variants, key=lambda one: one["count"])["variant"]
            others = [one["variant"] for one in variants if one["variant"] != usual]
            rows += list(frame.index[frame[column].isin(others)])
        if rows:
            yield ("label_format" if column == target else "mixed_format"), [column], rows


def special(value, frame):
    """Special Characters: cells that hold nothing but signs."""
    for column, share in value.items():
        if share:
            cells = frame[column].dropna().astype(str)
            yield "empty_text", [column], list(cells.index[~cells.str.contains(r"\w", regex=True)])


def lengths(value, frame):
    """String Length Out Of Bounds: cells whose length is in a range that it names."""
    for column, found in value.items():
        size = frame[column].dropna().astype(str).str.len()
        rows = []
        for one in found.get("outliers", ()):
            rows += list(size.index[size.between(one["range"]["min"], one["range"]["max"])])
        if rows:
            yield "outliers", [column], rows


def repeats(value, frame):
    """Data Duplicates: all but the first of equal rows."""
    if value:
        yield "duplicates", [], list(frame.index[frame.duplicated()])


def conflicts(value, frame):
    """Conflicting Labels: rows of equal features and other labels."""
    groups = value["samples_indices"] if isinstance(value, dict) else value.samples_indices
    if len(groups):
        yield "conflicting_labels", [], [row for group in groups for row in group]


def scores(value, frame):
    """Feature Label Correlation: columns whose predictive power is above its condition's bound."""
    for column, score in value.items() if isinstance(value, dict) else ():
        if score > 0.8:
            yield "leakage_target", [column], []


def mix(value, train, test):
    """Train Test Samples Mix: test rows that are among the train rows."""
    if value["ratio"]:
        known = set(map(tuple, train.astype(str).to_numpy()))
        rows = [index for index, row in zip(test.index, test.astype(str).to_numpy()) if tuple(row) in known]
        yield "leakage_split", [], rows


def drift(value):
    """Feature Drift: columns whose score is above what its condition allows."""
    for column, found in value.items():
        score = found.get("Drift score") if isinstance(found, dict) else None
        if score is not None and score > DRIFT:
            yield "split_shift", [column], []


def whole_drift(value):
    """Multivariate Drift: the table as a whole."""
    score = value.get("domain_classifier_drift_score", 0) if isinstance(value, dict) else 0
    if score and score > 0.25:
        yield "split_shift", [], []


def named(result, frame, target, parts):
    """What one check names, as kinds, columns and rows."""
    name, value = result.check.name(), result.value
    alone = {
        "Mixed Nulls": nulls,
        "Percent Of Nulls": percent_of_nulls,
        "Is Single Value": single,
        "Mixed Data Types": mixed_types,
        "Special Characters": special,
        "String Length Out Of Bounds": lengths,
        "Data Duplicates": repeats,
        "Conflicting Labels": conflicts,
        "Feature Label Correlation": scores,
        "Feature-Label Correlation": scores,
    }
    if name in alone:
        return list(alone[name](value, frame))
    if name == "String Mismatch":
        return list(mismatch(value, frame, target))
    if name == "Train Test Samples Mix":
        return list(mix(value, *parts))
    if name == "Feature Drift":
        return list(drift(value))
    return list(whole_drift(value)) if name == "Multivariate Drift" else []


def audit(path, target, task):
    """Run both suites on one file."""
    frame = pd.read_csv(path, low_memory=False)
    given = path.with_suffix(".parts")
    words = pd.Series(given.read_text().splitlines()) if given.exists() else None

    def dataset(rows):
        kept = frame.loc[rows][frame.loc[rows][target].notna()] if task != "regression" else frame.loc[rows]
        return Dataset(kept, label=target, label_type=LABELS[task])

    suites = [(data_integrity(), {"train_dataset": dataset(frame.index)}, None)]
    if words is not None:
        train, test = frame.index[words != "test"], frame.index[words == "test"]
        both = {"train_dataset": dataset(train), "test_dataset": dataset(test)}
        suites.append((train_test_validation(), both, (frame.loc[train], frame.loc[test])))
    found, errors = [], {}
    for suite, data, parts in suites:
        for number in [n for n, check in suite.checks.items() if check.name() in LEFT_OUT]:
            suite.remove(number)
        for result in suite.run(**data, with_display=False).results:
            name = result.check.name() if getattr(result, "check", None) is not None else type(result).__name__
            if not hasattr(result, "value"):
                errors[name] = str(getattr(result, "exception", "failed"))[:200]
                continue
            failed = any(not one.is_pass() for one in result.conditions_results)
            try:
                told = named(result, frame, target, parts)
            except Exception as problem:  # a value in another shape than this version's is told, not guessed
                errors[name] = f"{type(problem).__name__}: {problem}"[:200]
                continue
            found += [
                {"kind": kind, "columns": columns, "rows": [int(row) for row in rows], "check": name, "failed": failed}
                for kind, columns, rows in told
            ]
    return {"findings": found, "errors": errors}


def main(config):
    """Audit all files, in order of their numbers."""
    files = sorted(Path(config["folder"]).glob("*.csv"), key=lambda path: int(path.stem))
    answers = []
    for path in files:
        answers.append(audit(path, config["target"], config["task"]))
        print(end=".", file=sys.stderr, flush=True)
    print(json.dumps({"answers": answers}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
