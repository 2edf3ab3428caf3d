"""What `tunewright registry` says in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.cli.text import table
from tunewright.records import LedgerLine, Promotion, Score, Version, VersionDiff
from tunewright.report import words

MOST_LINES = 20  # of the ledger that are shown; --json has all


def list_text(models: Sequence[Mapping[str, Any]]) -> str:
    """A line per model."""
    rows: list[tuple[str, ...]] = [("model", "champion", "latest candidate", "versions", "predicts")]
    for one in models:
        numbers = ("–" if one[key] is None else str(one[key]) for key in ("champion", "candidate"))
        rows.append((one["name"], *numbers, str(one["versions"]), one["target"]))
    return table(rows)


def show_text(versions: Sequence[Version], lines: Sequence[LedgerLine]) -> str:
    """Every version, then the ledger, its last lines first to last."""
    rows: list[tuple[str, ...]] = [("version", "stage", "test score", "from", "size", "added", "who")]
    rows += [
        (str(one.version), one.stage, _score(one), _parent(one), _size(one.bytes), one.added, one.who)
        for one in versions
    ]
    deeds: list[tuple[str, ...]] = [("line", "when", "who", "what", "why")]
    deeds += [(str(one.seq), one.time, one.who, _deed(one), _why(one)) for one in lines[-MOST_LINES:]]
    more = len(lines) - MOST_LINES
    text = [table(rows), "", table(deeds)]
    return "\n".join([*text, f"{more} earlier lines are in --json."] if more > 0 else text)


def promoted_text(found: Promotion, what: str) -> str:
    """What became of a promotion or rollback."""
    instead = "" if found.former is None else f"; {found.name}@{found.former} retired"
    return f"{found.name}@{found.version} {what}{instead}. A running server takes it up by itself."


def diff_text(found: VersionDiff) -> str:
    """Two versions side by side."""
    names = tuple(f"{one.name}@{one.version}" for one in (found.a, found.b))
    lines = [found.text, "", table([("", *names), *_facts(found)])]
    for part in ("test", "validation"):
        scores = found.metrics.get(part, {})
        rows = [(metric, _written(a), _written(b)) for metric, (a, b) in scores.items()]
        lines += ["", table([(f"{part} part, each its own rows", *names), *rows])] if rows else []
    if found.plan:
        rows = [(one.key, _value(one.a), _value(one.b)) for one in found.plan]
        lines += ["", table([("plan", *names), *rows])]
    return "\n".join(lines)


def _facts(found: VersionDiff) -> list[tuple[str, ...]]:
    pair = (found.a, found.b)
    rows: list[tuple[str, ...]] = [
        ("stage", *(one.stage for one in pair)),
        ("size", *(_size(one.bytes) for one in pair)),
        ("bundle", *(one.digest[:12] for one in pair)),
        ("data", *(", ".join(digest[:12] for digest in one.lineage.data) or "–" for one in pair)),
        ("plan", *((one.lineage.plan or "–")[:12] for one in pair)),
        ("parent", *(_parent(one) for one in pair)),
    ]
    for part, counts in found.rows.items():
        rows.append((f"{part} rows", *("–" if count is None else words.count(count) for count in counts)))
    return rows


def _score(version: Version) -> str:
    found = version.evidence.metrics.get("test", {}).get(version.metric)
    return f"{version.metric} {_written(found)}" if found is not None else "–"


def _written(score: Score | None) -> str:
    return "–" if score is None else f"{words.value(score)} ({words.interval(score)})"


def _parent(version: Version) -> str:
    return "–" if version.lineage.parent is None else f"version {version.lineage.parent}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _value(text: str | None) -> str:
    return "–" if text is None else text


def _deed(line: LedgerLine) -> str:
    if line.what == "rolled back":
        return f"rolled back from {line.former} to {line.version}"
    instead = f" in place of {line.former}" if line.former is not None else ""
    return f"{line.what} {line.version}{instead}"


def _why(line: LedgerLine) -> str:
    shown = "" if line.evidence is None else str(line.evidence.get("text", ""))
    return " ".join(part for part in (line.why, shown) if part) or "–"
