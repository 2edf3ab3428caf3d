import pytest

from tunewright.errors import PlanError
from tunewright.objective import Limits, Objective, ObjectiveOptions, resolve, verdict
from tunewright.records import Score


@pytest.mark.parametrize(
    ("task", "counts", "pair", "metric", "why"),
    [
        ("multiclass", {"a": 40, "b": 30, "c": 20}, False, "accuracy", "similar size"),
        ("multiclass", {"a": 40, "b": 30, "c": 13}, False, "f1_macro", "largest class has 40 rows, the smallest 13"),
        ("multiclass", {"a": 62, "b": 20, "c": 21}, False, "f1_macro", "60%"),
        ("binary", {"a": 75, "b": 25}, False, "accuracy", "similar size"),
        ("binary", {"a": 87, "b": 13}, False, "f1_macro", "13.0% of the rows"),
        ("binary", {"a": 87}, False, "accuracy", "similar size"),
        ("multilabel", {}, False, "f1_macro", "every label alike"),
        ("regression", {}, False, "r2", "variance"),
        ("regression", {}, True, "spearman", "ordered"),
    ],
)
def test_auto_chooses_by_task_and_balance_and_says_why(task, counts, pair, metric, why):
    found = resolve(ObjectiveOptions(), task=task, class_counts=counts, pair=pair)
    assert found.metric == metric
    assert why in found.why


def test_a_named_metric_is_taken_under_any_spelling():
    limits = Limits(latency_ms=15)
    options = ObjectiveOptions(metric="MAE", at_least=2.5, limits=limits)
    found = resolve(options, task="regression", class_counts={})
    assert (found.metric, found.greater_is_better, found.at_least) == ("mean_absolute_error", False, 2.5)
    assert found.limits == limits
    assert found.better(1.0, 2.0) and not found.better(2.0, 2.0)


@pytest.mark.parametrize(
    ("options", "task", "message"),
    [
        ({"metric": "r2"}, "binary", "Choose one of: accuracy"),
        ({"metric": "acuracy"}, "binary", "Did you mean accuracy"),
        ({"at_least": 90.0}, "binary", "Did you mean 0.9"),
        ({"at_least": float("nan")}, "binary", "value that accuracy can take"),
        ({"at_least": -0.5}, "binary", "value that accuracy can take"),
        ({"positive": "spam"}, "binary", "The classes are 'yes' and 'no'"),
        ({"positive": "yes"}, "multiclass", "for two classes"),
        ({"limits": Limits(size_mb=0.0)}, "binary", "limits.size_mb must be above 0"),
    ],
)
def test_what_cannot_be_is_refused(options, task, message):
    with pytest.raises(PlanError, match=message):
        resolve(ObjectiveOptions(**options), task=task, class_counts={"yes": 5, "no": 5})


def of(low, high, **more):
    objective = Objective(metric=more.pop("metric", "accuracy"), why="", **more)
    return verdict(objective, Score(value=(low + high) / 2, low=low, high=high, n=100))


def test_the_interval_decides():
    assert of(0.90, 0.95, at_least=0.9).objective == "met"
    assert of(0.89, 0.95, at_least=0.9).objective == "not shown"
    assert of(0.80, 0.90, at_least=0.9).objective == "not shown"
    assert of(0.80, 0.89, at_least=0.9).objective == "missed"
    assert of(0.80, 0.89).objective == "none"


def test_a_loss_is_mirrored():
    loss = {"metric": "log_loss", "greater_is_better": False, "at_least": 0.5}
    assert of(0.3, 0.5, **loss).objective == "met"
    assert of(0.4, 0.6, **loss).objective == "not shown"
    assert of(0.51, 0.6, **loss).objective == "missed"
    assert "at most 0.5 was asked" in of(0.3, 0.4, **loss).text


def test_limits_count_and_one_missed_is_missed():
    objective = Objective(metric="accuracy", why="", at_least=0.9, limits=Limits(latency_ms=15, size_mb=60))
    sure = Score(value=0.95, low=0.93, high=0.97, n=500)
    kept = {"latency_ms": 12.34, "size_mb": 60.0}
    assert verdict(objective, sure, limits_measured=kept).objective == "met"
    assert verdict(objective, sure, limits_measured={"latency_ms": 12.0}).objective == "not shown"
    slow = verdict(objective, sure, limits_measured=kept | {"latency_ms": 15.1})
    assert slow.objective == "missed"
    assert slow.text == (
        "Missed: accuracy is 0.950 (0.930–0.970, n 500), and at least 0.9 was asked; "
        "latency is 15.1 ms, the limit is 15 ms; size is 60 MB, the limit is 60 MB."
    )
    alone = Objective(metric="accuracy", why="", limits=Limits(size_mb=60))
    assert verdict(alone, sure, limits_measured={"size_mb": 90.0}).objective == "missed"


def test_the_text_never_rounds_away_the_reason():
    found = of(0.89996, 0.92, at_least=0.9)
    assert found.objective == "not shown"
    assert "0.89996" in found.text


def test_an_undefined_score_is_not_shown_and_baselines_close_the_text():
    objective = Objective(metric="roc_auc", why="", at_least=0.9)
    found = verdict(objective, None, baseline_note="TF-IDF is as good. ")
    assert found.objective == "not shown"
    assert found.text == "Not shown: roc_auc is undefined on these rows, and at least 0.9 was asked. TF-IDF is as good."
