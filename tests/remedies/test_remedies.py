"""Every remedy keeps the remedies' promises; and each does what it is for."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import polars as pl
import pytest

from tunewright.data import conform, describe
from tunewright.features.options import PreprocessOptions
from tunewright.learning.crossfit import Learned
from tunewright.records import Finding, Split
from tunewright.remedies import REMEDIES, Evidence, Material
from tunewright.remedies.augment import DropTokens, MixRows, SwapWords
from tunewright.remedies.balance import AdjustLogits, ResampleClasses, WeighClasses
from tunewright.remedies.columns import DropLeaks, SelectColumns, may_go
from tunewright.remedies.drop_rows import DropConflicts, DropDuplicates, DropShifted, DropSuspects
from tunewright.remedies.recipe import RankNumbers
from tunewright.remedies.relabel import WEIGHT, DownweightSuspects, RelabelSuspects
from tunewright.training.augment import AUGMENTATIONS, make_augmentation
from tunewright.training.options import AugmentOptions

ROWS = 40


def finding(kind, rows=(), **more):
    return Finding(kind=kind, severity="error", evidence="Seen.", rows=tuple(rows), rows_total=len(rows), **more)


@pytest.fixture
def material():
    frame = pl.DataFrame(
        {
            "text": [f"message number {i} of a kind" for i in range(ROWS)],
            "amount": [-999.0 if i in (6, 14, 29) else float(i % 7) for i in range(ROWS)],
            "agent": [f"agent {i % 2}" for i in range(ROWS)],
            "y": ["apple" if i == 15 else "apples" if i % 2 else "berries" for i in range(ROWS)],
        }
    )
    table = describe(frame, target="y", pair="none")
    split = Split(train=tuple(range(24)), validation=tuple(range(24, 32)), test=tuple(range(32, 40)), how="given")
    return Material(
        typed=conform(frame, table), table=table, split=split, preprocess=PreprocessOptions(), balance="auto"
    )


@pytest.fixture
def evidence():
    rows = np.arange(32)
    probabilities = np.full((32, 2), 0.5)
    probabilities[3] = (0.1, 0.9)
    probabilities[5] = (0.8, 0.2)
    learned = Learned(
        rows=rows,
        features=np.zeros((32, 2), np.float32),
        width=2,
        targets=rows % 2,
        labels=("apples", "berries"),
        probabilities=probabilities,
        folds=rows % 5,
        clusters=rows,
    )
    findings = (
        finding("duplicates", rows=(7, 9, 35), groups=((1, 7), (2, 9, 35))),
        finding("label_errors", rows=(5, 3, 30, 34), scores=(0.9, 0.8, 0.7, 0.6)),
        finding("conflicting_labels", rows=(11, 12), groups=((11, 12),)),
        finding("leakage_target", columns=("agent",)),
        finding("class_imbalance", columns=("y",)),
        finding("outliers", rows=(4,), columns=("amount",)),
        finding("missing_values", rows=(6, 14, 29), columns=("amount",), remedy="decode_missing"),
        finding("label_format", rows=(15,), columns=("y",)),
        finding("shifted_row", rows=(8, 31), columns=("amount",)),
    )
    kinds = tuple(one.kind for one in AUGMENTATIONS)
    return Evidence(findings=findings, learned=learned, spare=("amount",), augment=kinds)


@pytest.fixture(params=REMEDIES, ids=lambda remedy: remedy.kind)
def remedy(request):
    return request.param


def test_a_remedy_is_pure_and_leaves_the_test_rows_alone(remedy, material, evidence):
    before = material.typed.clone()
    changed = remedy.apply(material, evidence)
    assert changed is not None and changed is not material
    assert material.typed.equals(before)
    assert changed.split.test == material.split.test and changed.split.validation == material.split.validation
    held = [*material.split.test, *material.split.validation]
    shared = [name for name in changed.typed.columns if name in before.columns]
    assert changed.typed[shared][held].equals(before[shared][held])
    assert changed.typed.height == before.height
    again = remedy.apply(material, evidence)
    assert again.typed.equals(changed.typed) and again.split == changed.split and again.table == changed.table


def test_nothing_found_is_nothing_to_do(remedy, material, evidence):
    assert remedy.apply(material, replace(evidence, findings=(), spare=(), augment=())) is None


def test_a_remedy_is_frozen_and_has_a_rule(remedy):
    assert remedy.rule in ("repair", "gain", "always")
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        remedy.rule = "none"


def test_kinds_are_distinct():
    assert len({remedy.kind for remedy in REMEDIES}) == len(REMEDIES)


def test_duplicates_go_but_not_crowds(material, evidence):
    assert set(material.split.train) - set(DropDuplicates().apply(material, evidence).split.train) == {7, 9}
    crowd = Evidence(findings=(finding("near_duplicates", rows=(1, 2, 3), groups=((1, 2, 3),)),), learned=None)
    assert DropDuplicates().apply(material, crowd) is None


def test_suspects_go_worst_first(material, evidence):
    assert set(material.split.train) - set(DropSuspects().apply(material, evidence).split.train) == {3, 5}
    assert set(material.split.train) - set(DropSuspects(share=0.5).apply(material, evidence).split.train) == {5}
    assert set(material.split.train) - set(DropConflicts().apply(material, evidence).split.train) == {11, 12}
    assert set(material.split.train) - set(DropShifted().apply(material, evidence).split.train) == {8}


def test_suspects_take_the_label_that_is_likelier(material, evidence):
    changed = RelabelSuspects().apply(material, evidence)
    was, now = material.typed["y"].to_list(), changed.typed["y"].to_list()
    assert {row: now[row] for row in range(ROWS) if was[row] != now[row]} == {3: "berries"}
    # Row 5 is an apple for which apple is likelier: nothing to change.


def test_suspects_count_less_on_top_of_given_weights(material, evidence):
    changed = DownweightSuspects(weight=0.25).apply(material, evidence)
    weights = changed.typed[WEIGHT].to_list()
    assert [weights[3], weights[5], weights[4], weights[30]] == [0.25, 0.25, 1.0, 1.0]
    twice = DownweightSuspects(weight=0.5).apply(changed, evidence)
    assert twice.typed[WEIGHT][3] == 0.125
    assert [c.name for c in twice.table.columns if c.role == "weight"] == [WEIGHT]


def test_a_leak_is_ignored_but_never_the_last_column(material, evidence):
    changed = DropLeaks().apply(material, evidence)
    assert "agent" not in changed.typed.columns
    assert next(c for c in changed.table.columns if c.name == "agent").role == "ignore"
    everything = Evidence(findings=(finding("leakage_target", columns=("agent", "amount", "text")),), learned=None)
    assert DropLeaks().apply(material, everything) is not None
    bare = replace(
        material,
        table=replace(material.table, columns=tuple(c for c in material.table.columns if c.name in ("agent", "y"))),
    )
    assert DropLeaks().apply(bare, everything) is None


def test_spare_columns_go_but_never_the_last(material, evidence):
    changed = SelectColumns().apply(material, evidence)
    assert "amount" not in changed.typed.columns
    assert [c.role for c in changed.table.columns if c.name == "amount"] == ["ignore"]
    everything = replace(evidence, spare=("amount", "agent", "text"))
    assert SelectColumns().apply(material, everything) is None
    assert may_go(material.table) == ("amount", "agent")


def test_recipes_change_the_recipe_only(material, evidence):
    for remedy, how in (
        (WeighClasses(), "weights"),
        (ResampleClasses(), "resample"),
        (AdjustLogits(), "logit_adjustment"),
    ):
        assert remedy.apply(material, evidence).balance == how
        assert remedy.apply(replace(material, balance="none"), evidence) is None
        assert remedy.apply(WeighClasses().apply(material, evidence), evidence) is None
    assert RankNumbers().apply(material, evidence).preprocess.numbers == "quantile"


def test_there_is_a_remedy_for_every_augmentation_and_one_at_a_time(material, evidence):
    remedies = (DropTokens(), SwapWords(), MixRows())
    made = [remedy.apply(material, evidence) for remedy in remedies]
    assert [make_augmentation(one.augment) for one in made] == list(AUGMENTATIONS)
    assert [remedy.kind for remedy in remedies] == [f"augment_{one.kind}" for one in AUGMENTATIONS]
    for remedy, changed in zip(remedies, made, strict=True):
        assert changed.split == material.split and changed.typed is material.typed
        assert not [other for other in remedies if other.apply(changed, evidence)]
        for said in ("none", "mixup"):  # the plan has spoken
            assert remedy.apply(replace(material, augment=AugmentOptions(kind=said)), evidence) is None
