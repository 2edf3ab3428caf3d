"""A search in words and charts: who won, what matters, every trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.metrics import in_words
from tunewright.metrics import metric as metric_of
from tunewright.records import Impact, Study, Trial
from tunewright.report import study_charts, words
from tunewright.report.drawing import Figure

MOST_SLICES = 6
LONG = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPage:
    """What the page of a search shows: the name of its folder, and the study."""

    run: str
    study: Study


def render_study(run: str, study: Study) -> str:
    """Render a search as one self-contained HTML file that opens offline and makes no request."""
    from tunewright.report.page import render_page

    view = {"figures": figures(study), "long": LONG}
    return render_page("study.html", StudyPage(run=run, study=study), view, told(study))


def told(study: Study) -> dict[str, Any]:
    """What the section of a search says."""
    shown = {f"slice-{one.name}": _caption(one, study.metric) for one in study.impact[:MOST_SLICES]}
    return {
        "winner": winner(study),
        "ended": _ended(study),
        "sentences": impact_sentences(study),
        "slices": shown,
        "names": names_of(study),
        "shown": lambda trial, name: value(trial.params.get(name)),
    }


def figures(study: Study) -> dict[str, Figure]:
    """Every chart of a search, by its name in the template."""
    made = {"progress": study_charts.progress(study)}
    if study.impact:
        made["impact"] = study_charts.impact(study.impact, unit=_unit(study.metric))
        made |= {f"slice-{one.name}": study_charts.slice_of(study, one.name) for one in study.impact[:MOST_SLICES]}
        made["parallel"] = study_charts.parallel(study, names_of(study))
    return made


def names_of(study: Study) -> list[str]:
    """Every hyperparameter that some trial has."""
    return list(dict.fromkeys(name for trial in study.trials for name in trial.params))


def winner(study: Study) -> str:
    """The sentence about who won.

    >>> from tunewright.records import Best
    >>> best = Best(params={"model.train": "head", "training.probe_C": 10.0}, score=0.95, seeds=(0.95,))
    >>> winner(Study(strategy="random", metric="accuracy", greater_is_better=True, trials=(), best=best))
    'Best on validation: accuracy 0.9500 with train head, probe_C 10.'
    """
    best = study.best
    seeds = f", the mean of {len(best.seeds)} seeds" if len(best.seeds) > 1 else ""
    with_what = f" with {parameters(best.params)}" if best.params else ""
    standard = next((trial for trial in study.trials if trial.number == 0 and trial.score is not None), None)
    beside = "" if standard is None else f" The plan as it stands: {standard.score:.4f}."
    if standard is not None and standard.params == best.params:
        beside = " That is the plan as it stands."
    return f"Best on validation: {in_words(study.metric)} {best.score:.4f}{seeds}{with_what}.{beside}"


def best_trials(study: Study, most: int) -> list[tuple[Trial, str, str]]:
    """The best complete trials with their score and parameters in words."""
    sign = 1 if study.greater_is_better else -1
    complete = [(sign * trial.score, trial) for trial in study.trials if trial.score is not None]
    ranked = sorted(complete, key=lambda pair: -pair[0])[:most]
    return [(trial, f"{sign * score:.4f}", parameters(trial.params)) for score, trial in ranked]


def impact_sentences(study: Study) -> list[str]:
    """What matters, what does not, and against which noise.

    >>> from tunewright.records import Best
    >>> found = Impact(name="a.lr", effect=0.021, low=0.011, high=0.03, noise_floor=0.004, matters=True)
    >>> best = Best(params={}, score=0.9, seeds=(0.9,))
    >>> study = Study(strategy="grid", metric="accuracy", greater_is_better=True, trials=(), best=best, impact=(found,))
    >>> impact_sentences(study)
    ['lr matters: ±2.1 points (1.1 to 3.0; chance alone looks like 0.4).']
    """
    if not study.impact:
        return ["Too few trials were scored to say which hyperparameters matter; eight are needed."]
    unit, factor = _unit(study.metric), _factor(study.metric)
    said = []
    for one in study.impact:
        effect, low, high, floor = (factor * part for part in (one.effect, one.low, one.high, one.noise_floor))
        verdict = "matters" if one.matters else "does not show here"
        numbers = f"±{effect:.1f}{unit} ({low:.1f} to {high:.1f}; chance alone looks like {floor:.1f})"
        if factor == 1:
            numbers = f"±{effect:.3g} ({low:.3g} to {high:.3g}; chance alone looks like {floor:.3g})"
        said.append(f"{short(one.name)} {verdict}: {numbers}.")
    return said


def parameters(params: Mapping[str, float | str]) -> str:
    """Parameters in words.

    >>> parameters({"training.learning_rate": 0.0002, "training.epochs": 4.0})
    'learning_rate 0.0002, epochs 4'
    """
    return ", ".join(f"{short(name)} {value(given)}" for name, given in params.items())


def value(given: float | str | None) -> str:
    """A value as it is read: at most three digits."""
    if given is None:
        return ""
    return given if isinstance(given, str) else f"{given:.3g}"


def short(name: str) -> str:
    """The last part of a path; sections repeat what everybody knows."""
    return name.rsplit(".", 1)[-1] if not name.startswith("augment") else name


def _caption(one: Impact, metric: str) -> str:
    return f"{in_words(metric).capitalize()} of every trial by {short(one.name)}."


def _ended(study: Study) -> str:
    states = {
        "complete": "ran to the end",
        "pruned": "were given up early",
        "failed": "failed",
        "stopped": "ran out of time",
    }
    counts = [(sum(trial.state == state for trial in study.trials), said) for state, said in states.items()]
    parts = ", ".join(f"{count} {said}" for count, said in counts if count)
    spread = ""
    if study.seed_spread is not None and math.isfinite(study.seed_spread):
        spread = f" Another seed moves a score by {_factor(study.metric) * study.seed_spread:.2g}{_unit(study.metric)}."
    why = f" It ended with {study.why_ended}." if study.why_ended else ""
    return f"{len(study.trials)} trials in {words.seconds(study.seconds)}: {parts}.{why}{spread}"


def _bounded(metric: str) -> bool:
    return all(bound is not None for bound in metric_of(metric).bounds)


def _unit(metric: str) -> str:
    return " points" if _bounded(metric) else ""


def _factor(metric: str) -> int:
    return 100 if _bounded(metric) else 1


__all__: Sequence[str] = ("best_trials", "figures", "impact_sentences", "render_study", "told", "winner")
