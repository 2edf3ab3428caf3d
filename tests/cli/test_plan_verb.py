"""`tunewright plan`: what it infers, and that what it prints is a plan."""

from tunewright.plan import read_plan


def test_json_holds_plan_columns_and_forecast(rows_csv, quick, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call("plan", rows_csv, "--target", "label", *quick, "--json")
    assert said.code == 0
    assert {"plan", "columns", "forecast"} <= set(said.json)
    kinds = {column["name"]: (column["kind"], column["role"]) for column in said.json["columns"]}
    assert kinds["text"] == ("text", "feature")
    assert kinds["size"] == ("number", "feature")
    assert kinds["label"][1] == "target"
    assert all(column["why"] for column in said.json["columns"])
    assert sum(said.json["forecast"]["rows"].values()) == 150
    assert list(tmp_path.iterdir()) == []  # nothing ran


def test_the_forecast_counts_what_the_run_then_had(finished, call):
    said = call("plan", "--plan", finished.folder / "plan.yaml", "--json", home=finished.home).json["forecast"]
    had = finished.called.json
    assert said["rows"] == {part: had["data"][part] for part in ("train", "validation", "test")}
    assert (said["parameters"], said["trainable"]) == (had["model"]["parameters"], had["model"]["trainable"])
    assert said["tokens"]["cached"] == said["tokens"]["distinct_texts"]  # the run encoded them all


def test_text_is_a_plan_that_reads_back(rows_csv, quick, call, tmp_path):
    said = call("plan", rows_csv, "--target", "label", *quick, "--set", "seed=5")
    assert said.code == 0
    plan = tmp_path / "plan.yaml"
    plan.write_text(said.out)
    read = read_plan(plan)
    assert (read.seed, read.data.target, read.data.train) == (5, "label", str(rows_csv))
    for word in ("Task", "Metric", "text", "memory", "minutes", "80 % power"):
        assert word in said.out


def test_hostile_column_names_stay_in_their_comment(quick, call, tmp_path):
    path = tmp_path / "rows.csv"
    header = '"text","evil\nseed: 9","label"\n'
    path.write_text(header + "".join(f"some words {i} {i * i},{i % 7},{i % 2}\n" for i in range(60)))
    said = call("plan", path, "--target", "label", *quick)
    assert said.code == 0, said.err
    saved = tmp_path / "plan.yaml"
    saved.write_text(said.out)
    assert read_plan(saved).seed == 0


def test_a_wrong_plan_exits_with_2(rows_csv, call):
    assert call("plan", rows_csv, "--target", "label", "--set", "training.epochs=-1", "--json").code == 2
