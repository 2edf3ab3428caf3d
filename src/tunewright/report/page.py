"""The report's page: what it shows of a run, in which order, and the one file it becomes.

Two locks keep the data's text from acting. Every value put into the page is made visible (`words.visible`) and
escaped; and the page's content security policy allows no request at all and no script but the two named by their
SHA-256, so that what would slip through one lock is held by the other.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tunewright.metrics import in_words
from tunewright.records import (
    Analysis,
    Energy,
    Epoch,
    Evaluation,
    Explanation,
    Finding,
    Improvement,
    RemedyTrial,
    Repair,
    Score,
    Split,
    Study,
    Table,
    TrainedModel,
)
from tunewright.report import charts, explaining, mistakes, robust, words
from tunewright.report.drawing import Figure
from tunewright.report.effects import became, effect, points, verdict
from tunewright.report.study import figures as study_figures
from tunewright.report.study import parameters, told
from tunewright.report.trust_charts import trust_figures

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HEATMAP = 25  # classes a heatmap can show; above, the most confused ones
LONG = 40  # rows above which a table starts folded
SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """What a report shows of one run.

    Args:
        run: the run's name.
        plan_yaml: the resolved plan, as text.
        table: the columns and the task.
        split: the parts, how they came to be, and the proof.
        findings: what the audit found.
        remedies: which of them were tried, and what each did.
        repairs: what reading put right without a trial.
        study: the search for hyperparameters, or None.
        improvement: rounds of trying to do better, or None.
        trained: the kept model and how it came to be.
        evaluation: metrics, baselines, comparisons, verdict.
        analysis: confusion matrix or points, worst mistakes.
        explanation: what the model looks at, or None.
        energy: what the run took, or None.
        versions: package versions by name.
        digests: SHA-256 by what was digested.
        seconds: duration per station, in the order of the road; `total` is shown apart.
        notes: decisions made automatically, each a sentence.
        examples: whether raw text of mistaken rows may be shown.
    """

    run: str
    plan_yaml: str
    table: Table
    split: Split
    findings: tuple[Finding, ...]
    remedies: tuple[RemedyTrial, ...]
    repairs: tuple[Repair, ...] = ()
    study: Study | None = None
    improvement: Improvement | None = None
    trained: TrainedModel
    evaluation: Evaluation
    analysis: Analysis
    explanation: Explanation | None = None
    energy: Energy | None = None
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    seconds: Mapping[str, float]
    notes: tuple[str, ...]
    examples: bool


def render(data: ReportData) -> str:
    """Render a run as one self-contained HTML file that opens offline and makes no request.

    Args:
        data: the records of the run.
    """
    search = told(data.study) if data.study is not None else {}
    return render_page("run.html", data, _view(data), search)


def render_page(body: str, data: Any, view: Mapping[str, Any], search: Mapping[str, Any]) -> str:
    """Put a body into the page: its style, its one script, its policy.

    Args:
        body: name of the template.
        data: what the page is about; has `run`, and `study` where there was a search.
        view: charts, and how the data is shown.
        search: what is said of a search.
    """
    from plotly.offline import get_plotlyjs

    page = _environment().get_template("page.html")
    return page.render(d=data, v=view, s=search, body=body, plotly=_safe(get_plotlyjs()))


def _view(data: ReportData) -> dict[str, Any]:
    evaluation, task = data.evaluation, data.table.task
    # With words or trees added, the model is more than the probe it stands beside.
    beside = [name for name, has in (("words", data.trained.words), ("trees", data.trained.trees)) if has]
    same = "probe" if data.trained.kept == "probe" and not beside else ""
    severity = {name: place for place, name in enumerate(SEVERITIES)}
    damaged = {} if evaluation.robustness is None else robust.view(evaluation.robustness, data.analysis)
    return (
        damaged
        | mistakes.view(data.analysis)
        | {
            "headline": words.headline(evaluation, task=task, same=same),
            "beaten": any(c.verdict == "worse" for c in evaluation.comparisons if c.metric == evaluation.metric),
            "verdict": evaluation.verdict.text.removeprefix(f"{evaluation.verdict.objective.capitalize()}: "),
            "stations": {name: s for name, s in data.seconds.items() if name != "total"},
            "findings": sorted(data.findings, key=lambda f: severity[f.severity]),
            "metrics": _metric_rows(evaluation),
            "baselines": _baseline_rows(data, same),
            "class_metrics": list(dict.fromkeys(name for scores in evaluation.per_class.values() for name in scores)),
            "one_n": all(len({score.n for score in scores.values()}) <= 1 for scores in evaluation.per_class.values()),
            "validation": evaluation.metrics.get("validation", {}).get(data.trained.metric),
            "epochs": _epochs(data.trained),
            "sampled": any(epoch.train_metric is not None for epoch in data.trained.history),
            "kept": f"with {' and '.join(beside)}" if beside else data.trained.kept,
            "averages": any(epoch.average_metric is not None for epoch in data.trained.history),
            "long": LONG,
            "figures": _figures(data),
            "pairs": charts.confused_pairs(
                data.analysis.labels, data.analysis.matrix, most=20 if len(data.analysis.labels) > HEATMAP else 8
            ),
            "explained": explaining.view(data.explanation) if data.explanation is not None else {},
            "totals": {label: sum(row) for label, row in zip(data.analysis.labels, data.analysis.matrix, strict=False)},
            "doubted": any(mistake.suspect for mistake in data.analysis.mistakes),
            "confident": any(mistake.confidence is not None for mistake in data.analysis.mistakes),
            "cells": list(dict.fromkeys(name for mistake in data.analysis.mistakes for name in mistake.cells)),
        }
    )


def _metric_rows(evaluation: Evaluation) -> list[tuple[str, Score | None, Score | None]]:
    validation, test = (evaluation.metrics.get(part, {}) for part in ("validation", "test"))
    names = dict.fromkeys([evaluation.metric, *test, *validation])
    return [(name, validation.get(name), test.get(name)) for name in names if name in test or name in validation]


def _baseline_rows(data: ReportData, same: str) -> list[dict[str, Any]]:
    metric, task = data.evaluation.metric, data.table.task
    paired = {c.b: c for c in data.evaluation.comparisons if c.metric == metric}
    scores = {name: metrics[metric] for name, metrics in data.evaluation.baselines.items() if metric in metrics}
    # Strongest rival first: the one our model leads by the least, in the metric's own direction.
    order = sorted(scores, key=lambda name: paired[name].difference.value if name in paired else float("inf"))
    return [
        {
            "name": words.baseline(name, task),
            "score": scores[name],
            "paired": paired.get(name),
            "says": words.comparison(paired[name], task=task, same=same) if name in paired else "Not compared.",
        }
        for name in order
    ]


def _epochs(trained: TrainedModel) -> tuple[Epoch, ...]:
    """The learning curve; empty where only the probe was fitted (epoch 0), which is a point and no curve."""
    return trained.history if any(epoch.epoch > 0 for epoch in trained.history) else ()


def _figures(data: ReportData) -> dict[str, Figure]:
    """Every chart the records have something for, by its name in the template."""
    trained, analysis = data.trained, data.analysis
    figures: dict[str, Figure] = study_figures(data.study) if data.study is not None else {}
    epochs = _epochs(trained)
    if epochs:
        figures["loss"] = charts.learning_curve(epochs, best=trained.best_epoch)
        figures["metric"] = charts.metric_curve(epochs, best=trained.best_epoch, metric=trained.metric)
    if trained.learning_curve is not None:
        figures["rows"] = charts.rows_curve(trained.learning_curve)
    ours = data.evaluation.metrics.get("test", {}).get(data.evaluation.metric)
    if ours is not None:
        rivals = {row["name"]: row["score"] for row in _baseline_rows(data, "")}
        figures["baselines"] = charts.intervals({"our model": ours} | rivals, metric=data.evaluation.metric)
    figures |= trust_figures(data.evaluation.trust)
    if analysis.matrix:
        shown = charts.most_confused(analysis.matrix, most=HEATMAP)
        labels = [analysis.labels[i] for i in shown]
        matrix = [[analysis.matrix[i][j] for j in shown] for i in shown]
        figures["confusion"] = charts.confusion(labels, matrix, totals=[sum(analysis.matrix[i]) for i in shown])
    if data.explanation is not None:
        figures |= explaining.figures(data.explanation)
    if data.evaluation.robustness is not None:
        figures |= robust.figures(data.evaluation.robustness)
    if analysis.points:
        figures["scatter"] = charts.scatter(analysis.points, target=data.table.target)
    return figures


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    page = Environment(
        loader=PackageLoader("tunewright", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= {
        "value": words.value,
        "interval": words.interval,
        "beside": words.beside,
        "effect": effect,
        "points": points,
        "parameters": parameters,
        "advice": words.advice,
        "became": became,
        "verdict": verdict,
        "count": words.count,
        "share": words.share,
        "seconds": words.seconds,
        "p_value": words.p_value,
        "metric": in_words,
        "capital": words.capital,
        "plain": words.plain,
        "proof": words.proof,
        "sentence": words.sentence,
        "split": words.split,
        "json": _json,
        "digests": _digests,
    }
    return page


def _finalize(value: Any) -> Any:
    # Runs on every expression of the template, so that no cell can be forgotten; markup is our own.
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return words.visible(value)
    return value


def _safe(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)


def _json(value: Any) -> Markup:
    """JSON that cannot leave its script element: no `<`, `>` or `&` is left in it."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return _safe(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _digests(scripts: Iterable[str]) -> Markup:
    """Name scripts by their SHA-256, as a content security policy does (CSP level 3, section 2.3.1)."""
    hashed = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return _safe(" ".join(f"'sha256-{digest}'" for digest in hashed))
