import pytest

from tunewright.errors import PlanError
from tunewright.metrics import METRICS, canonical, metric, names_for


def test_names_are_unique_and_each_task_has_its_metrics():
    names = [entry.name for entry in METRICS]
    assert len(set(names)) == len(names)
    assert {"roc_auc", "average_precision", "f1", "f1_macro", "ece"} <= set(names_for("binary"))
    assert {"f1_micro", "f1_samples", "f1_macro", "accuracy"} <= set(names_for("multilabel"))
    assert "f1" not in names_for("multiclass")


@pytest.mark.parametrize(
    ("written", "name"),
    [("macro_f1", "f1_macro"), ("MAE", "mean_absolute_error"), ("auc", "roc_auc"), ("mcc", "matthews_corrcoef")],
)
def test_other_spellings_are_accepted(written, name):
    assert canonical(written) == name == metric(written).name


def test_every_name_and_only_a_name_is_canonical():
    for entry in METRICS:
        assert canonical(entry.name) == entry.name
    with pytest.raises(PlanError, match="Did you mean accuracy"):
        canonical("acuracy")
    with pytest.raises(PlanError, match="Known: accuracy"):
        canonical("zzz")


def test_losses_and_errors_are_better_when_smaller():
    smaller = {entry.name for entry in METRICS if not entry.greater_is_better}
    assert smaller == {"log_loss", "brier", "ece", "mean_absolute_error", "root_mean_squared_error"}
