"""What `auto` decides, and that what the plan says is taken as said."""

import dataclasses

import numpy as np
import pytest

from tunewright.learning.recipes import choose
from tunewright.models.options import ModelOptions
from tunewright.training.options import TrainingOptions


@pytest.fixture
def problem(learned):
    return learned("text")[1].problem


def test_what_the_plan_says_is_taken_as_said(problem):
    training = TrainingOptions(
        epochs=7,
        batch_tokens=50,
        learning_rate=0.5,
        weight_decay=0.2,
        dropout=0.3,
        head_dropout=0.4,
        label_smoothing=0.1,
        early_stopping=5,
    )
    made = choose(problem, ModelOptions(name="x", train="layers:1", pooling="cls", head="mlp"), training)
    recipe = made.recipe
    assert (made.method, made.pooling, made.head, made.head_dropout) == ("layers:1", "cls", "mlp", 0.4)
    assert (recipe.epochs, recipe.learning_rate, recipe.weight_decay, recipe.dropout) == (7, 0.5, 0.2, 0.3)
    assert (recipe.label_smoothing, recipe.early_stopping, recipe.seed) == (0.1, 5, problem.seed)
    longest = int(problem.inputs["train"].lengths.max())
    assert recipe.batch_tokens == max(50, longest)
    assert recipe.batch_rows == max(int(50 / problem.inputs["train"].lengths.mean()), 1)


def test_patience_zero_stays_never(problem):
    for method in ("head", "full"):
        options = TrainingOptions(early_stopping=0)
        assert choose(problem, ModelOptions(train=method), options).recipe.early_stopping == 0


def test_auto_is_decided_and_said(problem, learned):
    made = choose(problem, ModelOptions(), TrainingOptions())
    assert (made.method, made.head, made.pooling) == ("full", "linear", "mean")
    assert any("model.train: full" in note for note in made.notes)
    table = choose(learned("table")[1].problem, ModelOptions(train="full"), TrainingOptions())
    assert (table.method, table.head) == ("head", "mlp")
    assert any("No text column" in note for note in table.notes)
    assert choose(learned("mixed")[1].problem, ModelOptions(), TrainingOptions()).head == "mlp"


def test_the_learning_rate_falls_with_width_and_is_larger_for_lora(problem):
    def rate(width, train):
        backbone = dataclasses.replace(problem.backbone, width=width)
        return choose(dataclasses.replace(problem, backbone=backbone), ModelOptions(train=train), TrainingOptions())

    rates = [rate(width, "full").recipe.learning_rate for width in (384, 768, 1024)]
    assert rates[0] == pytest.approx(2e-4)
    assert rates == sorted(rates, reverse=True) and 3e-5 < rates[2] < 6e-5
    assert rate(384, "lora").recipe.learning_rate > rates[0]


def test_a_batch_never_holds_less_than_its_longest_row(problem):
    for tokens in ("auto", 1, 10_000):
        recipe = choose(problem, ModelOptions(), TrainingOptions(batch_tokens=tokens)).recipe
        assert recipe.batch_tokens >= int(np.max(problem.inputs["train"].lengths)) and recipe.batch_rows >= 1
