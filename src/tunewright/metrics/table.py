"""The table of metrics: one line each; scoring, plans and help read nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunewright.errors import PlanError
from tunewright.metrics import point, ranked, resampled, rows, support
from tunewright.metrics.outcome import Outcome
from tunewright.metrics.resampled import Counts, Resampled, Values, from_counts, mean_over, row_mean
from tunewright.records import TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric: where it applies, which way is better, its value on all rows and on many resamples.

    Args:
        name: scikit-learn's.
        said: what people call it, where that is not the name with blanks.
        tasks: the tasks it applies to.
        needs: what it reads of a prediction.
        greater_is_better: false for losses and errors.
        proportion: a share of rows; its interval is Wilson's.
        bounds: lowest and highest value it can take; None where there is none.
        value: all rows, through scikit-learn; None where undefined.
        resampled: prepares an outcome, returns (b, n) weights to (b,) values, NaN where undefined.
        support: the trials behind it that keep its interval from vanishing, for a bounded metric.
        corrected: resampling itself moves the metric to one side, and the interval is shifted back by as much.
        closed_form: value and rows to an interval known in closed form, which the bootstrap's holds as well; None
            where there is none.
    """

    name: str
    tasks: frozenset[TaskKind]
    needs: Literal["labels", "probabilities", "values"]
    value: Callable[[Outcome], float | None]
    resampled: Callable[[Outcome], Resampled]
    said: str = ""
    greater_is_better: bool = True
    proportion: bool = False
    bounds: tuple[float | None, float | None] = (0.0, 1.0)
    support: support.Support | None = None
    corrected: bool = False
    closed_form: Callable[[float, int], tuple[float, float]] | None = None

    def quick(self, outcome: Outcome) -> float | None:
        """`value`, for loops over thresholds and folds: of labels from the sums behind resamples.

        The same number to rounding, 0 in place of None, at a fifth of the time that scikit-learn takes.
        """
        if self.needs != "labels" or not outcome.rows:
            return self.value(outcome)
        found = float(self.resampled(outcome)(np.ones((1, outcome.rows), np.float32))[0])
        return found if np.isfinite(found) else None


_LABELS: frozenset[TaskKind] = frozenset({"binary", "multiclass", "multilabel"})
_CLASSES: frozenset[TaskKind] = frozenset({"binary", "multiclass"})
_BINARY: frozenset[TaskKind] = frozenset({"binary"})
_MULTILABEL: frozenset[TaskKind] = frozenset({"multilabel"})
_REGRESSION: frozenset[TaskKind] = frozenset({"regression"})


def _said(kind: str) -> str:
    return {"f1": "F1"}.get(kind, kind)


def _macro(kind: str) -> Metric:
    def of(counts: Counts, outcome: Outcome) -> Values:
        return mean_over(getattr(counts, kind)(), counts.present())

    return Metric(
        name=f"{kind}_macro",
        said=f"macro {_said(kind)}",
        tasks=_LABELS,
        needs="labels",
        value=point.averaged(kind, "macro"),
        resampled=from_counts(of),
        support=support.macro(kind),
    )


def _positive(kind: str) -> Metric:
    def of(counts: Counts, outcome: Outcome) -> Values:
        values: Values = getattr(counts, kind)()[outcome.positive_class]
        return values

    return Metric(
        name=kind,
        said=_said(kind),
        tasks=_BINARY,
        needs="labels",
        value=point.of_positive(kind),
        resampled=from_counts(of),
        support=support.positive(kind),
    )


def _f1_weighted(counts: Counts, outcome: Outcome) -> Values:
    return resampled.ratio((counts.f1() * counts.truth).sum(axis=0), counts.truth.sum(axis=0))


def _f1_micro(counts: Counts, outcome: Outcome) -> Values:
    return resampled.ratio(2 * counts.hits.sum(axis=0), (counts.truth + counts.predicted).sum(axis=0))


METRICS: tuple[Metric, ...] = (
    Metric(
        name="accuracy",
        tasks=_LABELS,
        needs="labels",
        proportion=True,
        value=point.accuracy,
        resampled=row_mean(rows.right),
    ),
    Metric(
        name="balanced_accuracy",
        tasks=_CLASSES,
        needs="labels",
        value=point.balanced_accuracy,
        resampled=from_counts(resampled.balanced_accuracy),
        support=support.macro("balanced"),
    ),
    _macro("precision"),
    _macro("recall"),
    _macro("f1"),
    Metric(
        name="f1_weighted",
        said="weighted F1",
        tasks=_LABELS,
        needs="labels",
        value=point.averaged("f1", "weighted"),
        resampled=from_counts(_f1_weighted),
        support=support.weighted_f1,
    ),
    _positive("precision"),
    _positive("recall"),
    _positive("f1"),
    Metric(
        name="f1_micro",
        said="micro F1",
        tasks=_MULTILABEL,
        needs="labels",
        value=point.averaged("f1", "micro"),
        resampled=from_counts(_f1_micro),
        support=support.micro_f1,
    ),
    Metric(
        name="f1_samples",
        said="samples F1",
        tasks=_MULTILABEL,
        needs="labels",
        value=point.averaged("f1", "samples"),
        resampled=row_mean(rows.row_f1),
        support=support.rows,
    ),
    Metric(
        name="matthews_corrcoef",
        said="Matthews correlation",
        tasks=_CLASSES,
        needs="labels",
        value=point.matthews,
        resampled=from_counts(resampled.matthews),
        bounds=(-1.0, 1.0),
        support=support.matthews,
    ),
    Metric(
        name="roc_auc",
        said="ROC AUC",
        tasks=_LABELS,
        needs="probabilities",
        value=point.ranking("roc_auc"),
        resampled=ranked.roc_auc,
        support=support.area,
    ),
    Metric(
        name="average_precision",
        tasks=_BINARY | _MULTILABEL,
        needs="probabilities",
        value=point.ranking("average_precision"),
        resampled=ranked.average_precision,
        support=support.average_precision,
    ),
    Metric(
        name="log_loss",
        tasks=_CLASSES,
        needs="probabilities",
        greater_is_better=False,
        value=point.log_loss,
        resampled=row_mean(rows.row_log_loss),
        bounds=(0.0, None),
    ),
    Metric(
        name="brier",
        said="Brier score",
        tasks=_CLASSES,
        needs="probabilities",
        greater_is_better=False,
        value=point.brier,
        resampled=row_mean(rows.row_brier),
        bounds=(0.0, 2.0),
    ),
    Metric(
        name="ece",
        said="expected calibration error",
        tasks=_CLASSES,
        needs="probabilities",
        greater_is_better=False,
        value=point.calibration_error,
        resampled=resampled.calibration_error,
        corrected=True,
    ),
    Metric(
        name="r2",
        said="R²",
        tasks=_REGRESSION,
        needs="values",
        value=point.regression("r2_score"),
        resampled=resampled.r2,
        bounds=(None, 1.0),
    ),
    Metric(
        name="mean_absolute_error",
        tasks=_REGRESSION,
        needs="values",
        greater_is_better=False,
        value=point.regression("mean_absolute_error"),
        resampled=row_mean(lambda o: abs(o.truth - o.labels)),
        bounds=(0.0, None),
    ),
    Metric(
        name="root_mean_squared_error",
        tasks=_REGRESSION,
        needs="values",
        greater_is_better=False,
        value=point.regression("root_mean_squared_error"),
        resampled=resampled.root(row_mean(lambda o: (o.truth - o.labels) ** 2)),
        bounds=(0.0, None),
    ),
    Metric(
        name="spearman",
        said="Spearman correlation",
        tasks=_REGRESSION,
        needs="values",
        value=point.correlation("spearmanr"),
        resampled=resampled.correlation(ranked=True),
        bounds=(-1.0, 1.0),
        closed_form=support.rank_correlation,
    ),
    Metric(
        name="pearson",
        said="Pearson correlation",
        tasks=_REGRESSION,
        needs="values",
        value=point.correlation("pearsonr"),
        resampled=resampled.correlation(ranked=False),
        bounds=(-1.0, 1.0),
        closed_form=support.correlation,
    ),
)

_BY_NAME = {entry.name: entry for entry in METRICS}
_ALIASES = {
    "macro_f1": "f1_macro",
    "macro_precision": "precision_macro",
    "macro_recall": "recall_macro",
    "weighted_f1": "f1_weighted",
    "micro_f1": "f1_micro",
    "samples_f1": "f1_samples",
    "subset_accuracy": "accuracy",
    "auc": "roc_auc",
    "ap": "average_precision",
    "mcc": "matthews_corrcoef",
    "mae": "mean_absolute_error",
    "rmse": "root_mean_squared_error",
    "brier_score": "brier",
    "r2_score": "r2",
}


def canonical(name: str) -> str:
    """Scikit-learn's name of a metric that a plan may spell otherwise.

    Raises:
        PlanError: no such metric; the nearest names are offered.

    >>> canonical("macro_f1"), canonical("Macro-F1"), canonical("rmse")
    ('f1_macro', 'f1_macro', 'root_mean_squared_error')
    """
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    found = _ALIASES.get(key, key)
    if found in _BY_NAME:
        return found
    near = difflib.get_close_matches(key, [*_BY_NAME, *_ALIASES], n=1)
    hint = f"Did you mean {_ALIASES.get(near[0], near[0])}?" if near else f"Known: {', '.join(_BY_NAME)}."
    raise PlanError(f"A metric must be one that Tunewright knows. Got {name!r}. {hint}")


def metric(name: str) -> Metric:
    """The table's entry of that name, spelled in any accepted way.

    >>> metric("mae").greater_is_better
    False
    """
    return _BY_NAME[canonical(name)]


def in_words(name: str) -> str:
    """What people call a metric; a name that is not in the table is only freed of underscores.

    >>> in_words("f1_macro"), in_words("log_loss"), in_words("own_metric")
    ('macro F1', 'log loss', 'own metric')
    """
    known = _BY_NAME.get(name)
    return (known.said if known else "") or name.replace("_", " ")


def names_for(task: TaskKind) -> tuple[str, ...]:
    """Names of the metrics that apply to a task, in the table's order.

    >>> names_for("regression")
    ('r2', 'mean_absolute_error', 'root_mean_squared_error', 'spearman', 'pearson')
    """
    return tuple(entry.name for entry in METRICS if task in entry.tasks)
