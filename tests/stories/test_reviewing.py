"""The review of a run: what is in the queue, what a decision writes, and that a run reads it back."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
import pytest

import tunewright as tw
from tunewright.errors import DataError, PlanError, RunError
from tunewright.runfolder import RunFolder, read_json
from tunewright.stories.reviewing.one_by_one import SHEET, Review

WRONG = tuple(range(0, 40, 8))  # rows whose label was exchanged


def rows(tiny_words, *, teams=("=green", "red")):
    draws = pl.Series(range(160))
    texts = [f"{tiny_words[row % 2]} {tiny_words[20 + row % 7]} {tiny_words[40 + row % 11]} {row}" for row in draws]
    labels = [teams[(row + (row in WRONG)) % 2] for row in draws]
    return pl.DataFrame({"text": texts, "label": labels})


@pytest.fixture(scope="module")
def walked(tmp_path_factory, tiny_model, tiny_words):
    """(folder of a finished run, its data file)."""
    place = tmp_path_factory.mktemp("review")
    rows(tiny_words).write_csv(place / "rows.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNEWRIGHT_HOME", str(place / "home"))
        tw.run(place / "rows.csv", target="label", out=place / "run", **plan(tiny_model))
    return place / "run", place / "rows.csv"


def plan(tiny_model, **more):
    return {
        "model": {"name": str(tiny_model), "train": "head", "head": "linear"},
        "objective": {"metric": "accuracy"},
        "audit": {"apply": "none"},
        "columns": {"text": "text"},
    } | more


@pytest.fixture
def folder(walked):
    (walked[0] / SHEET).unlink(missing_ok=True)
    yield walked[0]
    (walked[0] / SHEET).unlink(missing_ok=True)


def sheet(folder):
    return {int(one["row"]): one for one in csv.DictReader(io.StringIO((folder / SHEET).read_text("utf-8-sig")))}


def test_suspects_come_first_and_mistakes_after_them(folder):
    queue = Review(folder).queue
    kinds = [item.findings for item in queue.items.values()]
    suspects = [row for row, item in queue.items.items() if "label_errors" in item.findings]
    assert set(suspects) & set(WRONG), "the audit lists some of the exchanged labels"
    first_mistake = next((n for n, found in enumerate(kinds) if found == ("mistake",)), len(kinds))
    assert all(kind == "mistake" for found in kinds[first_mistake:] for kind in found)
    mistakes = read_json(RunFolder(folder).mistakes_json)
    listed = {one["row"] for part in ("validation", "test") for one in mistakes[part]}
    assert {row for row, item in queue.items.items() if "mistake" in item.findings} == listed
    for row, item in queue.items.items():
        assert item.given == ("=green", "red")[(row + (row in WRONG)) % 2]
        assert item.part in ("train", "validation", "test") and item.cells["text"].endswith(f" {row}")
    assert any(item.suggested is not None and item.suggested != item.given for item in queue.items.values())


def test_a_decision_is_on_the_disk_with_who_and_why(folder):
    review = Review(folder)
    (row, item), (other, _) = list(review.queue.items.items())[:2]
    new = next(label for label in review.queue.labels if label != item.given)
    review.decide(row, "relabel", label=new, who="=cmd|ada", comment="@ plainly so")
    review.decide(other, "drop", who="ada")
    line = sheet(folder)[row]
    assert line["decision"] == "relabel" and line["new_label"] == ("'=green" if new == "=green" else new)
    assert line["who"] == "'=cmd|ada" and line["comment"] == "'@ plainly so"  # no spreadsheet runs it
    again = Review(folder)
    assert again.decided[row].who == "=cmd|ada" and again.decided[row].label == new
    assert again.decided[other].decision == "drop" and len(again.decided) == 2
    assert again.who in ("=cmd|ada", "ada")


def test_undo_goes_back_step_by_step(folder):
    review = Review(folder)
    row, other = list(review.queue.items)[:2]
    review.decide(row, "keep", who="ada")
    review.decide(row, "drop", who="ada")
    review.decide(other, "drop", who="ada")
    assert review.undo() == other and other not in review.decided
    assert review.undo() == row and review.decided[row].decision == "keep"
    assert review.undo() == row and review.decided == {}
    assert review.undo() is None
    assert not any(line["decision"] for line in sheet(folder).values())
    review.clear(row)
    assert review.steps == 0  # nothing was decided, so nothing was done


def test_what_makes_no_sense_changes_nothing(folder):
    review = Review(folder)
    row, item = next(iter(review.queue.items.items()))
    for asked in (
        {"row": 10**9, "decision": "keep", "who": "ada"},
        {"row": -1, "decision": "keep", "who": "ada"},
        {"row": row, "decision": "burn", "who": "ada"},
        {"row": row, "decision": "keep", "who": "  "},
        {"row": row, "decision": "relabel", "label": "purple", "who": "ada"},
        {"row": row, "decision": "relabel", "label": "", "who": "ada"},
        {"row": row, "decision": "relabel", "label": item.given, "who": "ada"},
    ):
        with pytest.raises(DataError):
            review.decide(asked.pop("row"), asked.pop("decision"), **asked)
    assert not (folder / SHEET).exists() and review.decided == {}


def test_a_sheet_that_changed_elsewhere_is_not_written_over(folder):
    review, second = Review(folder), Review(folder)
    row, other = list(review.queue.items)[:2]
    review.decide(row, "keep", who="ada")
    before = (folder / SHEET).read_bytes()
    with pytest.raises(RunError, match="two sides"):
        second.decide(other, "drop", who="bob")
    assert (folder / SHEET).read_bytes() == before and second.decided == {}
    assert Review(folder).decided[row].who == "ada"


def test_a_disk_that_refuses_leaves_what_was_decided(folder, monkeypatch):
    from tunewright.runfolder import disk

    review = Review(folder)
    row, other = list(review.queue.items)[:2]
    review.decide(row, "keep", who="ada")

    def full(path, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "create", full)
    with pytest.raises(RunError, match="No space"):
        review.decide(other, "drop", who="ada")
    monkeypatch.undo()
    assert set(review.decided) == {row} and review.steps == 1
    review.decide(other, "drop", who="ada")
    assert sheet(folder)[other]["decision"] == "drop"


def test_a_run_applies_it_to_rows_that_are_no_test_rows(folder, walked, tiny_model, tmp_path):
    review = Review(folder)
    items = review.queue.items
    seen = [row for row, item in items.items() if item.part != "test"]
    relabelled, dropped = seen[0], seen[1]
    new = next(label for label in review.queue.labels if label != items[relabelled].given)
    review.decide(relabelled, "relabel", label=new, who="ada", comment="seen")
    review.decide(dropped, "drop", who="ada")
    corrections = {"apply": "none", "corrections": str(folder / SHEET)}
    again = tw.run(walked[1], target="label", out=tmp_path / "again", **plan(tiny_model, audit=corrections))
    told = json.loads((again.folder / "audit.json").read_text())["corrections"]
    assert told["counts"]["relabel"] == 1 and told["counts"]["drop"] == 1
    assert {entry["row"]: entry["who"] for entry in told["entries"]} == {relabelled: "ada", dropped: "ada"}
    before, after = (read_json(RunFolder(one).summary_json)["data"] for one in (folder, again.folder))
    assert before["train"] + before["validation"] - 1 == after["train"] + after["validation"]
    assert before["test"] == after["test"]
    # The next review of that run begins with what was decided.
    following = Review(again.folder)
    assert following.decided[relabelled].label == new and following.decided[dropped].decision == "drop"


def test_rows_are_shown_only_where_the_plan_lets_them(walked, tiny_model, tmp_path):
    run = tw.run(walked[1], target="label", out=tmp_path / "run", **plan(tiny_model, report={"examples": False}))
    with pytest.raises(PlanError, match=r"report\.examples"):
        Review(run.folder)


def test_other_rows_are_not_reviewed_in_place_of_those_learned_from(walked, folder, tmp_path, tiny_words):
    before = walked[1].read_bytes()
    try:
        rows(tiny_words).reverse().write_csv(walked[1])
        with pytest.raises(DataError, match="was changed since"):
            Review(folder)
        walked[1].unlink()
        with pytest.raises(DataError, match="must be readable"):
            Review(folder)
    finally:
        walked[1].write_bytes(before)
    with pytest.raises(RunError, match="has none yet"):
        Review(tmp_path)


def test_numbers_are_corrected_as_numbers(tiny_model, tiny_words, tmp_path):
    frame = rows(tiny_words).with_columns(label=pl.Series([float(row % 2) + row / 1000 for row in range(160)]))
    frame.write_csv(tmp_path / "rows.csv")
    run = tw.run(
        tmp_path / "rows.csv",
        target="label",
        out=tmp_path / "run",
        **plan(tiny_model, objective={}, columns={"text": "text", "label": "number"}),
    )
    review = Review(run.folder)
    row, item = next((row, item) for row, item in review.queue.items.items() if "mistake" in item.findings)
    assert review.queue.labels == () and item.predicted is not None and item.confidence is None
    with pytest.raises(DataError, match="must have a number"):
        review.decide(row, "relabel", label="much", who="ada")
    review.decide(row, "relabel", label="3.50", who="ada")
    assert Review(run.folder).decided[row].label == "3.5"
