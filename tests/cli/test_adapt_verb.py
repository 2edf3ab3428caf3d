"""`tunewright adapt`: a better challenger is proposed, mixed-up labels and no gain are refused, and each says why."""

import csv
import random

import polars as pl
import pytest

ROWS = 150


@pytest.fixture(scope="module")
def words(tiny_words):
    return tiny_words


def write(path, words, *, rows=ROWS, seed=21, right=1.0, heads=("green", "red")):
    """Rows like those of the finished run, whose first word tells the label."""
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "label"])
        for row in range(rows):
            number = row % len(heads)
            said = number if draw.random() < right else draw.randrange(len(heads))
            text = " ".join([words[said], *draw.choices(words[12:], k=7)])
            writer.writerow([text, draw.randrange(1000), heads[number]])
    return path


def adapt(call, finished, new, tmp_path, *more):
    return call(
        "adapt", finished.bundle, "--new", new, "--out", tmp_path / "adapted", "--json", *more, home=finished.home
    )


def test_new_classes_are_learned_and_the_challenger_is_proposed(finished, words, call, tmp_path):
    new = write(tmp_path / "new.csv", words, heads=("green", "red", "blue"), rows=240)
    told = adapt(call, finished, new, tmp_path)
    assert told.code == 0, told.err
    value = told.json
    assert value["decision"] == "proposed", value["why"]
    assert value["labels_added"] == ["blue"]
    names = [gate["name"] for gate in value["gates"]]
    assert names == ["labels", "better", "new rows", "old rows", "protected", "behaviours", "parity", "limits"]
    assert value["difference"]["low"] > 0
    assert value["rows"]["trained"] + value["rows"]["replayed"] > 150
    answers = pl.read_csv(new).drop("label").head(3).write_csv(tmp_path / "ask.csv")
    assert answers is None
    said = call("predict", value["challenger"], tmp_path / "ask.csv", "--out", tmp_path / "out.csv")
    assert said.code == 0


def test_mixed_up_labels_are_refused_before_anything_is_trained(finished, words, call, tmp_path):
    new = write(tmp_path / "bad.csv", words)
    frame = pl.read_csv(new)
    swapped = pl.col("label").replace({"green": "red", "red": "green"})
    frame.with_columns(swapped).write_csv(new)
    told = adapt(call, finished, new, tmp_path)
    assert told.code == 0
    value = told.json
    assert value["decision"] == "rejected" and value["why"].startswith("Labels: ")
    assert value["challenger"] is None and not (tmp_path / "adapted" / "run").exists()


def test_rows_without_news_are_no_reason_to_change(finished, words, call, tmp_path):
    value = adapt(call, finished, write(tmp_path / "same.csv", words, right=0.9, rows=90), tmp_path).json
    better = next(gate for gate in value["gates"] if gate["name"] == "better")
    assert value["decision"] == ("proposed" if better["passed"] else "rejected")
    assert value["decision"] == "rejected" and "Better: " in value["why"]


def test_rows_that_the_champion_knows_are_none(finished, rows_csv, call, tmp_path):
    told = adapt(call, finished, rows_csv, tmp_path)
    assert told.code == 3 and "at least 60 new rows" in told.err


def test_old_rows_must_be_those_of_the_run(finished, words, call, tmp_path):
    other = write(tmp_path / "other.csv", words, seed=5)
    new = write(tmp_path / "new.csv", words)
    told = adapt(call, finished, new, tmp_path, "--old", other)
    assert told.code == 3 and "--old" in told.err


def test_a_bundle_without_its_run_says_what_is_needed(finished, words, call, tmp_path):
    import shutil

    alone = tmp_path / "alone" / "bundle"
    shutil.copytree(finished.bundle, alone)
    new = write(tmp_path / "new.csv", words)
    told = call("adapt", alone, "--new", new, "--out", tmp_path / "adapted", home=finished.home)
    assert told.code == 1 and "--run" in told.err
    named = call(
        "adapt", alone, "--new", new, "--out", tmp_path / "adapted", "--run", finished.folder, home=finished.home
    )
    assert named.code == 0, named.err
