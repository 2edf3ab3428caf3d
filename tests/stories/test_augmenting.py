"""Augmentation as a remedy of a run: tried where something would feel it, kept where it gains, applied when kept."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import tunewright as tw
from tunewright.learning.trial import Effect
from tunewright.plan import Plan, read_plan
from tunewright.records import Score, to_json
from tunewright.remedies import Bench
from tunewright.runfolder import Journal
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing import augmenting
from tunewright.stories.auditing.augmenting import copies_of, open_augmentations
from tunewright.stories.auditing.examine import examine, material_of, seen_rows
from tunewright.stories.auditing.repair import mend
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.station import judge
from tunewright.training.augment import AUGMENTATIONS

ALL = tuple(one.kind for one in AUGMENTATIONS)


@pytest.fixture(autouse=True)
def rows_enough(monkeypatch):
    monkeypatch.setattr(augmenting, "FEWEST", 0)


@pytest.fixture
def plan_of(tiny_model):
    def make(**sections):
        given = {"data": {"target": "y"}, "splits": {"part": "part"}}
        model = {"name": str(tiny_model), **sections.pop("model", {})}
        return read_plan(None, **given, model=model, **sections)

    return make


def opened(frame, plan):
    prepared = prepare(load_rows(plan, frame), plan)
    learned = examine(prepared, plan, RunContext()).learned()
    return open_augmentations(prepared.table, learned, plan, seen_rows(prepared.split))


def mended(frame, plan, run=None):
    prepared, run = prepare(load_rows(plan, frame), plan), run or RunContext()
    return mend(prepared, examine(prepared, plan, run), plan, run)


def tried_of(done):
    return {trial.remedy: trial for trial in done.trials if trial.remedy.startswith("augment")}


def gains(monkeypatch, kind):
    """The bench says that this kind gains, and no other remedy."""

    def effect(bench, changed, against, *, may_cost):
        better = changed.augment.kind == kind != against.augment.kind
        value = 0.1 if better else 0.0
        return Effect(
            difference=Score(value=value, low=value - 0.01, high=value + 0.01, n=10), p_value=1e-9 if better else 1.0
        )

    monkeypatch.setattr(Bench, "effect", effect)


def test_it_is_tried_where_the_plan_leaves_it_open(make_rows, plan_of):
    frame = make_rows("text", 100)
    assert opened(frame, plan_of()) == ALL
    for said in ("none", *ALL):
        assert opened(frame, plan_of(augment=said)) == ()


@pytest.mark.parametrize(
    ("kind", "model", "found"),
    [
        ("text", {"train": "head"}, ()),
        ("text", {"train": "layers:1"}, ALL),
        ("mixed", {"train": "head"}, ("mixup",)),
        ("table", {}, ("mixup",)),
        ("table", {"head": "linear"}, ()),
        ("pair", {}, ("token_dropout", "word_swap")),  # a value: under a squared loss mixing is a penalty
        ("multilabel", {}, ALL),
    ],
)
def test_it_is_tried_where_what_trains_would_feel_it(make_rows, plan_of, kind, model, found):
    assert opened(make_rows(kind, 100), plan_of(model=model)) == found


def test_many_rows_are_not_copied_and_very_many_not_mixed(make_rows, plan_of, monkeypatch):
    frame = make_rows("text", 100)
    monkeypatch.setattr(augmenting, "MOST_TOKENS", 100)
    assert opened(frame, plan_of()) == ("mixup",)
    monkeypatch.setattr(augmenting, "MOST_WORK", 100)
    assert opened(frame, plan_of()) == ()


def test_few_rows_could_show_nothing(make_rows, plan_of, monkeypatch):
    monkeypatch.setattr(augmenting, "FEWEST", 80)
    assert opened(make_rows("text", 100), plan_of()) == ALL  # 80 of them are no test rows
    assert opened(make_rows("text", 95), plan_of()) == ()


def test_a_search_over_what_trains_has_the_say(make_rows, plan_of):
    frame = make_rows("text", 100)
    assert opened(frame, plan_of(search={"strategy": "random"})) == ()
    for space, found in (
        ({"model.train": ["head", "full"]}, ()),
        ({"augment.kind": ["none", "mixup"]}, ()),
        ({"training.dropout": [0.0, 0.1]}, ALL),
    ):
        assert opened(frame, plan_of(search={"strategy": "random", "space": space})) == found


def test_every_kind_is_on_record_with_its_effect(make_rows, plan_of):
    done = mended(make_rows("text", 150), plan_of())
    tried = tried_of(done)
    assert set(tried) == {f"augment_{kind}" for kind in ALL}
    for trial in tried.values():
        assert trial.rule == "gain" and trial.effect.n in (5, 10)
        assert trial.effect.low <= trial.effect.value <= trial.effect.high and (not trial.kept or trial.effect.low > 0)
    assert len({trial.effect for trial in tried.values()}) == 3
    kept = [name.removeprefix("augment_") for name, trial in tried.items() if trial.kept]
    assert done.plan.augment.kind == (kept[0] if kept else "auto")


@pytest.mark.parametrize("kind", ALL)
def test_what_is_kept_is_what_fine_tuning_does(make_rows, plan_of, monkeypatch, kind):
    gains(monkeypatch, kind)
    done = mended(make_rows("text", 100), plan_of())
    assert done.plan.augment.kind == kind and tried_of(done)[f"augment_{kind}"].kept
    choices = judge(done.prepared, done.plan)[1]
    assert choices.recipe.augment.kind == kind
    assert any(note.startswith(f"augment: {kind}; ") for note in choices.notes)
    assert judge(done.prepared, replace(done.plan, augment=Plan().augment))[1].recipe.augment is None


def test_the_run_tells_the_trial_and_the_training(make_rows, plan_of, monkeypatch, tmp_path):
    gains(monkeypatch, "mixup")
    plan = {"splits": {"part": "part"}, "model": {"name": plan_of().model.name, "train": "full"}}
    run = tw.run(make_rows("text", 100), target="y", out=tmp_path / "run", training={"epochs": 1}, **plan)
    audit = json.loads((tmp_path / "run" / "audit.json").read_text())
    told = {one["remedy"]: one for one in audit["remedies"]}
    assert told["augment_mixup"]["kept"] and not told["augment_word_swap"]["kept"]
    assert told["augment_mixup"]["effect"]["low"] > 0
    page = run.report().read_text()
    assert "augment mixup" in page and "augment: mixup; the features and losses of two rows" in page


def test_a_continued_run_keeps_it_without_measuring(make_rows, plan_of, monkeypatch, tmp_path):
    gains(monkeypatch, "word_swap")
    frame, plan = make_rows("text", 100), plan_of()
    with Journal(tmp_path / "journal.jsonl") as journal:
        first = mended(frame, plan, RunContext(decide=journal.decide))
    monkeypatch.setattr(Bench, "effect", lambda *args, **more: pytest.fail("measured again"))
    with Journal(tmp_path / "journal.jsonl") as journal:
        again = mended(frame, plan, RunContext(decide=journal.decide))
    assert again.plan == first.plan and again.plan.augment.kind == "word_swap"


def test_copies_are_of_the_rows_asked_for_and_cached(make_rows, plan_of):
    frame, plan, told = make_rows("mixed", 60), plan_of(knowledge={"weights": "worth"}), []
    prepared = prepare(load_rows(plan, frame), plan)
    rows = seen_rows(prepared.split)
    run = RunContext(observe=lambda event: told.append(event.text) if event.station == "encode" else None)
    material, word_swap = material_of(prepared, plan), AUGMENTATIONS[1]
    first = copies_of(prepared, plan, rows, run)(material, word_swap)
    assert first.shape[0] == len(rows) and any("changed texts encoded" in str(text) for text in told)
    told.clear()
    again = copies_of(prepared, plan, rows, run)(material, word_swap)
    np.testing.assert_array_equal(first, again)
    assert not any("changed texts encoded" in str(text) for text in told)
    other = copies_of(prepared, plan, rows[:20], run)(material, word_swap)
    np.testing.assert_array_equal(other[:, 32:], first[:20, 32:])  # columns of the table are as they are


def test_replaced_test_rows_change_no_trial(make_rows, plan_of):
    frame, other = make_rows("text", 150), make_rows("text", 150, seed=9)
    test = pl.Series((frame["part"] == "test").to_list())
    changed = frame.with_columns(
        message=pl.when(test).then(other["message"]).otherwise(pl.col("message")),
        y=pl.when(test).then(other["y"]).otherwise(pl.col("y")),
    )
    one, two = mended(frame, plan_of()), mended(changed, plan_of())
    assert to_json(tuple(tried_of(one).values())) == to_json(tuple(tried_of(two).values())) and tried_of(one)


def test_an_improvement_round_swaps_no_words_where_the_plan_said_none(make_rows, plan_of):
    from tunewright.stories.training.moves import MOVES

    frame = make_rows("text", 100)
    for said, expected in (("auto", {"swap words", "mixup"}), ("none", set()), ("mixup", set())):
        plan = plan_of(augment=said)
        choices = judge(prepare(load_rows(plan, frame), plan), plan)[1]
        able = {move.kind for move in MOVES if move.change(plan, choices) is not None}
        assert able & {"swap words", "mixup"} == expected


def test_no_round_takes_the_epochs_from_what_is_mixed(make_rows, plan_of):
    from tunewright.stories.training.moves import MOVES

    head = next(move for move in MOVES if move.kind == "another head")
    for said, able in (("mixup", False), ("none", True)):
        plan = plan_of(model={"train": "head", "head": "mlp"}, augment=said)
        choices = judge(prepare(load_rows(plan, make_rows("mixed", 60)), plan), plan)[1]
        assert (head.change(plan, choices) is not None) == able
