"""Results as text: aligned tables, scores, findings."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.metrics import in_words
from tunewright.records import Comparison, Score, from_json
from tunewright.report import words

SEVERITIES = ("error", "warning", "info")
MOST_FINDINGS = 5
LONGEST = 200


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align columns; the first row is the header.

    >>> print(table([("metric", "value"), ("accuracy", "0.9")]))
    metric    value
    accuracy  0.9
    """
    clean = [[words.cut(cell, LONGEST) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in clean) for i in range(len(clean[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in clean)
    return "\n".join(line.rstrip() for line in lines)


def to_be_seen(text: str) -> str:
    """Text of the data on its way to standard output: as it is into a file or a pipe, made visible on a terminal.

    What a terminal obeys instead of showing (colours, titles, a cleared screen) must not come from a cell.
    """
    out = sys.__stdout__  # sys.stdout leads to standard error while a verb works
    return words.visible(text) if out is not None and out.isatty() else text


def score_rows(scores: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A metric per row: value, interval, rows; `scores` are `Score`s as JSON."""
    rows: list[tuple[str, ...]] = [("metric", "value", "95 % interval", "rows")]
    for name, raw in scores.items():
        score = _score(raw)
        rows.append((name, words.value(score), words.interval(score), words.count(score.n)))
    return rows


def comparison_table(summary: Mapping[str, Any]) -> str:
    """The objective metric of the model and of every baseline, and what each paired comparison shows."""
    metric, task = summary["metric"], summary["task"]
    model = summary["model"]
    same = "probe" if model.get("kept") == "probe" and not (model.get("words") or model.get("trees")) else ""
    said = {
        one["b"]: words.comparison(from_json(Comparison, one), task=task, same=same) for one in summary["comparisons"]
    }
    ours = summary["metrics"]["test"].get(metric)
    rows: list[tuple[str, ...]] = [(f"{in_words(metric)}, test part", "value", "95 % interval", "")]
    if ours is not None:
        rows.append(("this model", words.value(_score(ours)), words.interval(_score(ours)), ""))
    for name, scores in summary["baselines"].items():
        if metric in scores:
            score = _score(scores[metric])
            rows.append((words.baseline(name, task), words.value(score), words.interval(score), said.get(name, "")))
    return table(rows)


def finding_lines(findings: Sequence[Mapping[str, Any]], *, where: str) -> list[str]:
    """The worst findings, one per line, and where the others are."""
    if not findings:
        return ["Nothing was found wrong with the data."]
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding["severity"]))
    lines = [f"{f['severity']:<7}  {f['kind']}: {words.cut(f['evidence'], LONGEST)}" for f in ordered[:MOST_FINDINGS]]
    if len(ordered) > MOST_FINDINGS:
        lines.append(f"... and {len(ordered) - MOST_FINDINGS} more in {where}")
    return lines


def remedy_lines(summary: Mapping[str, Any]) -> list[str]:
    """What was put right when reading, and what was tried and kept or not; nothing where there was neither."""
    from tunewright.records import RemedyTrial, Repair
    from tunewright.report import effects

    repairs = [from_json(Repair, one) for one in summary.get("repairs", ())]
    trials = [from_json(RemedyTrial, one) for one in summary.get("remedies", ())]
    lines = [effects.repaired(one, examples=False) for one in repairs]
    shown = [f"repair   {line}" for line in lines[:MOST_FINDINGS]]
    if len(lines) > MOST_FINDINGS:
        shown.append(f"... and {len(lines) - MOST_FINDINGS} more repairs in {summary['report']}")
    shown += [f"tried    {effects.tried(one)}" for one in trials]
    return ["", *(words.cut(line, LONGEST) for line in shown)] if shown else []


def slice_lines(slices: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the protected slices show, one per line; `slices` as JSON."""
    return ["", *(f"protected   {words.cut(one['text'], LONGEST)}" for one in slices)] if slices else []


def behaviour_lines(behaviours: Sequence[Mapping[str, Any]]) -> list[str]:
    """What became of each behaviour, one per line, below it the worst case that did not pass; `behaviours` as JSON.

    >>> behaviour_lines([{"name": "greeting", "verdict": "passed", "text": "Passed: 2 of 2 pass.", "failures": []}])
    ['', '1 of 1 behaviours pass.', 'passed      greeting: 2 of 2 pass.']
    """
    if not behaviours:
        return []
    passed = sum(one["verdict"] == "passed" for one in behaviours)
    lines = ["", f"{passed} of {len(behaviours)} behaviours pass."]
    for one in behaviours:
        _, _, text = one["text"].partition(": ")
        lines.append(f"{one['verdict']:<10}  {words.cut(one['name'], LONGEST)}: {words.cut(text, LONGEST)}")
        for worst in one["failures"][:1]:
            after = f" → {words.cut(worst['after'], LONGEST)}" if worst["after"] is not None else ""
            lines.append(f"{'':<12}{words.cut(worst['before'], LONGEST)}{after}: {words.cut(worst['said'], LONGEST)}")
    return lines


def expectation_lines(expectations: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the expert expected of the model and what rules undeclared, one per line; `expectations` as JSON.

    >>> expectation_lines([{"name": "fee", "of": "word", "verdict": "confirmed", "text": "The model uses it."}])
    ['', 'confirmed word fee: The model uses it.']
    """
    lines = [f"{one['verdict']}  {one['of']} {words.visible(one['name'])}: {one['text']}" for one in expectations]
    return ["", *(words.cut(line, LONGEST) for line in lines)] if lines else []


def _score(raw: Any) -> Score:
    """A score that came through JSON, where what is undefined is null."""
    numbers = {name: float("nan") if raw[name] is None else raw[name] for name in ("value", "low", "high")}
    return Score(**numbers, n=raw["n"])
