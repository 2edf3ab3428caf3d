"""Watching a fitted model: its own rows raise no alarm, other rows do, whatever the task."""

import numpy as np
import polars as pl
import pytest

from tunewright.bundle.reference import Reference, describe_rows, drawn
from tunewright.errors import DataError
from tunewright.living.logs import read_log
from tunewright.living.watching import WatchOptions, watch
from tunewright.records import DriftReport, from_json, to_json

KINDS = ("text", "pair", "multilabel", "table", "mixed")
OPTIONS = WatchOptions()


@pytest.fixture(scope="module")
def watched(learned, make_rows):
    """(kind, change=None, rows=120, options) to a report on rows drawn as the model's own were, or changed."""

    def get(kind, change=None, rows=120, options=OPTIONS, drop=()):
        prepared, _, fitted = learned(kind)
        held_out = [*prepared.split.validation, *prepared.split.test]
        old = describe_rows(fitted.model, prepared.typed[sorted(held_out)])
        frame = make_rows(kind, rows=rows, seed=11).drop("part", *drop)
        logged = read_log(fitted.model, frame if change is None else change(frame))
        return watch(fitted.model, old, logged.rows, options, labelled=logged.labelled, absent=logged.absent)

    return get


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_the_same_kind_raise_no_alarm_and_are_scored(watched, kind):
    found = watched(kind)
    assert isinstance(found, DriftReport) and found.rows == 120
    assert not found.alarm and found.p_value > 0.05 and "No alarm" in found.text
    assert found.actual and found.before and set(found.actual) <= set(found.before)
    assert from_json(DriftReport, to_json(found)) == found


@pytest.mark.parametrize("kind", ["text", "multilabel", "pair"])
def test_without_labels_nothing_is_measured_but_something_is_estimated(watched, kind):
    found = watched(kind, drop=("y",))
    assert found.actual == {}
    if found.estimated:
        assert all(score.low <= score.value <= score.high for score in found.estimated.values())
    else:
        assert any("Nothing is estimated" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "mixed"])
def test_texts_of_another_kind_raise_the_alarm(watched, kind):
    def foreign(frame):
        text = next(name for name in frame.columns if frame[name].dtype == pl.String and name != "y")
        return frame.with_columns(pl.Series(text, [f"zzz {number} qqq xx" for number in range(frame.height)]))

    found = watched(kind, foreign)
    assert found.alarm and found.unlike
    assert {"text"} <= {one.column for one in found.drift if one.drifted}


def test_a_column_that_moved_is_named_with_what_changed(watched):
    def moved(frame):
        numbers = [name for name in frame.columns if frame[name].dtype.is_numeric() and name not in ("y", "worth")]
        return frame.with_columns((pl.col(numbers[0]) * 3 + 40).alias(numbers[0]))

    found = watched("table", moved)
    assert found.alarm
    worst = found.drift[0]
    assert worst.drifted and "median" in worst.said and worst.effect > 0.25


def test_a_value_at_which_a_sensor_sticks_is_named(watched):
    def stuck(frame):
        number = pl.int_range(pl.len())
        return frame.with_columns(amount=pl.when(number % 5 < 2).then(50.0).otherwise("amount"))

    found = watched("table", stuck)
    (told,) = [one for one in found.drift if (one.column, one.test) == ("amount", "interval_scan")]
    assert found.alarm and told.drifted
    assert "0.0% of the rows at 50 before, 40.0% now" in told.said


def test_several_looks_keep_one_account(watched):
    calm = watched("text", rows=160, options=WatchOptions(every=40))
    assert [look.first for look in calm.looks] == [0, 40, 80, 120] and not calm.alarm
    assert all(look.rows == 40 for look in calm.looks)
    uneven = watched("text", rows=150, options=WatchOptions(every=40))
    assert [look.rows for look in uneven.looks] == [40, 40, 70]


def test_a_log_without_texts_is_compared_by_what_it_holds(learned, make_rows):
    prepared, _, fitted = learned("text")
    old = describe_rows(fitted.model, prepared.typed[sorted([*prepared.split.validation, *prepared.split.test])])
    frame = make_rows("text", rows=80, seed=5).drop("part", "y")
    (text,) = [column.name for column in prepared.table.columns if column.role == "feature"]
    label = fitted.model.task.labels[0]
    thin = frame.select(pl.col(text).str.len_chars().alias(f"_characters.{text}")).with_columns(
        _prediction=pl.lit(label), _confidence=pl.lit(0.99)
    )
    logged = read_log(fitted.model, thin)
    assert logged.absent == {text} and "only lengths" in logged.notes[-1]
    found = watch(fitted.model, old, logged.rows, OPTIONS, labelled=logged.labelled, absent=logged.absent)
    assert "text" not in {one.column for one in found.drift}
    assert "prediction" in {one.column for one in found.drift if one.drifted}
    wrong = thin.with_columns(_prediction=pl.lit("no such label"))
    with pytest.raises(DataError, match="labels of the model"):
        read_log(fitted.model, wrong)


def test_rows_that_lack_a_column_are_refused(learned):
    _, _, fitted = learned("text")
    with pytest.raises(DataError, match="Missing"):
        read_log(fitted.model, pl.DataFrame({"other": ["a"]}))
    with pytest.raises(DataError, match="needs rows"):
        read_log(fitted.model, pl.DataFrame({"other": pl.Series([], dtype=pl.String)}))


def test_a_reference_survives_its_arrays(learned):
    prepared, _, fitted = learned("mixed")
    made = describe_rows(fitted.model, prepared.typed[list(prepared.split.test)])
    again = Reference.from_arrays(made.arrays())
    for name, value in made.arrays().items():
        np.testing.assert_array_equal(value, getattr(again, name))
    with pytest.raises(ValueError, match="lengths"):
        Reference.from_arrays({**made.arrays(), "outputs": made.outputs[:-1]})


def test_drawing_keeps_the_order():
    assert drawn(10, seed=0, most=20).tolist() == list(range(10))
    some = drawn(100, seed=0, most=30)
    assert len(some) == 30 and (np.diff(some) > 0).all()
