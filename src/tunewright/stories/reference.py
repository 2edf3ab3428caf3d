"""Everything that a plan may hold, and what the metrics, findings and remedies are: from the tables that are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.detectors import DETECTORS
from tunewright.metrics import METRICS, in_words
from tunewright.plan import Plan
from tunewright.planfile import list_keys, summary
from tunewright.remedies import REMEDIES

_RULES = {
    "gain": "it must show a gain",
    "repair": "it must not lose more than half a point",
    "always": "always, and its effect is measured",
}
# Found where copies are kept on one side of a split, not by a detector.
_FOUND_WHILE_SPLITTING = {
    "duplicates": "Report rows that repeat an earlier row in every feature column.",
    "near_duplicates": "Report rows whose texts nearly repeat those of an earlier row.",
}


def list_reference() -> dict[str, Any]:
    """The keys of the plan, the metrics by task, the kinds of findings, the remedies; as JSON holds it.

    >>> found = list_reference()
    >>> found["keys"][0]["path"], found["metrics"][0]["name"], found["findings"][0]["kind"]
    ('data.train', 'accuracy', 'duplicates')
    """
    return {
        "keys": [
            {"path": key.path, "may_be": key.may_be, "default": _plain(key.default), "means": key.means}
            for key in list_keys(Plan)
        ],
        "metrics": [
            {
                "name": metric.name,
                "said": in_words(metric.name),
                "tasks": sorted(metric.tasks),
                "better": "greater" if metric.greater_is_better else "less",
            }
            for metric in METRICS
        ],
        "findings": [
            *({"kind": kind, "means": means} for kind, means in _FOUND_WHILE_SPLITTING.items()),
            *({"kind": one.kind, "means": summary(type(one))} for one in DETECTORS),
        ],
        "remedies": [
            {"kind": one.kind, "means": summary(type(one)), "answers": list(one.answers), "kept": _RULES[one.rule]}
            for one in REMEDIES
        ],
    }


def write_reference() -> str:
    """The same as a Markdown page."""
    found = list_reference()
    lines = [
        "# What a plan may hold",
        "",
        "Written by `tunewright plan --keys` from what the program itself reads. Everything has a default; a plan says "
        "only what should differ, and `--set KEY=VALUE` puts a value over it.",
        "",
    ]
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for key in found["keys"]:
        section, dot, _ = key["path"].partition(".")
        sections.setdefault(section if dot else "", []).append(key)
    for section, keys in sorted(sections.items(), key=lambda item: item[0] == ""):
        lines += [f"## {section or 'On the first level'}", "", *_table(_KEYS, [_key_row(key) for key in keys]), ""]
    lines += [
        "## Metrics",
        "",
        "Names are scikit-learn's; `macro_f1`, `rmse` and the like are understood too. Each is told with an interval.",
        "",
        *_table(("`objective.metric`", "in words", "for", "better"), [_metric_row(one) for one in found["metrics"]]),
        "",
        "## Findings of the audit",
        "",
        *_table(("kind", "what the detector does"), [(f"`{one['kind']}`", one["means"]) for one in found["findings"]]),
        "",
        "## Remedies that are tried",
        "",
        *_table(("remedy", "what it does", "for findings of", "kept"), [_remedy_row(one) for one in found["remedies"]]),
        "",
    ]
    return "\n".join(lines)


_KEYS = ("key", "may be", "default", "meaning")


def _key_row(key: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"`{key['path']}`", key["may_be"], f"`{_said(key['default'])}`", key["means"])


def _metric_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"`{one['name']}`", one["said"], ", ".join(one["tasks"]), one["better"])


def _remedy_row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (f"`{one['kind']}`", one["means"], ", ".join(f"`{kind}`" for kind in one["answers"]), one["kept"])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _plain(default: Any) -> Any:
    """A default as JSON holds it."""
    if isinstance(default, Mapping):
        return dict(default)
    return list(default) if isinstance(default, tuple) else default


def _said(default: Any) -> str:
    """A default as YAML writes it."""
    if default is None:
        return "null"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)
