"""The memory contract through the whole road: plan keys, the forecast, the journal, a resumed run."""

import json

import pytest

from tunewright.errors import PlanError, TrainingError
from tunewright.plan import Plan, read_plan
from tunewright.runfolder import read_entries
from tunewright.stories.run import run_story
from tunewright.stories.walk import Request
from tunewright.training import contract


def test_the_keys_are_read_and_written():
    plan = read_plan("{budget: {memory_gb: 2.5}, training: {gradient_checkpointing: yes}}")
    assert plan.budget.memory_limit == 2.5 and plan.training.gradient_checkpointing is True
    assert read_plan("training: {gradient_checkpointing: off}").training.gradient_checkpointing is False
    assert read_plan(plan.to_yaml()) == plan and plan.digest() != Plan().digest()
    assert Plan().budget.memory_limit is None and Plan().training.gradient_checkpointing == "auto"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("budget.memory_gb=0", ["budget.memory_gb", "> 0", "such as 4"]),
        ("budget.memory_gb=plenty", ["budget.memory_gb", "auto or a number > 0", "plenty"]),
        ("budget.memory=4", ["budget.memory", "Did you mean memory_gb?"]),
        ("training.gradient_checkpointing=sometimes", ["auto or true or false", "sometimes"]),
    ],
)
def test_wrong_values_are_refused_with_a_suggestion(override, words):
    with pytest.raises(PlanError) as caught:
        read_plan(None, [override])
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.fixture
def go(tiny_model, make_rows, tmp_path):
    """(budget in GB, name, what the audit applies, what trains, options) to folder, summary and what was told."""

    def run(gb, name="run", audit="none", train="full", **training):
        events = []
        plan = read_plan(
            data={"train": "in memory", "target": "y"},
            model={"name": str(tiny_model), "train": train},
            training={"epochs": 2, "learning_rate": 2e-3} | training,
            splits={"part": "part"},
            audit={"apply": audit},
            budget={"memory_gb": gb},
        )
        request = Request(plan=plan, source=make_rows("text", 150), out=tmp_path / name, observe=events.append)
        folder, summary = run_story(request)
        return folder, summary, [event.text for event in events if event.what == "note"]

    return run


def decision(folder):
    found = [entry.data for entry in read_entries(folder.journal) if entry.event == "decided"]
    return next(one["value"] for one in found if one["name"] == "memory")


def test_with_enough_memory_the_decision_is_journalled_and_nothing_is_said(go):
    folder, _, told = go(500)
    assert decision(folder)["micro_tokens"] is None and decision(folder)["forecast"] > 0
    assert not any("Memory" in text for text in told)


def test_a_tight_budget_makes_micro_batches_and_the_same_model(go, monkeypatch):
    """The tiny model's own needs drown in an interpreter's, so what is free is set in place of the budget."""
    calm, _, _ = go("auto", "calm")
    real, asked = contract.find_room, []

    def room(device, *, budget_gb):
        asked.append(budget_gb)
        found = real(device, budget_gb=None)
        trained = 17_000  # about what a tiny model frees
        return type(found)(held=found.held, free=trained * 12.0 + 300_000, why="budget.memory_gb")

    monkeypatch.setattr(contract, "find_room", room)
    monkeypatch.setattr(contract, "held_now", lambda device: 0.0)
    monkeypatch.setattr(contract.Peak, "taken", property(lambda peak: 0.0, lambda peak, value: None), raising=False)
    folder, _, told = go(3.0, "tight")
    assert asked == [3.0]
    assert decision(folder)["micro_tokens"] is not None
    said = next(text for text in told if text.startswith("Memory: "))
    assert "gradients are added up" in said and "effective batch stays" in said
    losses = [[one["train_loss"] for one in json.loads(f.model_json.read_text())["history"]] for f in (calm, folder)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)


def test_a_budget_below_what_the_process_holds_is_a_clean_error(go):
    with pytest.raises(TrainingError, match=r"must have memory to train in.*budget\.memory_gb"):
        go(0.05)


def test_what_the_audit_learned_is_gone_before_anything_trains(go, monkeypatch):
    """Features, sums over folds: the audit's alone, and the largest thing that a run holds beside its weights."""
    import gc

    from tunewright.learning import finetune
    from tunewright.learning.crossfit import FoldSums, Learned

    held, made = [], []
    real, learned = finetune.train, Learned.__init__

    def remember(self, *given, **named):
        made.append(1)
        learned(self, *given, **named)

    def train(*given, **named):
        held.append([type(one).__name__ for one in gc.get_objects() if type(one) in (Learned, FoldSums)])
        return real(*given, **named)

    monkeypatch.setattr(Learned, "__init__", remember)
    monkeypatch.setattr(finetune, "train", train)
    go("auto", audit="verified")
    assert made and held == [[]]


def test_few_compiled_kernels_are_kept_from_the_first_batch_on(tiny_model, monkeypatch):
    import os

    from tunewright.models.backbone import load_folder

    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)
    load_folder(tiny_model)
    assert os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] == "64"


def test_the_forecast_shows_the_limit_and_says_where_it_is_too_low(tiny_model, make_rows, monkeypatch):
    from tunewright.stories.prepare import load_rows, prepare
    from tunewright.stories.training.forecast import forecast

    # What other tests have left in this process is not this test's business.
    monkeypatch.setattr("tunewright.models.room.held_now", lambda device: 3e8)
    said = {}
    for gb in ("auto", 0.5):
        plan = read_plan(
            data={"train": "in memory", "target": "y"}, model={"name": str(tiny_model)}, budget={"memory_gb": gb}
        )
        said[gb] = forecast(prepare(load_rows(plan, make_rows("text", 100)), plan), plan)
    memory = said[0.5]["memory_mb"]
    assert memory["low"] < memory["expected"] < memory["high"] and memory["limit"] < memory["high"]
    assert any("computed in parts" in note for note in said[0.5]["notes"])
    assert said["auto"]["memory_mb"]["limit"] > 1000
    assert not any("computed in parts" in note for note in said["auto"]["notes"])


def test_trials_beside_each_other_share_the_budget(make_rows, tiny_model):
    from tunewright.runfolder.context import RunContext
    from tunewright.stories.prepare import load_rows, prepare
    from tunewright.stories.training.trials import Trials

    plan = read_plan(
        data={"train": "in memory", "target": "y"},
        model={"name": str(tiny_model)},
        budget={"memory_gb": 6},
        search={"strategy": "random", "workers": 3},
    )
    prepared = prepare(load_rows(plan, make_rows("text", 100)), plan)
    context = RunContext(decide=lambda name, make: {"precision": "float32", "why": "a test says so"}, memory_gb=6.0)
    trials = Trials(prepared, plan, context, [prepared.split])
    assert trials.elsewhere()().run.memory_gb == 2.0 and trials.run.memory_gb == 6.0


@pytest.mark.parametrize(
    ("train", "said"), [("full", "on: less memory"), ("head", "changes nothing, since only a head")]
)
def test_whether_gradient_checkpointing_does_anything_is_said(go, train, said):
    _, _, told = go("auto", train=train, gradient_checkpointing=True)
    assert any(text.startswith(f"training.gradient_checkpointing: {said}") for text in told)
