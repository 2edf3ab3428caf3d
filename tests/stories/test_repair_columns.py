"""In a run: balance is tried in three ways, spare columns may go, derived ones are measured, repairs are told."""

import json

import numpy as np
import polars as pl
import pytest

import tunewright as tw
from tunewright.plan import read_plan
from tunewright.records import RemedyTrial, Score, from_json, to_json
from tunewright.runfolder import Journal
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import examine
from tunewright.stories.auditing.repair import TOGETHER, expert_columns, mend
from tunewright.stories.prepare import load_rows, prepare


def table(rows=3000, seed=0):
    """Width times height says the class, junk says nothing; some sizes carry a unit."""
    rng = np.random.default_rng(seed)
    width, height = rng.uniform(1, 9, rows).round(2), rng.uniform(1, 9, rows).round(2)
    area = width * height + rng.normal(0, 8, rows)
    return pl.DataFrame(
        {
            "width": [f"{w} cm" if i % 20 == 0 else f"{w}" for i, w in enumerate(width)],
            "height": height,
            "junk": rng.normal(size=rows).round(4),
            "shop": [["north", "south", "west"][n] for n in rng.integers(0, 3, rows)],
            "y": np.where(area > 40, "large", "small"),
        }
    )


def tried(frame, run=None, **knowledge):
    plan = read_plan(None, data={"target": "y"}, objective={"metric": "macro_f1"}, knowledge=knowledge)
    prepared = prepare(load_rows(plan, frame), plan)
    run = run or RunContext()
    done = mend(prepared, examine(prepared, plan, run), plan, run)
    return done, {trial.remedy: trial for trial in done.trials}


def test_the_three_ways_to_balance_are_tried_and_at_most_one_is_kept():
    _, found = tried(table())
    three = [found[f"balance_{how}"] for how in ("weights", "resample", "logit_adjustment")]
    assert sum(trial.kept for trial in three) <= 1
    # Weights and repeats come to about the same; adjusted logits do not.
    assert three[0].effect.value != three[2].effect.value and three[0].effect.value != three[1].effect.value


def test_columns_that_give_nothing_go_and_the_others_stay():
    done, found = tried(table(6000), derive={"area": "width * height"})
    chosen = found["select_columns"]
    assert set(chosen.columns) & {"junk", "shop"} and not {"area"} & set(chosen.columns)
    assert chosen.kept and chosen.rule == "repair"
    left = {column.name for column in done.prepared.table.columns if column.role == "feature"}
    assert left == {"width", "height", "junk", "shop", "area"} - set(chosen.columns)
    assert "area" in done.prepared.typed.columns


def test_a_derived_column_is_measured_and_stays_whatever_it_gives():
    frame = table()
    height = frame["height"].to_numpy()
    width = np.array([float(cell.removesuffix(" cm")) for cell in frame["width"]])
    side = (width - 5) * (height - 5) + np.random.default_rng(1).normal(0, 3, len(frame)) > 0
    frame = frame.with_columns(y=pl.Series(np.where(side, "alike", "unlike")))
    done, _ = tried(frame, derive={"cross": "(width - 5) * (height - 5)", "copy": "junk * 2"})
    asked = {trial.columns[0]: trial for trial in done.trials if trial.remedy == "derive"}
    assert set(asked) == {"cross", "copy"} and all(one.rule == "asked" and one.kept for one in asked.values())
    assert asked["cross"].effect.low > 0.1 and asked["cross"].why == "asked for: (width - 5) * (height - 5)"
    assert asked["copy"].effect.low <= 0
    assert {"cross", "copy"} <= set(done.prepared.typed.columns)


def test_columns_that_the_expert_speaks_of_stay():
    done, found = tried(table(), protect=["shop == 'north'", "junk > 0"])
    assert not {"shop", "junk"} & set(found["select_columns"].columns if "select_columns" in found else ())
    plan = read_plan(None, data={"target": "y"}, knowledge={"tests": "behaviours.yaml"})
    assert expert_columns(plan) is None
    assert {"shop", "junk"} <= set(done.prepared.typed.columns)


def test_a_continued_run_leaves_the_same_columns_out(tmp_path, monkeypatch):
    from tunewright.stories.auditing import repair

    with Journal(tmp_path / "journal.jsonl") as journal:
        first, _ = tried(table(), RunContext(decide=journal.decide), derive={"area": "width * height"})
    monkeypatch.setattr(repair, "_measure", lambda *args: pytest.fail("measured again"))
    with Journal(tmp_path / "journal.jsonl") as journal:
        second, _ = tried(table(), RunContext(decide=journal.decide), derive={"area": "width * height"})
    assert first.trials == second.trials and first.prepared.table == second.prepared.table


def test_a_leak_does_not_hide_what_other_columns_give():
    frame = table()
    leak = frame.with_columns(code=pl.when(pl.col("y") == "large").then(pl.lit("L")).otherwise(pl.lit("S")))
    done, found = tried(leak)
    assert found["drop_columns"].kept and found["drop_columns"].columns == ("code",)
    assert {"width", "height"} <= set(done.prepared.typed.columns)
    kept = [trial for trial in done.trials if trial.kept and trial.remedy != TOGETHER]
    assert sorted(trial.order for trial in kept) == list(range(1, len(kept) + 1))


def test_the_run_tells_repairs_and_trials(tmp_path):
    run = tw.run(table(600), target="y", out=tmp_path / "run", knowledge={"derive": {"area": "width * height"}})
    audit = json.loads((tmp_path / "run" / "audit.json").read_text())
    (repair,) = [one for one in audit["repairs"] if one["remedy"] == "parse_numbers"]
    assert repair["column"] == "width" and repair["cells"] == 30 and repair["example"][0].endswith(" cm")
    assert audit["repairs"] == run.summary["repairs"]
    page = run.report().read_text()
    assert "What was put right" in page and "asked for" in page and "put right when reading, 30 cells" in page
    later = run.predictor().predict(
        pl.DataFrame({"width": ["3 cm", "3"], "height": ["2", "2"]} | {"junk": [0.0, 0.0], "shop": ["north", "north"]})
    )
    assert later["confidence"][0] == pytest.approx(later["confidence"][1], abs=1e-6)


def test_a_trial_of_an_older_run_is_still_read():
    trial = to_json(
        RemedyTrial(
            remedy="clip",
            rule="gain",
            metric="r2",
            effect=Score(value=0.0, low=0.0, high=0.0, n=20),
            p_value=0.5,
            kept=False,
            why="no gain was shown",
        )
    )
    del trial["columns"]
    assert from_json(RemedyTrial, trial).columns == ()
