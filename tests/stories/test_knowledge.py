"""The expert's knowledge in a whole run: costs decide, slices guard, behaviours are tried, a sheet is applied."""

import json

import numpy as np
import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import DataError, PlanError
from tunewright.plan import read_plan
from tunewright.stories.auditing.inspect import inspect, write_sheet


@pytest.fixture
def frame(make_rows):
    channels = ["phone", "mail", "web"]
    rows = make_rows("text", 200).drop("part")
    return rows.with_columns(channel=pl.Series([channels[i % 3] for i in range(200)]))


@pytest.fixture
def walk(tmp_path, tiny_model):
    def walked(frame, name="run", **sections):
        model = {"name": str(tiny_model), "train": "head"}
        return tw.run(frame, target="y", out=tmp_path / name, model=model, **sections)

    return walked


def evaluation_of(run):
    return json.loads((run.folder / "evaluation.json").read_text())


def test_costs_are_scored_and_shift_the_answers(walk, frame):
    plain = walk(frame, "plain")
    dear = walk(frame, "dear", knowledge={"costs": {"team 0 -> *": 50}})
    found = evaluation_of(dear)
    assert set(found["expected_cost"]) >= {"model", "majority", "tfidf", "probe"}
    assert evaluation_of(plain)["expected_cost"] == {}
    said = [run.predictor().predict(frame)["prediction"].to_list().count("team 0") for run in (plain, dear)]
    assert said[1] > said[0]
    assert dear.predictor().model.task.costs[0][1] == 50


def test_wrong_knowledge_stops_before_training(walk, frame, tmp_path):
    with pytest.raises(PlanError, match="chanel"):
        walk(frame, knowledge={"protect": ["chanel == 'phone'"]})
    tests = tmp_path / "tests.yaml"
    tests.write_text("- {name: a, kind: must, examples: [hello], label: nobody}")
    with pytest.raises(PlanError, match="nobody"):
        walk(frame, "other", knowledge={"tests": str(tests)})
    assert not (tmp_path / "other" / "model.json").exists()


def test_a_slice_that_gets_worse_is_not_called_better(walk, make_rows):
    """Rows with a word that training never saw all belong to the commonest class, which the majority gets right."""
    rows = make_rows("text", 700).drop("part")
    parts = pl.Series(["train"] * 400 + ["validation"] * 60 + ["test"] * 240)
    marked = np.arange(700) >= 660
    common = rows["y"].head(400).value_counts(sort=True)["y"][0]
    frame = rows.with_columns(
        message=pl.when(pl.Series(marked)).then(pl.col("message") + " urgently").otherwise(pl.col("message")),
        y=pl.when(pl.Series(marked)).then(pl.lit(common)).otherwise(pl.col("y")),
        part=parts,
    )
    plain = walk(frame, "plain", splits={"part": "part"})
    guarded = walk(frame, "guarded", splits={"part": "part"}, knowledge={"protect": ["contains(message, 'urgently')"]})
    before, after = ({c["b"]: c["verdict"] for c in evaluation_of(run)["comparisons"]} for run in (plain, guarded))
    assert (before["majority"], after["majority"]) == ("better", "no evidence")
    worse = [one for one in evaluation_of(guarded)["slices"] if one["verdict"] == "worse"]
    assert {one["against"] for one in worse} >= {"majority"} and worse[0]["rows"] == 40
    assert "urgently" in guarded.summary["verdict"]["text"]


def test_behaviours_are_tried_on_every_run(walk, frame, tmp_path):
    tests = tmp_path / "tests.yaml"
    text, other = frame["message"][0], "team 1" if frame["y"][0] != "team 1" else "team 2"
    tests.write_text(
        f"- {{name: first, kind: must, examples: ['{text}'], label: {frame['y'][0]}}}\n"
        f"- {{name: never, kind: must, examples: ['{text}'], label: {other}}}\n"
    )
    run = walk(frame.drop("channel"), knowledge={"tests": str(tests)})
    found = {one["name"]: one["verdict"] for one in evaluation_of(run)["behaviours"]}
    assert set(found) == {"first", "never"} and list(found.values()).count("failed") >= 1
    assert "never" in run.report().read_text()


def test_a_reviewed_sheet_is_applied_and_kept(walk, frame, tmp_path, tiny_model):
    labels = frame["y"].to_list()
    for row in (10, 30, 50, 70):
        labels[row] = "team 0" if labels[row] != "team 0" else "team 1"
    dirty = frame.with_columns(y=pl.Series(labels))
    plan = read_plan(None, data={"target": "y"}, model={"name": str(tiny_model)})
    sheet = tmp_path / "review.csv"
    assert write_sheet(inspect(plan, dirty), sheet) > 0
    with pytest.raises(DataError, match="none decides"):
        walk(dirty, "blank", audit={"corrections": str(sheet)})
    lines = pl.read_csv(sheet, infer_schema=False)
    wanted = lines.with_row_index().filter(pl.col("index") < 2)["row"].to_list()
    filled = lines.with_columns(
        decision=pl.when(pl.col("row") == wanted[0])
        .then(pl.lit("drop"))
        .when(pl.col("row") == wanted[1])
        .then(pl.lit("relabel")),
        new_label=pl.when((pl.col("row") == wanted[1]) & (pl.col("given_label") == "team 2"))
        .then(pl.lit("team 0"))
        .when(pl.col("row") == wanted[1])
        .then(pl.lit("team 2")),
        who=pl.lit("Ann"),
    )
    filled.write_csv(sheet)
    run = walk(dirty, audit={"corrections": str(sheet), "apply": "none"})
    kept = json.loads((run.folder / "audit.json").read_text())["corrections"]
    assert (kept["counts"]["drop"], kept["counts"]["relabel"]) == (1, 1)
    assert {entry["who"] for entry in kept["entries"]} == {"Ann"}
    with pytest.raises(DataError, match=r"other data|written for"):
        walk(frame, "wrong", audit={"corrections": str(sheet)})
