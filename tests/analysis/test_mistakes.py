"""Where the model fails."""

import json

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix

from tunewright.analysis import LONGEST_CELL, MOST_MISTAKES, MOST_POINTS, analyse
from tunewright.analysis.mistakes import errors_of
from tunewright.records import Analysis, Column, Table, from_json, to_json
from tunewright.tasks import Classification, Decision, Multilabel, Regression

TABLE = Table(
    rows=9,
    columns=(
        Column(name="text", kind="text", role="feature", why=""),
        Column(name="secret", kind="text", role="ignore", why=""),
        Column(name="y", kind="category", role="target", why=""),
    ),
    fingerprint="",
    target="y",
    task="multiclass",
    task_why="",
)
TASK = Classification(labels=("a", "b", "c"))


def analysed(task, truths, outputs, decision=None):
    frame = pl.DataFrame(
        {"text": [f"text {i}" for i in range(len(truths))], "secret": ["s"] * len(truths), "y": truths}
    )
    outcome = task.outcome(task.encode(frame["y"]), np.asarray(outputs, np.float32), decision or Decision())
    rows = tuple(100 + i for i in range(len(truths)))
    return analyse(task, outcome, frame, rows, TABLE), outcome


def test_the_matrix_is_scikit_learns_and_leaves_unknown_labels_out():
    rng = np.random.default_rng(0)
    truths = [str(x) for x in rng.choice(["a", "b", "c", "new"], 200)]
    analysis, outcome = analysed(TASK, truths, rng.normal(size=(200, 3)))
    known = outcome.truth >= 0
    expected = confusion_matrix(outcome.truth[known], outcome.labels[known], labels=[0, 1, 2])
    assert np.array(analysis.matrix).tolist() == expected.tolist()
    assert analysis.labels == ("a", "b", "c") and analysis.points == ()


def test_mistakes_come_most_certain_first_and_right_answers_never():
    outputs = np.log([[0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.05, 0.05, 0.9]])
    analysis, _ = analysed(TASK, ["b", "b", "b", "new"], outputs)
    assert [(m.row, m.truth, m.predicted) for m in analysis.mistakes] in (
        [(100, "b", "a"), (103, "new", "c"), (101, "b", "a")],
        [(103, "new", "c"), (100, "b", "a"), (101, "b", "a")],
    )
    assert analysis.mistakes[-1].confidence == pytest.approx(0.6)
    assert analysis.mistakes[-1].cells == {"text": "text 1"}


def test_a_faultless_model_has_no_mistakes_and_the_list_is_bounded():
    perfect, _ = analysed(TASK, ["a", "b"], np.eye(3)[:2] * 9)
    assert perfect.mistakes == ()
    awful, _ = analysed(TASK, ["a"] * 100, np.tile([0, 9, 0], (100, 1)))
    assert len(awful.mistakes) == MOST_MISTAKES


def test_regression_points_and_largest_errors():
    task = Regression(mean=0.0, scale=1.0, log=False, low=-1e6, high=1e6)
    truths = [float(i) for i in range(3 * MOST_POINTS - 1)]
    outputs = np.array(truths)[:, None] + 0.5
    outputs[7] = 999
    analysis, _ = analysed(task, truths, outputs)
    assert len(analysis.points) <= MOST_POINTS
    assert analysis.points[0] == (0.0, 0.5) and analysis.matrix == ()
    assert (analysis.mistakes[0].row, analysis.mistakes[0].truth, analysis.mistakes[0].confidence) == (107, "7", None)


def test_multilabel_mistakes_show_sets():
    task = Multilabel(labels=("p", "q"))
    analysis, _ = analysed(task, [["p"], ["p", "q"], []], [[9, 9], [9, 9], [-9, -9]])
    assert [(m.truth, m.predicted) for m in analysis.mistakes] == [("p", "p|q")]
    assert analysis.labels == ()


def test_long_cells_are_cut_and_json_round_trips():
    frame = pl.DataFrame({"text": ["x" * 10_000], "secret": ["s"], "y": ["a"]})
    outcome = TASK.outcome(np.array([0]), np.array([[0, 9, 0]], np.float32), Decision())
    analysis = analyse(TASK, outcome, frame, (4,), TABLE)
    assert len(analysis.mistakes[0].cells["text"]) == LONGEST_CELL
    assert from_json(Analysis, json.loads(json.dumps(to_json(analysis), allow_nan=False))) == analysis


def test_mistakes_are_grouped_by_kind_and_doubtful_labels_are_counted():
    outputs = np.eye(3)[[1, 1, 1, 2, 0]] * np.array([[3], [9], [6], [9], [9]])
    frame = pl.DataFrame({"text": list("vwxyz"), "secret": ["s"] * 5, "y": ["a", "a", "a", "b", "a"]})
    outcome = TASK.outcome(TASK.encode(frame["y"]), np.asarray(outputs, np.float32), Decision())
    analysis = analyse(TASK, outcome, frame, (10, 11, 12, 13, 14), TABLE, doubted={11: "b", 12: "c", 14: "b"})
    told = [(g.truth, g.predicted, g.rows, g.suspects, g.examples) for g in analysis.groups]
    assert told == [("a", "b", 3, 1, (11, 12, 10)), ("b", "c", 1, 0, (13,))]
    assert {m.row: (m.suspect, m.instead) for m in analysis.mistakes}[11] == (True, "b")
    assert {m.row: (m.suspect, m.instead) for m in analysis.mistakes}[10] == (False, "")


def test_errors_are_sized_by_task():
    assert errors_of(TASK.outcome(np.array([0, 1]), np.eye(3, dtype=np.float32)[:2] * 9, Decision())).tolist() == [0, 0]
    both = Multilabel(labels=("p", "q"))
    found = both.outcome(np.array([[1, 0], [1, 1]]), np.array([[9, 9], [-9, -9]], np.float32), Decision())
    assert errors_of(found).tolist() == [1.0, 2.0]
