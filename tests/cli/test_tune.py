"""`tunewright tune`: what it prints, what it leaves, how it exits."""

import json

import pytest

from tunewright.plan import read_plan

SPACE = "search.space={probe_C: {low: 0.1, high: 100, log: true}, pooling: [mean, cls]}"
FEW = ("--set", "search.finalists=1", "--set", "search.seeds=2", "--set", "audit.apply=none")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, rows_csv, quick, call):
    parent = tmp_path_factory.mktemp("tuned")
    out = parent / "study"
    arguments = ("tune", rows_csv, "--target", "label", *quick, *FEW, "--set", SPACE, "--trials", "9", "--out", out)
    called = call(*arguments, "--json", home=parent / "home")
    assert called.code == 0, called.err
    return out, called, arguments, parent / "home"


def test_json_holds_the_contract(tuned):
    said = tuned[1].json
    assert {"best", "trials", "impact", "seconds"} <= set(said)
    assert {"params", "score"} <= set(said["best"]) and isinstance(said["seconds"], float)
    assert len(said["trials"]) == 9
    for one in said["trials"]:
        assert {"params", "score", "seconds", "state"} <= set(one)
        assert one["state"] in ("complete", "pruned", "stopped", "failed")
        assert (one["score"] is not None) == (one["state"] == "complete")
    assert {one["name"] for one in said["impact"]} == {"training.probe_C", "model.pooling"}
    for one in said["impact"]:
        assert {"name", "effect", "low", "high", "noise_floor", "matters"} == set(one)
        assert 0 <= one["low"] <= one["effect"] <= one["high"] and isinstance(one["matters"], bool)
    assert max(one["score"] for one in said["trials"] if one["score"] is not None) <= 1
    assert said["best"]["params"] in [one["params"] for one in said["trials"]]


def test_what_it_leaves(tuned):
    out, called, _, _ = tuned
    said = called.json
    assert said["plan"] == str(out / "best.yaml") and said["report"] == str(out / "report.html")
    assert json.loads((out / "study.json").read_text())["trials"] == said["trials"]
    assert json.loads((out / "summary.json").read_text()) == said
    best = read_plan(out / "best.yaml")
    assert best.search.strategy == "none" and best.model.pooling == said["best"]["params"]["model.pooling"]
    assert "Best on validation" in (out / "report.html").read_text()
    assert not (out / "bundle").exists() and not (out / "evaluation.json").exists()


def test_progress_goes_to_standard_error(tuned, rows_csv):
    said = tuned[1].err
    assert "Trial 1 of 9: " in said and "Trial 9 of 9: " in said
    assert not [line for line in rows_csv.read_text().splitlines()[1:] if line.split(",")[0] in said]


def test_the_same_command_says_it_is_finished(tuned, call):
    out, called, arguments, home = tuned
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again = call(*arguments, "--json", home=home)
    assert again.code == 0 and again.json == called.json
    assert "is finished; --fresh starts over." in again.err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_text_is_short_and_says_what_matters(tuned, call):
    out, called, arguments, home = tuned
    said = call(*arguments, "--quiet", home=home)
    assert said.code == 0 and said.err == ""
    assert "Best on validation: " in said.out and "probe_C" in said.out
    assert f"Run      tunewright run --plan {out / 'best.yaml'}" in said.out
    assert len(said.out.splitlines()) < 25
    scores = [line.split()[1] for line in said.out.splitlines() if line[:1].isdigit()]
    assert len(scores) == 5 and scores == sorted(scores, reverse=True)
    assert float(scores[0]) == pytest.approx(max(one["score"] or 0 for one in called.json["trials"]), abs=1e-4)


def test_another_plan_does_not_continue_it(tuned, call):
    arguments = [*tuned[2], "--set", "seed=5"]
    said = call(*arguments, "--json", home=tuned[3])
    assert said.code == 1 and said.json["error"]["type"] == "RunError" and "--fresh" in said.err


def test_a_wrong_space_lists_every_problem_and_exits_with_2(rows_csv, call, tmp_path):
    wrong = "search.space={lerning_rate: [1], epochs: {low: 4, high: 2}, dropout: {low: 0, high: 0.5, log: true}}"
    said = call("tune", rows_csv, "--target", "label", "--set", wrong, "--out", tmp_path / "study", "--json")
    assert said.code == 2 and said.json["error"]["type"] == "PlanError"
    message = said.json["error"]["message"]
    assert "Did you mean learning_rate?" in message and "low <= high" in message and "low > 0" in message
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("options", [("--trials", "0"), ("--trials", "x"), ("--minutes", "x")])
def test_wrong_options_exit_with_2(rows_csv, call, options):
    said = call("tune", rows_csv, "--target", "label", *options, "--json")
    assert said.code == 2 and said.json["error"]["type"] == "UsageError"


def test_a_wrong_budget_exits_with_2(rows_csv, call):
    said = call("tune", rows_csv, "--target", "label", "--minutes", "0", "--json")
    assert said.code == 2 and "budget.minutes" in said.json["error"]["message"]


def test_a_budget_too_small_for_one_trial_exits_with_2(rows_csv, quick, call, tmp_path):
    said = call(
        "tune", rows_csv, "--target", "label", *quick, *FEW, "--set", SPACE, "--minutes", "0.00001",
        "--out", tmp_path / "study", "--json",
    )  # fmt: skip
    assert said.code == 2 and "budget.minutes must allow one trial" in said.json["error"]["message"]


def test_all_trials_failing_exits_with_1(rows_csv, quick, call, tmp_path):
    space = "search.space={learning_rate: [1e30, 1e31]}"
    train = ("--set", "model.train=full", "--set", "training.learning_rate=1e30", "--set", "training.epochs=1")
    said = call(
        "tune", rows_csv, "--target", "label", *quick, *train, *FEW, "--set", space, "--trials", "2",
        "--out", tmp_path / "study", "--json",
    )  # fmt: skip
    assert said.code == 1 and said.json["error"]["type"] == "TrainingError"
    assert "All 2 failed: Losses and gradients must be finite." in said.json["error"]["message"]


def test_hopeless_data_exits_with_3(call, tmp_path):
    said = call("tune", tmp_path / "missing.csv", "--target", "label", "--out", tmp_path / "study", "--json")
    assert said.code == 3 and said.json["error"]["type"] == "DataError"


def test_without_a_target_the_columns_are_listed(rows_csv, call):
    said = call("tune", rows_csv)
    assert said.code == 2 and "text, size, label" in said.err
