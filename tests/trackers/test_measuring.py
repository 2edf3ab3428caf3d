"""Numbers from events, and nothing but numbers."""

from tunewright.events import Event
from tunewright.plan import Plan
from tunewright.records import to_json
from tunewright.trackers.measuring import Measuring, final_scores, flat


def step(done, epoch, total=100, **more):
    numbers = {"train_loss": 1 / done, "validation_loss": 2.0 - epoch, "metric": epoch / 10} | more
    data = {"done": done, "total": total, "epoch": epoch, "metric_name": "f1_macro"} | numbers
    return Event(station="train", what="progress", data=data)


def measured(*events):
    measuring = Measuring()
    return [tuple(one) for event in events for one in measuring.measures(event)]


def test_losses_by_update_and_metrics_by_epoch():
    found = measured(step(4, 0), step(10, 1), step(12, 1))
    assert [one for one in found if one[0] == "train/loss"] == [
        ("train/loss", 0.25, 4),
        ("train/loss", 0.1, 10),
        ("train/loss", 1 / 12, 12),
    ]
    assert [one[1:] for one in found if one[0] == "validation/f1_macro"] == [(0.0, 0), (0.1, 10)]
    assert [one[1:] for one in found if one[0] == "validation/loss"] == [(2.0, 0), (1.0, 10)]


def test_a_sitting_that_goes_on_repeats_no_epoch():
    found = measured(Event(station="run", what="opened", data={"resumed": True}), step(25, 2), step(30, 3))
    assert [one[2] for one in found if one[0] == "validation/loss"] == [30]


def test_further_trainings_have_names_of_their_own():
    found = measured(step(4, 0), step(9, 0), step(3, 0), step(3, 0, total=7))
    assert [one[0] for one in found if one[0].endswith("train/loss")] == [
        "train/loss",
        "train/loss",
        "training 2/train/loss",
        "training 3/train/loss",
    ]


def test_what_is_not_finite_and_what_is_text_is_left_out():
    note = Event(station="train", what="note", text="a cell", data={"total": 3, "done": 1})
    assert measured(note, Event(station="audit", what="found", data={"findings": [{"evidence": "a cell"}]})) == []
    assert measured(step(4, 0, train_loss=float("nan"), metric=float("inf"))) == [("validation/loss", 2.0, 0)]
    trial = {"trial": 3, "score": None, "metric": "accuracy", "state": "failed"}
    assert measured(Event(station="search", what="note", data=trial)) == []
    assert measured(Event(station="search", what="note", data=trial | {"score": 0.5})) == [("search/accuracy", 0.5, 3)]


def test_final_scores_have_their_intervals():
    score = {"value": 0.5, "low": 0.4, "high": None, "n": 9}
    assert final_scores({"metrics": {"test": {"r2": score}}}) == {"final/test/r2": 0.5, "final/test/r2/low": 0.4}
    assert final_scores({"metric": "r2", "best": {"score": 0.25}}) == {"final/validation/r2": 0.25}
    assert final_scores({}) == {}


def test_the_whole_plan_is_there_by_names_of_ours():
    found = flat(to_json(Plan()))
    assert found["training.epochs"] == to_json(Plan())["training"]["epochs"] and found["seed"] == 0
    assert all(name.replace(".", "").replace("_", "").isalnum() for name in found)
    assert all(isinstance(value, str | int | float | bool) for value in found.values())
    long = flat({"data": {"train": "x" * 10_000}})
    assert len(long["data.train"]) == 500
