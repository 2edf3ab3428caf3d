"""What a run says of its errors: slices of validation rows, what labels allow, and the move that follows."""

import json

import numpy as np
import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import PlanError
from tunewright.metrics import Outcome
from tunewright.plan import read_plan
from tunewright.stories.prepare import load_rows, pose, prepare
from tunewright.stories.training import slice_moves as moves
from tunewright.stories.training.improving import improve
from tunewright.stories.training.moves import next_move
from tunewright.stories.training.station import judge


@pytest.fixture
def plan_of(tiny_model):
    def make(**sections):
        data = {"target": "y", "columns": {"message": "text"}, "pair": "none"}
        model = {"name": str(tiny_model), "train": "head", "head": "linear"}
        return read_plan(data=data, splits={"part": "part"}, model=model, **sections)

    return make


def hard_rows(make_rows, rows=1000):
    """Rows of one kind have labels at random, those of the others follow from the text."""
    frame = make_rows("text", rows)
    rng = np.random.default_rng(0)
    kind = rng.choice(["mail", "phone"], rows, p=[0.75, 0.25])
    dealt = pl.Series(rng.permutation(frame["y"].to_numpy()))
    return frame.with_columns(kind=pl.Series(kind), y=pl.when(pl.Series(kind) == "phone").then(dealt).otherwise("y"))


@pytest.fixture(scope="module")
def finished(make_rows, tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    sections = {"model": {"name": str(tiny_model), "train": "head", "head": "linear"}, "splits": {"part": "part"}}
    sections |= {"audit": {"apply": "none"}, "columns": {"message": "text", "kind": "category"}}
    frame = hard_rows(make_rows)
    for name, more in {"shown": {}, "hidden": {"report": {"examples": False}}}.items():
        tw.run(frame, target="y", out=folder / name, **sections, **more)
    folds = {"splits": {"folds": 2, "test": 0.2}}
    tw.run(frame.drop("part"), target="y", out=folder / "folds", **(sections | folds))
    return folder


def told(finished, name):
    page = (finished / name / "report.html").read_text()
    return json.loads((finished / name / "analysis.json").read_text()), page


def test_a_run_tells_the_slice_with_its_test_rows_beside_it(finished):
    analysis, page = told(finished, "shown")
    (one,) = analysis["slices"]["found"]
    assert one["description"] == "'kind' is 'phone'" and analysis["slices"]["part"] == "validation"
    assert one["error"]["value"] > one["rest"] + 0.2 and one["test"]["value"] > one["test_rest"]
    assert "Where the model errs more than elsewhere" in page and "&#39;kind&#39; is &#39;phone&#39;" in page
    assert analysis["ceiling"]["value"]["value"] < 0.97 and "What the labels allow" in page
    assert analysis["groups"] and "Mistakes on the test part by true and predicted class" in page


def test_no_cell_is_told_where_examples_are_off(finished):
    analysis, page = told(finished, "hidden")
    assert "a value that is not shown" in analysis["slices"]["found"][0]["description"]
    assert "phone" not in json.dumps(analysis)
    assert "Words and values of the data are left out" in page
    section = page[page.index('id="slices"') : page.index("The worst mistakes")]
    assert "phone" not in section


def test_folds_are_searched_by_their_out_of_fold_answers(finished):
    analysis, _ = told(finished, "folds")
    found = analysis["slices"]
    assert found["part"] == "out-of-fold" and found["rows"] > 500
    assert any(one["description"] == "'kind' is 'phone'" for one in found["found"])


def test_emphasised_rows_count_twice(make_rows, plan_of):
    plan = plan_of(knowledge={"emphasise": "kind == 'phone'"})
    prepared = prepare(load_rows(plan, hard_rows(make_rows)), plan)
    problem = pose(prepared, plan)
    phone = (problem.typed["train"]["kind"] == "phone").to_numpy()
    assert problem.weights.mean() == pytest.approx(1.0)
    assert np.allclose(problem.weights[phone], 2 * problem.weights[~phone][0])
    assert pose(prepared, plan_of()).weights is None


def test_an_emphasis_that_says_nothing_is_refused_before_training(make_rows, tmp_path, tiny_model):
    with pytest.raises(PlanError, match=r"knowledge\.emphasise"):
        tw.run(
            make_rows("text", 60),
            target="y",
            out=tmp_path / "run",
            model={"name": str(tiny_model)},
            splits={"part": "part"},
            knowledge={"emphasise": "nowhere == 1"},
        )
    assert not (tmp_path / "run").exists()


def stand(prepared, plan, learn_fit):
    judging, choices = judge(prepared, plan)
    fitted = learn_fit(judging, choices)
    task, targets = judging.problem.task, judging.problem.targets["validation"]
    return fitted, task.outcome(targets, fitted.outputs["validation"], fitted.model.decision), choices


def test_the_worst_slice_becomes_a_move_that_the_loop_takes(make_rows, plan_of):
    from tunewright.learning.fit import fit
    from tunewright.runfolder.context import RunContext

    plan = plan_of()
    prepared = prepare(load_rows(plan, hard_rows(make_rows)), plan)
    fitted, outcome, choices = stand(prepared, plan, lambda a, b: fit(a, b, RunContext()))
    (move,), _ = moves.slice_moves(prepared, fitted, outcome, doubtful=(), cells=True)
    assert move.change(plan, choices) == {"knowledge.emphasise": "`kind` == 'phone'"}
    assert moves.slice_moves(prepared, fitted, outcome, doubtful=(), cells=False) == ((), ())
    picked, changes = next_move(plan, choices, advice=(moves.ADVICE,), tried=(), numbers=False, more=(move,))
    assert picked.kind == moves.KIND and changes == {"knowledge.emphasise": "`kind` == 'phone'"}
    again = plan_of(knowledge={"emphasise": "kind == 'mail'"})
    assert move.change(again, choices) is None
    right = Outcome(task="multiclass", truth=outcome.truth, labels=outcome.truth, classes=outcome.classes)
    assert moves.slice_moves(prepared, fitted, right, doubtful=(), cells=True) == ((), ())


def test_a_round_may_weigh_the_slice_and_other_test_rows_change_nothing(make_rows, plan_of):
    plan = plan_of(improve={"rounds": 2})
    frame = hard_rows(make_rows)
    other = hard_rows(lambda *a: make_rows("text", 1000, seed=9))
    changed = pl.concat([frame.filter(pl.col("part") != "test"), other.filter(pl.col("part") == "test")])

    def rounds(table):
        from tunewright.runfolder.context import RunContext

        made = improve(prepare(load_rows(plan, table), plan), plan, RunContext()).improvement
        return [(one.move, dict(one.changes), one.kept) for one in made.rounds]

    ordered = pl.concat([frame.filter(pl.col("part") != "test"), frame.filter(pl.col("part") == "test")])
    one, two = rounds(ordered), rounds(changed)
    assert one == two and any(move == moves.KIND for move, _, _ in one)
