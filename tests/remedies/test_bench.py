"""The bench: which judge compares what, each material measured once, copies made once and only where they are asked."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.features.options import PreprocessOptions
from tunewright.learning.trial import Ruler
from tunewright.records import Split
from tunewright.remedies import Bench, Material
from tunewright.remedies import bench as module
from tunewright.tasks import Classification, Multilabel
from tunewright.training.options import AugmentOptions

ROWS = 120


@pytest.fixture
def made():
    """A bench on two clouds, its base, and what was asked of it."""
    rng = np.random.default_rng(0)
    truth = np.arange(ROWS) % 2
    x = rng.normal(size=(ROWS, 6)).astype(np.float32)
    x[np.arange(ROWS), truth] += 1.5
    frame = pl.DataFrame({"text": [f"row {i} of it" for i in range(ROWS)], "y": [["no", "yes"][t] for t in truth]})
    table = describe(frame, target="y", pair="none")
    base = Material(
        typed=conform(frame, table),
        table=table,
        split=Split(train=tuple(range(90)), validation=tuple(range(90, ROWS)), test=(), how="given"),
        preprocess=PreprocessOptions(),
        balance="auto",
    )
    ruler = Ruler(
        task=Classification(labels=("no", "yes"), positive="yes"),
        truth=truth,
        metric="accuracy",
        clusters=np.arange(ROWS),
    )
    asked = []

    def copy(material, augmentation):
        asked.append(augmentation.kind)
        return x + rng.normal(size=x.shape).astype(np.float32) * 0.1

    bench = Bench(ruler=ruler, rows=np.arange(ROWS), featurise=lambda material: (x, {}), base=base, copy=copy)
    return bench, base, asked


def augmented(material, kind):
    return replace(material, augment=AugmentOptions(kind=kind))


def test_both_sides_have_the_judge_that_either_needs(made):
    bench, base, _ = made
    adjusted, mixed = replace(base, balance="logit_adjustment"), augmented(base, "mixup")
    weighed = replace(base, balance="weights")
    assert bench.judge(base, weighed) == "ridge"
    assert bench.judge(base, adjusted) == bench.judge(adjusted, weighed) == "posterior"
    assert bench.judge(mixed, base) == bench.judge(adjusted, mixed) == "probe"
    many = replace(bench.ruler, task=Multilabel(labels=("no", "yes")))
    assert replace(bench, ruler=many).judge(base, adjusted) == "ridge"  # nothing is adjusted there


def test_what_the_plan_itself_augments_is_not_on_trial(made):
    bench, base, asked = made
    given = augmented(base, "word_swap")
    own = replace(bench, base=given)
    assert own.judge(given, replace(given, balance="weights")) == "ridge"
    assert own.arm(given).copies is None and asked == []


@pytest.mark.parametrize("kind", ["token_dropout", "word_swap"])
def test_texts_are_copied_once_and_learned_from(made, kind):
    bench, base, asked = made
    changed = augmented(base, kind)
    found = bench.effect(changed, base, may_cost=False)
    lacking = replace(changed, split=replace(base.split, train=base.split.train[10:]))
    bench.effect(lacking, base, may_cost=False)
    assert asked == [kind] and found.difference.n in (bench.ruler.folds, 2 * bench.ruler.folds)
    arm = bench.arm(changed)
    assert arm.copies.shape == arm.x.shape and arm.mix is None
    assert bench.arm(base).copies is None


def test_mixing_asks_for_no_copies(made):
    bench, base, asked = made
    bench.effect(augmented(base, "mixup"), base, may_cost=False)
    assert asked == [] and bench.arm(augmented(base, "mixup")).mix == 0.2


def test_each_side_is_measured_once_by_each_judge(made, monkeypatch):
    bench, base, _ = made
    calls = []
    for name in ("split_scores", "probe_scores"):
        whole = getattr(module, name)

        def watched(arm, ruler, *rest, whole=whole, name=name, **more):
            calls.append(name)
            return whole(arm, ruler, *rest, **more)

        monkeypatch.setattr(module, name, watched)
    for changed in (replace(base, balance="weights"), replace(base, balance="logit_adjustment")):
        bench.effect(changed, base, may_cost=False)
        bench.effect(changed, base, may_cost=True)
    assert calls == ["split_scores"] * 4
    calls.clear()
    for kind in ("mixup", "word_swap", "mixup"):
        bench.effect(augmented(base, kind), base, may_cost=False)
    assert len(calls) == len({key for key in bench._scores if key[1] == "probe"})


@pytest.mark.parametrize(("gain", "asked"), [(0.1, [0, 0, 1, 1]), (-0.1, [0, 0]), (0.0, [0, 0])])
def test_what_is_no_better_in_the_first_repeat_is_not_repeated(made, monkeypatch, gain, asked):
    bench, base, _ = made
    repeated = []

    def probe_scores(arm, ruler, repeats):
        repeated.extend(repeats)
        return np.linspace(0.5, 0.6, ruler.folds) + gain * (arm.mix is not None)

    monkeypatch.setattr(module, "probe_scores", probe_scores)
    found = bench.effect(augmented(base, "mixup"), base, may_cost=False).difference
    assert repeated == asked and found.n == bench.ruler.folds * len(asked) // 2
    assert found.value == pytest.approx(gain)
