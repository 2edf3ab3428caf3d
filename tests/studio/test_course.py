"""What a page is told of a run: curves that a continued run takes up again, findings, trials, how it ended."""

from tunewright.events import Event
from tunewright.runfolder import told
from tunewright.runfolder.told import Tail, Told
from tunewright.studio.course import Course


def event(station, what, text="", **data):
    return {"time": "2026-01-01T00:00:00+00:00", "station": station, "what": what, "text": text, "data": data}


def step(done, epoch, total=100, **more):
    numbers = {"train_loss": 1 / (done + 1), "validation_loss": 2.0 - epoch, "metric": epoch / 10} | more
    return event("train", "progress", done=done, total=total, epoch=epoch, metric_name="f1_macro", **numbers)


def things(course, kind):
    return [one for one in course.things if one["is"] == kind]


def test_a_curve_grows_by_updates_and_by_epochs():
    course = Course()
    course.hear_all([step(3, 0), step(7, 0), step(10, 1), step(12, 1), step(20, 2)])
    assert [one["step"] for one in things(course, "point")] == [3, 7, 10, 12, 20]
    epochs = things(course, "epoch")
    assert [(one["epoch"], one["step"], one["metric"]) for one in epochs] == [(0, 0, 0.0), (1, 10, 0.1), (2, 20, 0.2)]
    assert {one["metric_name"] for one in epochs} == {"macro F1"}
    assert [(one["label"], one["total"]) for one in things(course, "training")] == [("Training 1", 100)]


def test_a_continued_run_takes_back_what_it_does_again():
    course = Course()
    course.hear_all([event("run", "opened", folder="/x"), step(3, 0), step(10, 1), step(20, 2), step(25, 2)])
    course.hear_all([event("run", "stopped", signal=2), event("run", "opened", folder="/x"), step(15, 1), step(20, 2)])
    assert things(course, "rewind") == [{"is": "rewind", "training": 0, "step": 15}]
    assert len(things(course, "training")) == 1 and len(things(course, "sitting")) == 2
    after = course.things[course.things.index(things(course, "rewind")[0]) :]
    assert [one["step"] for one in after if one["is"] == "point"] == [15, 20]
    assert [one["epoch"] for one in after if one["is"] == "epoch"] == [2]


def test_folds_are_trainings_of_their_own():
    course = Course()
    course.hear_all([event("folds", "note", "Fold 1 of 2."), step(5, 0), step(10, 1)])
    course.hear_all([event("folds", "note", "Fold 2 of 2."), step(5, 0), step(10, 1)])
    assert [one["label"] for one in things(course, "training")] == ["Fold 1 of 2.", "Fold 2 of 2."]
    assert [one["training"] for one in things(course, "point")] == [0, 0, 1, 1]


def test_stations_findings_trials_and_notes_are_told_in_their_order():
    course = Course()
    found = {
        "kind": "label_errors",
        "severity": "warning",
        "columns": [],
        "rows_total": 3,
        "evidence": "e",
        "remedy": None,
    }
    course.hear_all(
        [
            event("audit", "found", findings=[found]),
            event("audit", "done", seconds=1.5),
            event("search", "note", "Trial 1.", trial=0, score=0.5, metric="accuracy", state="complete"),
            event("evaluate", "what nobody knows", "?"),
        ]
    )
    assert [one["is"] for one in course.things] == ["finding", "station", "trial", "note"]
    assert course.things[0]["kind"] == "label_errors" and course.things[2]["score"] == 0.5


def test_how_it_stands_follows_the_last_event():
    course = Course()
    course.hear_all([event("run", "opened", folder="/x", memory_gb=2.0), step(25, 2) | {"memory_mb": 512.5}])
    assert course.now["station"] == "train" and course.now["done"] == 25 and course.now["peak_mb"] == 512.5
    course.hear(event("run", "failed", "DataError: no"))
    assert course.now["ended"] == "failed" and course.now["why"] == "DataError: no" and course.now["station"] is None


def test_it_reads_what_a_run_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(told, "OFTEN", 0.0)
    writer = Told(tmp_path / "progress.jsonl")
    for done in range(1, 4):
        data = {"done": done, "total": 3, "epoch": 0, "train_loss": float("nan"), "metric": 0.5}
        writer(Event(station="train", what="progress", data=data))
    writer.close()
    course = Course()
    course.hear_all(Tail(writer.path).new()[1])
    assert [one["train_loss"] for one in things(course, "point")] == [None] * 3
