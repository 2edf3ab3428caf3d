"""A search on real rows: what it scores, that test rows are nothing to it, what `run` and `tune` leave, kill -9."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler

import polars as pl
import pytest

import tunewright as tw
from tunewright.events import Event
from tunewright.plan import read_plan
from tunewright.records import Study, from_json, to_json
from tunewright.runfolder import read_entries, read_json
from tunewright.runfolder.context import RunContext
from tunewright.search.naming import read_space
from tunewright.stories.delivering.rebuild import rebuild_report
from tunewright.stories.prepare import load_rows, prepare
from tunewright.stories.training.trials import Trials
from tunewright.stories.training.tuning import default_space, search

HEADS = {"probe_C": {"low": 0.1, "high": 100, "log": True}, "pooling": ["mean", "cls"]}
TABLES = {"head": ["linear", "mlp"], "probe_C": [0.1, 10], "epochs": {"low": 2, "high": 4, "when": {"head": ["mlp"]}}}
TUNED = {
    "train": ["head", "full"],
    "learning_rate": {"low": 1e-4, "high": 5e-3, "log": True, "when": {"train": ["full"]}},
    "epochs": {"choices": [1, 2], "when": {"train": ["full"]}},
}


@pytest.fixture
def plan_of(tiny_model):
    def make(space, *, trials=4, **sections):
        given = {"strategy": "random", "trials": trials, "space": space, "finalists": 1, "seeds": 2}
        model = {"name": str(tiny_model), "train": "head"} | sections.pop("model", {})
        return read_plan(
            None,
            data={"target": "y"},
            splits={"part": "part"} | sections.pop("splits", {}),
            model=model,
            search=given | sections.pop("search", {}),
            **sections,
        )

    return make


def searched(frame, plan, run=None):
    prepared = prepare(load_rows(plan, frame), plan)
    found = search(prepared, plan, run or RunContext())
    return found, prepared


def timeless(study):
    told = to_json(study)
    for one in told["trials"]:
        del one["seconds"]
    del told["seconds"]
    return told


def regression(make_rows, rows=150):
    return make_rows("table", rows).with_columns(y=pl.col("amount").fill_null(0.0) * 3 + (pl.col("plan") == "team"))


KINDS = {"multilabel": {"message": "text", "y": "multilabel"}}
SETS = {
    "text": (lambda make: make("text", 120), TUNED, {"training": {"epochs": 1}}),
    "mixed": (lambda make: make("mixed", 120), TABLES, {}),
    "table": (lambda make: make("table", 120), TABLES, {}),
    "regression": (regression, TABLES, {}),
}


@pytest.mark.parametrize("kind", SETS)
def test_every_kind_of_data_is_searched(make_rows, plan_of, kind):
    rows, space, sections = SETS[kind]
    found, prepared = searched(rows(make_rows), plan_of(space, **sections))
    study = found.study
    assert {one.state for one in study.trials} == {"complete"}
    assert study.metric == prepared.objective.metric
    assert study.greater_is_better == (study.metric not in ("mean_absolute_error", "root_mean_squared_error"))
    sign = 1 if study.greater_is_better else -1
    assert sign * study.best.score >= sign * study.trials[0].score - 0.05
    if not study.greater_is_better:
        assert all(one.score > 0 for one in study.trials)
    # What won stands in the plan, and the rest of the plan stays.
    for name, value in study.best.params.items():
        section, key = name.split(".")
        assert getattr(getattr(found.plan, section), key) == value
    assert found.plan.splits.part == "part" and found.plan.seed == 0


def test_trials_hold_what_the_plan_says_for_what_is_not_searched(make_rows, plan_of):
    """The same fit as in a run: a trial of the standard values scores what the run then shows on validation."""
    frame = make_rows("text", 120)
    plan = plan_of(HEADS, trials=1)
    found, prepared = searched(frame, plan)
    scorer = Trials(prepared, plan, RunContext(), [prepared.split])
    assert scorer(found.study.trials[0].params, seed=0, report=lambda epoch, value: None) == found.study.trials[0].score


def test_augmentation_acts_in_trials(make_rows, plan_of, monkeypatch):
    """Of the plan, and as a hyperparameter."""
    from tunewright.stories.training import trials as trials_module

    seen = []
    whole = trials_module.fine_tune

    def watched(judging, choices, start, run):
        seen.append(choices.recipe.augment and choices.recipe.augment.kind)
        return whole(judging, choices, start, run)

    monkeypatch.setattr(trials_module, "fine_tune", watched)
    frame = make_rows("text", 80)
    given = {"model": {"train": "full"}, "training": {"epochs": 1}, "search": {"finalists": 1, "seeds": 1}}
    searched(frame, plan_of({"dropout": [0.0]}, trials=1, augment="word_swap", **given))
    assert seen == ["word_swap"]
    seen.clear()
    space = {"augment.kind": ["none", "word_swap", "token_dropout"]}
    searched(frame, plan_of(space, trials=3, **given | {"search": {"strategy": "grid", "finalists": 1, "seeds": 1}}))
    assert sorted(map(str, seen)) == ["None", "token_dropout", "word_swap"]


def test_levers_of_training_act_in_trials(make_rows, plan_of, monkeypatch):
    """What a trial proposes reaches the loop; the standard values are those of the plan, with `auto` resolved."""
    from tunewright.stories.training import trials as trials_module

    seen = []
    whole = trials_module.fine_tune

    def watched(judging, choices, start, run):
        recipe = choices.recipe
        seen.append((recipe.layer_decay, recipe.unfreeze, recipe.averaging, recipe.ema_decay))
        return whole(judging, choices, start, run)

    monkeypatch.setattr(trials_module, "fine_tune", watched)
    space = {
        "layer_decay": [0.7, 1.0],
        "unfreeze": ["none", "gradual"],
        "averaging": ["none", "ema"],
        "ema_decay": {"choices": [0.5, 0.9], "when": {"averaging": ["ema"]}},
    }
    once = {"strategy": "grid", "finalists": 1, "seeds": 1, "prune": False}
    plan = plan_of(space, trials=12, model={"train": "full"}, training={"epochs": 2}, search=once)
    found, prepared = searched(make_rows("text", 80), plan)
    assert [one.state for one in found.study.trials] == ["complete"] * 12 and len(set(seen)) == 12
    assert seen[0][:3] == (1.0, "none", "none")
    assert {one[3] for one in seen if one[2] == "ema"} == {0.5, 0.9}
    free = plan_of({"ema_decay": {"low": 0.5, "high": 0.99}}, model={"train": "full"}, training={"averaging": "ema"})
    (dimension,) = read_space(free.search.space, type(free))[0]
    standard = Trials(prepared, free, RunContext(), [prepared.split]).standard([dimension])
    assert standard == {"training.ema_decay": pytest.approx(0.5)}


def test_the_first_trial_is_what_a_run_would_do(make_rows, plan_of):
    space = {**TUNED, "preprocess.missing": ["auto", "impute"], "probe_C": {"low": 0.1, "high": 10}}
    found, _ = searched(
        make_rows("text", 80), plan_of(space, trials=1, model={"train": "auto"}, training={"epochs": 1})
    )
    first = dict(found.study.trials[0].params)
    # What `auto` stands for, `auto` itself where that can be tried, nothing where `auto` is a search of its own.
    assert first.pop("training.learning_rate") > 0
    assert first == {"model.train": "full", "training.epochs": 1.0, "preprocess.missing": "auto"}


def test_folds_score_all_rows_that_are_not_test_rows(make_rows, plan_of, monkeypatch):
    frame = make_rows("text", 120)
    plan = plan_of(HEADS, trials=3, splits={"folds": 3, "part": "part"})
    prepared = prepare(load_rows(plan, frame), plan)
    from tunewright.stories.training.tuning import _splits

    splits = _splits(prepared, plan)
    seen = sorted((*prepared.split.train, *prepared.split.validation))
    assert sorted(row for one in splits for row in one.validation) == seen
    for one in splits:
        assert not set(one.train) & set(one.validation) and not one.test
        assert sorted((*one.train, *one.validation)) == seen
    study = search(prepared, plan, RunContext()).study
    assert {one.state for one in study.trials} == {"complete"} and 0 < study.best.score <= 1
    # A trial's score is the mean over the folds.
    scorer = Trials(prepared, plan, RunContext(), splits)
    alone = [
        Trials(prepared, plan, RunContext(), [one])(study.trials[1].params, seed=0, report=lambda *_: None)
        for one in splits
    ]
    whole = scorer(study.trials[1].params, seed=0, report=lambda *_: None)
    assert whole == pytest.approx(sum(alone) / 3) and whole == pytest.approx(study.trials[1].score)


@pytest.mark.parametrize("folds", [1, 3])
def test_replaced_test_rows_change_nothing(make_rows, plan_of, folds):
    """P2: all test texts and labels replaced, some by copies of train rows: the same study to the last digit."""
    frame, other = make_rows("text", 120), make_rows("text", 120, seed=9)
    test = pl.Series((frame["part"] == "test").to_list())
    copies = pl.Series([frame["message"][(i * 3) % 60] if i % 2 else other["message"][i] for i in range(120)])
    changed = frame.with_columns(
        message=pl.when(test).then(copies).otherwise(pl.col("message")),
        y=pl.when(test).then(other["y"]).otherwise(pl.col("y")),
    )
    assert not changed.equals(frame)
    plan = plan_of(HEADS if folds > 1 else TUNED, training={"epochs": 1}, splits={"folds": folds})
    (one, _), (two, _) = searched(frame, plan), searched(changed, plan)
    assert timeless(one.study) == timeless(two.study)
    assert one.plan == two.plan


def test_test_rows_are_not_even_handed_to_trials(make_rows, plan_of):
    plan = plan_of(HEADS)
    prepared = prepare(load_rows(plan, make_rows("text", 80)), plan)
    assert prepared.split.test
    assert all(split.test == () for split in Trials(prepared, plan, RunContext(), [prepared.split]).splits)


def test_a_trial_that_diverges_is_a_failed_one(make_rows, plan_of):
    space = {"learning_rate": [1e-3, 1e30], "epochs": [1]}
    plan = plan_of(space, trials=3, model={"train": "full"}, training={"epochs": 1, "learning_rate": 1e-3})
    plan = replace(plan, search=replace(plan.search, strategy="grid"))
    found, _ = searched(make_rows("text", 80), plan)
    states = {one.params["training.learning_rate"]: one.state for one in found.study.trials}
    assert states[1e30] == "failed" and states[1e-3] == "complete"
    assert all(one.why.startswith("Losses and gradients must be finite.") for one in found.study.trials if one.why)
    assert found.study.best.params["training.learning_rate"] == 1e-3


def test_values_that_break_a_rule_together_are_a_failed_trial(make_rows, plan_of):
    space = {"augment.kind": ["none", "word_swap"], "train": ["head", "full"]}
    plan = plan_of(space, trials=4, training={"epochs": 1}, search={"strategy": "grid"})
    found, _ = searched(make_rows("text", 80), plan)
    failed = [one.params for one in found.study.trials if one.state == "failed"]
    assert failed == [{"augment.kind": "word_swap", "model.train": "head"}]


def test_a_signal_ends_the_search_and_is_no_failed_trial(make_rows, plan_of, tmp_path):
    from tunewright.runfolder import Journal
    from tunewright.training.loop import Interrupted

    plan = plan_of({"epochs": [1, 2]}, model={"train": "full"}, training={"epochs": 1})
    prepared = prepare(load_rows(plan, make_rows("text", 80)), plan)
    with Journal(tmp_path / "journal") as journal, pytest.raises(Interrupted):
        search(prepared, plan, RunContext(decide=journal.decide, stop=lambda: signal.SIGTERM))
    assert "trial 0" not in [entry.data.get("name") for entry in read_entries(tmp_path / "journal")]


@pytest.mark.parametrize("kind", ["text", "mixed", "table", "multilabel"])
def test_what_another_process_is_handed_scores_the_same(make_rows, plan_of, kind):
    """Through pickle, as processes do, and without measuring the precision again."""
    frame = make_rows(kind, 80)
    plan = plan_of(HEADS)
    plan = replace(plan, data=read_plan(None, data={"target": "y", "columns": KINDS.get(kind, {})}).data)
    prepared = prepare(load_rows(plan, frame), plan)
    here = Trials(prepared, plan, RunContext(), [prepared.split])
    there = ForkingPickler.loads(ForkingPickler.dumps(here.elsewhere()))()
    decided = there.run.decide("precision", lambda: pytest.fail("measured again"))
    assert decided["precision"] == here.elsewhere().precision
    params = {"training.probe_C": 3.0, "model.pooling": "cls"}
    assert there(params, seed=1, report=lambda *_: None) == here(params, seed=1, report=lambda *_: None)


@pytest.mark.slow
def test_workers_give_the_study_that_one_process_gives(make_rows, plan_of):
    """Random proposals do not depend on what ended first, so not a digit may differ."""
    frame = make_rows("mixed", 80)
    one, _ = searched(frame, plan_of(TABLES, trials=5))
    two, _ = searched(frame, plan_of(TABLES, trials=5, search={"workers": 2}))
    assert timeless(one.study) == timeless(two.study)
    assert {trial.state for trial in two.study.trials} == {"complete"}


def test_no_strategy_is_no_search(make_rows, plan_of):
    plan = replace(plan_of(HEADS), search=replace(plan_of(HEADS).search, strategy="none"))
    found, _ = searched(make_rows("text", 80), plan)
    assert found.study is None and found.plan == plan


@pytest.mark.parametrize("kind", ["text", "table", "mixed", "pair"])
def test_default_spaces_suit_the_data(make_rows, plan_of, kind):
    from tunewright.plan import Plan
    from tunewright.search.naming import searchable

    plan = plan_of({})
    pair = {"pair": ["first", "second"]} if kind == "pair" else {}
    plan = replace(plan, data=read_plan(None, data={"target": "y", **pair}).data)
    table = prepare(load_rows(plan, make_rows(kind, 80)), plan).table
    space = {one.name: one for one in default_space(table)}
    assert set(space) <= set(searchable(Plan)) and len(space) == len(default_space(table))
    assert ("model.train" in space) == (kind != "table")
    assert ("model.head" in space) == (kind in ("table", "mixed"))
    # Smoothing labels means nothing where values are predicted.
    assert ("training.label_smoothing" in space) == (kind in ("text", "mixed"))
    for one in space.values():
        assert all(set(values) <= set(space[name].choices) for name, values in one.when.items())


# What runs and tunes leave


@pytest.fixture(scope="module")
def a_run(make_rows, tiny_model, tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "run"
    heard: list[Event] = []
    space = {"probe_C": {"low": 0.01, "high": 100, "log": True}, "pooling": ["mean", "cls", "max"]}
    run = tw.run(
        make_rows("text", 150),
        target="y",
        out=out,
        model={"name": str(tiny_model), "train": "head", "head": "linear"},
        splits={"part": "part"},
        audit={"apply": "none"},
        search={"strategy": "bayesian", "trials": 9, "space": space, "finalists": 2, "seeds": 2},
        observe=heard.append,
    )
    return run, heard


def test_a_run_leaves_its_study_and_tells_of_it(a_run):
    run, heard = a_run
    study = from_json(Study, read_json(run.folder / "study.json"))
    assert len(study.trials) == 9 and study.impact
    told = run.summary["search"]
    assert told["trials"] == read_json(run.folder / "study.json")["trials"]
    assert told["best"]["score"] == study.best.score and run.summary["seconds"]["search"] > 0
    page = run.report().read_text()
    assert 'id="search"' in page and "What matters" in page and 'id="figure-progress"' in page
    assert sum(event.text.startswith("Trial ") for event in heard if event.station == "search") == 9


def test_a_run_trains_with_the_values_that_won(a_run):
    """The kept model's validation metric is the winning trial's score: the same probe on the same rows."""
    run, _ = a_run
    best = run.summary["search"]["best"]
    assert json.loads((run.folder / "model.json").read_text())["candidates"]["probe"] == pytest.approx(best["seeds"][0])
    config = json.dumps(
        [json.loads(path.read_text()) for path in sorted((run.folder / "bundle").glob("*.json"))], default=str
    )
    assert f'"{best["params"]["model.pooling"]}"' in config


def test_the_report_can_be_written_again(a_run):

    run, _ = a_run
    before = run.report().read_text()
    assert rebuild_report(run.folder).read_text() == before


def test_tune_gives_a_study_and_leaves_a_plan(make_rows, tiny_model, tmp_path):
    frame = make_rows("table", 120).rename({"y": "label"})
    data = tmp_path / "rows.csv"
    frame.write_csv(data)
    space = {"head": ["linear", "mlp"], "epochs": {"low": 1, "high": 3, "when": {"head": ["mlp"]}}}
    study = tw.tune(
        data,
        "label",
        out=tmp_path / "study",
        model={"name": str(tiny_model)},
        splits={"part": "part"},
        audit={"apply": "none"},
        search={"trials": 3, "space": space, "finalists": 1, "seeds": 1},
    )
    assert isinstance(study, Study) and study.strategy == "bayesian" and len(study.trials) == 3
    names = {path.name for path in (tmp_path / "study").iterdir()}
    assert {"study.json", "best.yaml", "report.html", "plan.yaml", "journal.jsonl", "summary.json"} <= names
    before = (tmp_path / "study" / "report.html").read_text()
    assert rebuild_report(tmp_path / "study").read_text() == before
    assert "bundle" not in names and "evaluation.json" not in names  # nothing trained to be kept, no look at the test
    best = read_plan(tmp_path / "study" / "best.yaml")
    assert best.search.strategy == "none" and best.data.target == "label" and best.splits.part == "part"
    for name, value in study.best.params.items():
        section, key = name.split(".")
        assert getattr(getattr(best, section), key) == value
    again = tw.tune(plan=tmp_path / "study" / "plan.yaml", out=tmp_path / "study")
    assert again == study  # finished: read back


# Kill -9 (FAULTS 6)


def tune_command(data, tiny_model, out, home):
    options = [
        f"model.name={tiny_model}",
        "audit.apply=none",
        "search.finalists=1",
        "search.seeds=2",
        "search.space={train: [full], epochs: [1, 2], learning_rate: {low: 1e-4, high: 1e-2, log: true}}",
    ]
    sets = [part for option in options for part in ("--set", option)]
    arguments = ["tune", str(data), "--target", "label", "--trials", "5", "--out", str(out), "--json", "--quiet", *sets]
    environment = os.environ | {"TUNEWRIGHT_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return [sys.executable, "-m", "tunewright", *arguments], environment


def trials_on_disk(out):
    journal = out / "journal.jsonl"
    names = [entry.data.get("name", "") for entry in read_entries(journal)] if journal.exists() else []
    return sum(name.startswith("trial ") for name in names)


@pytest.mark.slow
def test_killed_after_the_second_trial_and_continued_it_ends_the_same(make_rows, tiny_model, tmp_path):
    data = tmp_path / "rows.csv"
    make_rows("text", 150).rename({"y": "label"}).drop("part").write_csv(data)
    home = tmp_path / "home"
    arguments, environment = tune_command(data, tiny_model, tmp_path / "killed", home)
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 90
    while trials_on_disk(tmp_path / "killed") < 2 and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the search ended before it could be killed"
    left = trials_on_disk(tmp_path / "killed")
    assert 2 <= left < 5 and not (tmp_path / "killed" / "study.json").exists()
    done = subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    # The peaceful search runs in this process: what a kill may change is not which process it was.
    from tunewright.cli import main

    calm, _ = tune_command(data, tiny_model, tmp_path / "calm", home)
    os.environ["TUNEWRIGHT_HOME"] = str(home)
    with pytest.raises(SystemExit) as ended:
        main(calm[3:])
    assert ended.value.code == 0
    killed, peaceful = (
        timeless(from_json(Study, read_json(tmp_path / name / "study.json"))) for name in ("killed", "calm")
    )
    assert killed["trials"] == peaceful["trials"] and killed["best"] == peaceful["best"]
    assert [one["score"] for one in told["trials"]] == [one["score"] for one in killed["trials"]]
    assert all(one["score"] is None or math.isfinite(one["score"]) for one in told["trials"])


def test_the_plan_that_won_runs(make_rows, tiny_model, tmp_path):
    from tunewright.cli import main

    data = tmp_path / "rows.csv"
    make_rows("table", 100).rename({"y": "label"}).drop("part").write_csv(data)
    sets = ("--set", f"model.name={tiny_model}", "--set", "audit.apply=none", "--set", "search.space={head: [linear]}")
    finals = ("--set", "search.finalists=1", "--set", "search.seeds=1")
    for arguments in (
        (
            "tune",
            str(data),
            "--target",
            "label",
            "--trials",
            "1",
            "--out",
            str(tmp_path / "study"),
            "--quiet",
            *sets,
            *finals,
        ),
        ("run", "--plan", str(tmp_path / "study" / "best.yaml"), "--out", str(tmp_path / "run"), "--quiet"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert ended.value.code == 0
    assert (tmp_path / "run" / "bundle").is_dir() and not (tmp_path / "run" / "study.json").exists()
