"""`splits.folds`: the whole recipe over folds, then one model from every row that is not a test row."""

import json

import numpy as np
import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import PlanError
from tunewright.records import Split
from tunewright.stories.training.crossval import fold_splits


def test_folds_hold_every_row_out_once_and_keep_clusters_whole():
    rng = np.random.default_rng(0)
    clusters, strata = rng.integers(0, 60, 120), np.arange(120) % 3
    split = Split(train=tuple(range(80)), validation=tuple(range(80, 100)), test=tuple(range(100, 120)), how="given")
    found = fold_splits(split, clusters, strata, folds=4, share=0.2, seed=0)
    held = [row for one in found for row in one.test]
    assert sorted(held) == list(range(100))
    for one in found:
        parts = [set(one.train), set(one.validation), set(one.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 100
        assert not {int(clusters[row]) for row in parts[0]} & {int(clusters[row]) for row in parts[2]}
        assert not {int(clusters[row]) for row in parts[0]} & {int(clusters[row]) for row in parts[1]}


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table", "mixed"])
def test_a_cross_validated_run(tmp_path, tiny_model, make_rows, kind):
    frame = make_rows(kind, 150).drop("part")
    run = tw.run(
        frame,
        target="y",
        out=tmp_path / "run",
        model={"name": str(tiny_model)},
        training={"epochs": 1},
        splits={"folds": 3},
        audit={"apply": "none"},
    )
    evaluation = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    split = json.loads((tmp_path / "run" / "split.json").read_text())
    folds = evaluation["folds"]
    assert len(folds["values"]) == 3
    assert folds["mean"]["value"] == pytest.approx(np.mean(folds["values"]))
    assert folds["mean"]["low"] <= folds["mean"]["value"] <= folds["mean"]["high"]
    metric = evaluation["metric"]
    assert evaluation["metrics"]["validation"][metric]["n"] == len(split["train"]) + len(split["validation"])
    assert evaluation["metrics"]["test"][metric]["n"] == len(split["test"])
    answers = run.predictor().predict(frame.head(5))
    assert answers.height == 5
    assert "Over 3 folds the" in run.report().read_text()


def test_replaced_test_rows_leave_the_weights_as_they_were(tmp_path, tiny_model, make_rows):
    """P2: test rows that copy two train rows must not tie these together in one fold."""
    frame, other = make_rows("text", 120), make_rows("text", 120, seed=9)
    test = pl.Series((frame["part"] == "test").to_list())
    copies = pl.Series([frame["message"][(i * 3) % 60] if i % 2 else other["message"][i] for i in range(120)])
    changed = frame.with_columns(
        message=pl.when(test).then(copies).otherwise(pl.col("message")),
        y=pl.when(test).then(other["y"]).otherwise(pl.col("y")),
    )
    plan = {"model": {"name": str(tiny_model)}, "training": {"epochs": 1}, "splits": {"folds": 3, "part": "part"}}
    plan |= {"audit": {"apply": "none"}}
    runs = [tw.run(rows, target="y", out=tmp_path / name, **plan) for name, rows in (("a", frame), ("b", changed))]
    digests = [json.loads((run.folder / "model.json").read_text())["digest"] for run in runs]
    assert digests[0] == digests[1]
    assert runs[0].summary["metrics"]["validation"] == runs[1].summary["metrics"]["validation"]


def test_a_finished_fold_is_not_fitted_again(tmp_path, tiny_model, make_rows, monkeypatch):
    from tunewright.stories.training import crossval

    fitted, real = [], crossval.fit

    def stop_at_third(judging, choices, run, settled=None):
        if len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append(1)
        return real(judging, choices, run, settled)

    monkeypatch.setattr(crossval, "fit", stop_at_third)
    plan = {"model": {"name": str(tiny_model)}, "training": {"epochs": 1}, "splits": {"folds": 3}}
    plan |= {"audit": {"apply": "none"}}
    with pytest.raises(KeyboardInterrupt):
        tw.run(make_rows("text", 120).drop("part"), target="y", out=tmp_path / "run", **plan)
    fitted.clear()
    monkeypatch.setattr(crossval, "fit", lambda *args, **more: fitted.append(1) or real(*args, **more))
    tw.run(make_rows("text", 120).drop("part"), target="y", out=tmp_path / "run", **plan)
    assert len(fitted) == 2  # the third fold, and the fit on all rows
    whole = tw.run(make_rows("text", 120).drop("part"), target="y", out=tmp_path / "other", **plan)
    assert whole.summary["digests"]["weights"] == json.loads((tmp_path / "run" / "model.json").read_text())["digest"]


@pytest.mark.parametrize("kind", ["epochs", "ema"])
def test_what_folds_average_the_final_fit_averages(tmp_path, tiny_model, make_rows, kind, monkeypatch):
    """Each fold writes what it kept; the middle of them is what the last fit ends at, which has nothing to judge by."""
    from tunewright.stories.training import crossval

    asked, real = [], crossval.fit

    def listening(judging, choices, run, settled=None):
        asked.append(settled)
        return real(judging, choices, run, settled)

    monkeypatch.setattr(crossval, "fit", listening)
    plan = {"model": {"name": str(tiny_model)}, "splits": {"folds": 3}, "audit": {"apply": "none"}}
    plan |= {"training": {"averaging": kind, "epochs": 4, "learning_rate": 4e-3, "early_stopping": 0}}
    run = tw.run(make_rows("text", 150).drop("part"), target="y", out=tmp_path / "run", **plan)
    folds = [json.loads(path.read_text()) for path in sorted((tmp_path / "run").glob("folds/*/settled.json"))]
    assert len(folds) == 3 and asked[:3] == [None] * 3
    assert asked[3].averaged == sorted(one["averaged"] for one in folds)[1]
    assert asked[3].epochs == sorted(one["epochs"] for one in folds)[1]
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    expected = min(asked[3].averaged, asked[3].epochs)
    assert (model["best_epoch"], model["averaged"]) == (asked[3].epochs, expected)
    assert np.isfinite(run.predictor().predict(make_rows("text", 150).head(5))["confidence"].to_numpy()).all()


def test_folds_beside_time_are_refused(make_rows):
    with pytest.raises(PlanError, match=r"splits\.folds"):
        tw.run(make_rows("text", 120).drop("part"), target="y", splits={"folds": 3, "time": "when"})
