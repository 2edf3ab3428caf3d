"""Where a model fails: its classes, its slices, damaged rows."""

from __future__ import annotations

from tunewright.bundle.card.markdown import bullets, code, prose, scored, table
from tunewright.records import ClassEvidence, Evidence
from tunewright.stats import rounded

MOST_CLASSES = 40


def per_class(evidence: Evidence) -> list[str]:
    """Every class, or of very many those that it finds least often."""
    classes, names = evidence.per_class, list(dict.fromkeys(n for one in evidence.per_class for n in one.scores))
    if not names:
        return []
    shown = classes if len(classes) <= MOST_CLASSES else sorted(classes, key=_recall)[:MOST_CLASSES]
    said = (
        []
        if len(shown) == len(classes)
        else [f"The {len(shown)} of {len(classes)} classes that it finds least often; evidence.json has all.", ""]
    )
    rows = [[code(one.label), *(scored(one.scores.get(name)) for name in names)] for one in shown]
    return [*said, *table(["class", *names], rows)]


def _recall(one: ClassEvidence) -> float:
    found = one.scores.get("recall")
    return 2.0 if found is None else found.value


def failing(evidence: Evidence) -> list[str]:
    """Groups of rows with more errors than the rest, protected ones, behaviours, what the labels allow."""
    lines = []
    if evidence.slices:
        rows = [
            [
                prose(one.description),
                f"{one.rows:,}",
                scored(one.error),
                f"{one.rest:.3g}",
                scored(one.test),
                one.action,
            ]
            for one in evidence.slices
        ]
        lines += table(["rows where", "rows", "error", "error of the rest", "error on test rows", "what to do"], rows)
        lines += ["", "They were found among rows that took no part in training; test rows found none of them."]
    elif evidence.metrics:
        lines += ["No group of rows was found with more errors than chance gives the worst of those looked at."]
    if evidence.protected:
        lines += ["", *bullets(evidence.protected)]
    if evidence.behaviours:
        passed, every = evidence.behaviours.get("passed", 0), sum(evidence.behaviours.values())
        lines += ["", f"Of {every} behaviours that were asked of it, {passed} pass."]
    if evidence.ceiling:
        lines += ["", prose(evidence.ceiling)]
    return lines


def robust(evidence: Evidence) -> list[str]:
    """How far it falls where rows come damaged."""
    found = evidence.robustness
    if found is None:
        return []
    rows = [
        [
            prose(one.name),
            f"{one.changed:,}",
            "–" if one.fall is None else rounded(one.fall, beside=0.0),
            one.verdict,
            "–" if one.flipped is None else rounded(one.flipped),
        ]
        for one in found.damages
    ]
    head = [
        "damage",
        "rows it changes",
        f"how much worse {code(found.metric)} gets",
        "",
        "share of these with another answer",
    ]
    return [prose(found.text), "", *table(head, rows)]
