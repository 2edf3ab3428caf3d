"""What was put right, and what was tried and did what, in words: the same in the report and on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.data.wording import agreeing
from tunewright.metrics import metric as metric_of
from tunewright.records import Finding, RemedyTrial, Repair, Score

SHOWN = 5  # columns that a name is followed by


def effect(trial: RemedyTrial) -> str:
    """The effect with its interval: in points where the metric lies between two bounds, otherwise in its own units.

    >>> score = Score(value=0.0123, low=-0.004, high=0.0286, n=20)
    >>> said = {"remedy": "clip", "rule": "gain", "metric": "accuracy", "p_value": 0.1, "kept": True, "why": ""}
    >>> effect(RemedyTrial(effect=score, **said))
    '+1.2 points (−0.4 to +2.9)'
    """
    return points(trial.metric, trial.effect)


def points(metric: str, found: Score) -> str:
    """A difference with its interval, in points or in the metric's own units."""
    low, high = metric_of(metric).bounds
    bounded = low is not None and high is not None
    said = [_signed(100 * end, 1) if bounded else _signed(end, 3) for end in _ends(found)]
    return f"{said[0]}{' points' if bounded else ''} ({said[1]} to {said[2]})"


def verdict(trial: RemedyTrial) -> str:
    """Whether it was kept; what the expert asked for was not up for a decision."""
    return "asked for" if trial.rule == "asked" else "kept" if trial.kept else "not kept"


def acted_on(trial: RemedyTrial) -> str:
    """The columns that a remedy acted on, in brackets; nothing where it acted on rows.

    >>> score = Score(value=0.0, low=0.0, high=0.0, n=20)
    >>> said = {"rule": "repair", "metric": "accuracy", "p_value": 0.1, "kept": True, "why": "", "effect": score}
    >>> acted_on(RemedyTrial(remedy="select_columns", columns=("wind", "rain"), **said))
    ' (wind, rain)'
    """
    more = f" and {len(trial.columns) - SHOWN} more" if len(trial.columns) > SHOWN else ""
    return f" ({', '.join(trial.columns[:SHOWN])}{more})" if trial.columns else ""


def became(finding: Finding, repairs: Sequence[Repair], trials: Sequence[RemedyTrial]) -> str:
    """What became of a finding: put right when reading, tried and kept or not, or nothing yet; "" without a remedy."""
    if finding.remedy is None:
        return ""
    done = [one for one in repairs if one.remedy == finding.remedy and one.column in finding.columns]
    tried = [one for one in trials if one.remedy == finding.remedy]
    cells = sum(one.cells for one in done)
    said = [f"put right when reading, {cells:,} {agreeing(cells, 'cell', 'cells')}"] if done else []
    said += [f"tried: {effect(one)}, {verdict(one)}" for one in tried]
    return f"{finding.remedy}: {'; '.join(said)}" if said else finding.remedy


def repaired(repair: Repair, *, examples: bool = True) -> str:
    """A repair as one line.

    >>> repaired(Repair(remedy="parse_numbers", column="size", cells=12, what="read as numbers", example=("7 kg", "7")))
    "parse_numbers: 12 cells of 'size' read as numbers, as '7 kg' → '7'"
    """
    cells = "1 cell" if repair.cells == 1 else f"{repair.cells:,} cells"
    shown = ""
    if repair.example is not None and examples:
        before, after = repair.example
        shown = f", as {before!r} → {after!r}" if after else f", as {before!r}"
    return f"{repair.remedy}: {cells} of {repair.column!r} {repair.what}{shown}"


def tried(trial: RemedyTrial) -> str:
    """A trial as one line: what, its effect, what followed and why."""
    return f"{trial.remedy}{acted_on(trial)}: {effect(trial)}, {verdict(trial)}: {trial.why}"


def _ends(score: Score) -> tuple[float, float, float]:
    return score.value, score.low, score.high


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}" if abs(value) < 1000 else f"{value:+,.0f}"
    return text.replace("-", "−")
