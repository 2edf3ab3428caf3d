"""What a card warns of: each sentence says what was measured, of losses and of one behaviour too."""

from types import SimpleNamespace

import pytest

from tunewright.records import Comparison, Damage, Evaluation, Robustness, Score, Verdict
from tunewright.stories.delivering.uses import caveats_of


def caveats(task="regression", metric="mean_absolute_error", **found):
    """What is said of an evaluation where nothing else speaks against the model."""
    evaluation = Evaluation(
        metric=metric, metrics={}, baselines={}, verdict=Verdict(objective="none", text=""),
        **{"comparisons": (), **found},
    )  # fmt: skip
    data = SimpleNamespace(cut_share=None, max_length=None)
    fitted = SimpleNamespace(
        model=SimpleNamespace(task=SimpleNamespace(kind=task)), trained=SimpleNamespace(diagnosis=None)
    )
    return caveats_of(evaluation, data, (), fitted)


@pytest.mark.parametrize("metric", ["mean_absolute_error", "r2"])
def test_damage_makes_a_metric_worse_whichever_way_it_goes(metric):
    hurt = Damage(name="amount empty", kind="missing", changed=9, fall=None, p_value=0.01, verdict="falls")
    found = Robustness(metric=metric, part="test", rows=9, of=9, score=None, damages=(hurt,), text="")
    assert caveats(metric=metric, robustness=found) == (f"Its {metric} gets worse where rows come with amount empty.",)


@pytest.mark.parametrize(
    ("failed", "passed", "text"),
    [
        (1, 2, "1 of the 3 behaviours that the plan asks for fails."),
        (2, 1, "2 of the 3 behaviours that the plan asks for fail."),
        (1, 0, "The one behaviour that the plan asks for fails."),
    ],
)
def test_one_behaviour_fails_and_two_fail(failed, passed, text):
    behaviours = tuple({"verdict": verdict} for verdict in ["failed"] * failed + ["passed"] * passed)
    assert caveats(behaviours=behaviours) == (text,)


@pytest.mark.parametrize(("task", "name"), [("regression", "median"), ("binary", "majority class")])
def test_a_constant_that_did_better_is_called_by_what_it_is(task, name):
    gap = Score(value=-0.1, low=-0.2, high=-0.05, n=40)
    worse = Comparison(metric="r2", a="model", b="majority", difference=gap, p_value=0.01, verdict="worse")
    assert caveats(task, comparisons=(worse,)) == (f"The simpler {name} did better on the same test rows.",)
