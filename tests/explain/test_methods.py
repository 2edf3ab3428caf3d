"""Weights against what is known: linear parts exactly, gradients by finite differences, completeness."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from tunewright.errors import DataError
from tunewright.explain.aim import Aim, aims, pushes
from tunewright.explain.asking import Asker
from tunewright.explain.cases import make_cases
from tunewright.explain.gradients import IntegratedGradients
from tunewright.explain.local import aims_of, explain_rows
from tunewright.explain.methods import EXPLAINERS, explainer
from tunewright.explain.occlusion import Occlusion
from tunewright.models.engine import TorchEngine
from tunewright.models.heads import LinearHead
from tunewright.models.network import Network

ALL = ["text", "pair", "multilabel", "table", "mixed"]


def some(learned, kind, rows=6):
    _, judging, fitted = learned(kind)
    frame = judging.problem.typed["test"].head(rows)
    asker = Asker(fitted.model)
    return asker, make_cases(fitted.model, frame), aims_of(asker, frame), frame


@pytest.mark.parametrize("kind", ALL)
def test_gradients_add_up(learned, kind):
    asker, cases, wanted, _ = some(learned, kind)
    method = IntegratedGradients()
    for case, found in zip(cases, method.explain(asker, cases, wanted), strict=True):
        assert found.gap <= method.tolerance * max(abs(found.whole), 1.0)
        # Beside the words stand only what joins cells: in these tables nothing.
        total = float(found.words.sum() + found.columns.sum())
        assert abs(total - found.whole) <= found.gap + 1e-6 * max(1.0, abs(found.whole))
        assert abs(found.output - found.whole - found.empty) < 1e-4
        assert found.units.shape == (case.units,)


def test_gradients_say_the_score_of_the_whole_model(learned):
    asker, cases, wanted, frame = some(learned, "mixed")
    for aim, found, out in zip(
        wanted, IntegratedGradients().explain(asker, cases, wanted), asker.model.outputs(frame), strict=True
    ):
        assert found.output == pytest.approx(float(aim.score(out)), abs=1e-3)


def test_a_linear_head_over_columns_is_explained_exactly(learned):
    """With a linear head, gradients and occlusion must give coefficient times distance from the usual row."""
    asker, cases, wanted, frame = some(learned, "table")
    model = asker.model
    weight = torch.randn(2, model.network.head.linear.in_features, generator=torch.Generator().manual_seed(1))
    head = torch.nn.Linear(weight.shape[1], 2)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.zero_()
    linear = LinearHead(weight.shape[1], 2, 0.0)
    linear.linear = head
    network = Network(None, linear).eval()
    engine = TorchEngine(network, torch.device("cpu"))
    bare = Asker(replace(model, engine=engine, trees=None, lexical=None))
    row = frame.head(1)
    featurizer = model.preprocessor.featurizer
    usual = pl.concat([row] * asker.rounds)
    usual = usual.with_columns(pl.Series(name, cells) for name, cells in asker.references.items())
    far = featurizer.transform(row)[0] - featurizer.transform(usual).mean(0)
    aim = replace(wanted[0], temperature=1.0)
    other = 1 - aim.label
    exact = {
        name: float(((weight[aim.label] - weight[other]).numpy()[block] * far[block]).sum())
        for name, block in featurizer.blocks(row).items()
    }
    for method in EXPLAINERS:
        (found,) = method.explain(bare, cases[:1], [aim])
        assert dict(zip(cases[0].columns, found.columns, strict=True)) == pytest.approx(exact, abs=1e-4)


def test_gradients_agree_with_finite_differences(learned):
    """The path's slope at a point, summed over all tokens, is the derivative of the score along the path."""
    from tunewright.explain.gradients import _Path, in_float32

    asker, cases, wanted, _ = some(learned, "text", rows=1)
    path = _Path(asker, in_float32(asker), cases[0], wanted[0])
    at, step = 0.4, 1e-2
    scores, leaves, differences = path._scores(np.array([at]), track=True)
    slopes = torch.autograd.grad(scores.sum(), leaves, allow_unused=True)
    along = sum(float((s.numpy()[0] * d).sum()) for s, d in zip(slopes, differences, strict=True) if s is not None)
    ends = path._scores(np.array([at - step, at + step]))[0]
    assert along == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=0.02, abs=1e-3)


def test_occlusion_is_what_the_answer_loses(learned):
    asker, cases, wanted, frame = some(learned, "text", rows=2)
    for place, found in enumerate(Occlusion().explain(asker, cases, wanted)):
        words = frame["message"][place].split()
        without = pl.DataFrame({"message": [" ".join(words[1:])]})
        expected = wanted[place].score(asker.model.outputs(frame)[place]) - wanted[place].score(
            asker.model.outputs(without)[0]
        )
        assert found.words[0] == pytest.approx(float(expected), abs=1e-3)
        assert set(found.texts) == {"message"}
        assert found.texts["message"] == pytest.approx(found.output - found.empty, abs=1e-6)


def test_log_odds_against_the_plain_formula():
    from tunewright.tasks import Classification

    task = Classification(labels=("a", "b", "c"))
    found = pushes(task, np.array([[1.0, 2.0, 4.0]]), 2.0)[0]
    shares = np.exp([0.5, 1.0, 2.0]) / np.exp([0.5, 1.0, 2.0]).sum()
    assert found == pytest.approx(np.log(shares / (1 - shares)))
    aim = Aim(task=task, temperature=2.0, label=2)
    assert aim.level(np.array([1.0, 2.0, 4.0])) == pytest.approx(shares[2])


def test_a_label_can_be_asked_for(learned):
    asker, _, _, frame = some(learned, "text")
    assert {one.name for one in aims_of(asker, frame, label="team 1")} == {"team 1"}
    with pytest.raises(DataError, match=r"must be one of the model's\. Got 'nope'"):
        aims_of(asker, frame, label="nope")
    numbers, _, _, values = some(learned, "pair")
    with pytest.raises(DataError, match="predicts a number"):
        aims_of(numbers, values, label="high")


def test_of_several_labels_the_surest_is_explained(learned):
    _, judging, fitted = learned("multilabel")
    frame = judging.problem.typed["test"]
    asker = Asker(fitted.model)
    rows = explain_rows(asker, frame, explainer("occlusion"))
    several = [one for one in rows if "|" in one.prediction]
    none = [one for one in rows if not one.prediction]
    assert several and all(one.label in one.prediction.split("|") for one in several)
    assert all("Several labels were said" in one.notes[0] for one in several)
    assert all("No label was said" in one.notes[0] for one in none)
    outcome = fitted.model.task.outcome(
        np.zeros((frame.height, 3), int), fitted.model.outputs(frame), fitted.model.decision
    )
    for one, on, share in zip(rows, outcome.labels, outcome.probabilities, strict=True):
        allowed = np.where(on == 1, share, -1) if on.any() else share
        assert one.label == fitted.model.task.labels[int(allowed.argmax())]
    assert aims(fitted.model, fitted.model.outputs(frame), outcome)[0].unit.startswith("log odds of")


def test_a_regression_speaks_in_units_of_its_target(learned):
    _, judging, fitted = learned("pair")
    frame = judging.problem.typed["test"].head(3)
    rows = explain_rows(Asker(fitted.model), frame, explainer("occlusion"))
    values = fitted.model.task.values(fitted.model.outputs(frame))
    for one, value in zip(rows, values, strict=True):
        assert (one.label, one.unit, one.confidence) == ("", "units of the target", None)
        assert one.prediction == pytest.approx(value)
        assert {token.column for token in one.tokens} == {"first", "second"}
