"""`tunewright report A B C`: several runs on one page, each paired with the first."""

import csv
import json
import random
import re
import shutil

import pytest


def write_others(path, words):
    """Rows like those of the finished run, and none of them."""
    draw = random.Random(11)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "label"])
        for row in range(150):
            text = " ".join([words[row % 2], *draw.choices(words[12:], k=7)])
            writer.writerow([text, draw.randrange(1000), ("green", "red")[row % 2]])
    return path


@pytest.fixture(scope="module")
def runs(finished, rows_csv, quick, call, tiny_words, tmp_path_factory):
    """The finished run, one by another plan on the same rows, and one on other rows."""
    place = tmp_path_factory.mktemp("several")
    other = write_others(place / "other.csv", tiny_words)
    made = []
    for name, data, more in (("second", rows_csv, ("--set", "preprocess.numbers=standard")), ("third", other, ())):
        options = ("--set", "objective.metric=accuracy", *more, "--out", str(place / name))
        said = call("run", data, "--target", "label", *quick, *options, home=finished.home)
        assert said.code == 0, said.err
        made.append(place / name)
    return finished.folder, *made


@pytest.fixture(scope="module")
def told(runs, call, tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "several.html"
    said = call("report", *runs, "--out", page, "--json")
    assert said.code == 0, said.err
    return said.json, page


def test_each_run_is_held_against_the_first_as_compare_does(told, runs, call):
    value, page = told
    assert value["report"] == str(page) and [one["name"] for one in value["runs"]] == ["run", "second", "third"]
    second, third = value["paired"]
    alone = call("compare", runs[1], runs[0], "--json").json
    assert second["compared"]["difference"] == alone["difference"]
    assert second["compared"]["rows"] == alone["rows"] == value["runs"][0]["rows"]["test"]
    assert value["tried"] >= 2
    assert second["compared"]["p_adjusted"] == pytest.approx(min(1, value["tried"] * alone["p_value"]))
    assert third["compared"] is None and "20 rows" in third["why"]
    assert "third" in value["text"]


def test_what_differs_is_told_and_what_does_not_is_not(told, runs):
    value, _ = told
    assert value["plan"]["preprocess.numbers"] == ["robust", "standard", "robust"]
    assert "data.train" in value["plan"] and "seed" not in value["plan"]
    first, second, third = value["runs"]
    assert first["data"] == second["data"] != third["data"]
    for line, folder in zip(value["runs"], runs, strict=True):
        summary = json.loads((folder / "summary.json").read_text())
        assert line["score"] == summary["metrics"]["test"]["accuracy"]
        assert line["efficiency"]["size_mb"] == summary["efficiency"]["size_mb"]
        assert line["seconds"] == summary["seconds"]["total"]


def test_the_page_is_complete_in_itself(told):
    value, path = told
    page = path.read_text()
    for text in ("second", "third", "preprocess.numbers", "not comparable row by row", value["runs"][2]["data"][:12]):
        assert text in page, text
    assert not re.search(r"<(?:img|link|iframe)\b", page) and "default-src 'none'" in page
    assert re.search(r'data-figure="figure-scores"', page) and re.search(r'data-figure="figure-differences"', page)


def test_text_names_the_page(runs, call, tmp_path):
    said = call("report", *runs[:2], "--out", tmp_path / "two.html")
    assert said.code == 0 and said.out.rstrip().endswith(str(tmp_path / "two.html"))
    assert "difference from the first" in said.out and (tmp_path / "two.html").is_file()


def test_by_default_the_page_lies_beside_the_first_run(runs, call):
    said = call("report", *runs[:2], "--json")
    path = runs[0].resolve().parent / re.search(r"comparison-[0-9a-f]{8}\.html", said.json["report"]).group()
    assert str(path) == said.json["report"] and path.is_file()
    path.unlink()


def test_names_that_are_one_or_hostile_stay_apart_and_text(runs, call, tmp_path):
    hostile = tmp_path / "<b>x" / "run"
    shutil.copytree(runs[0], hostile)
    said = call("report", runs[0], hostile, "--out", tmp_path / "page.html", "--json")
    assert said.code == 0, said.err
    names = [one["name"] for one in said.json["runs"]]
    assert len(set(names)) == 2 and said.json["plan"] == {}
    assert said.json["paired"][0]["compared"]["verdict"] == "no evidence"
    assert "<b>x" not in (tmp_path / "page.html").read_text()


def test_what_is_no_finished_run_is_refused_and_nothing_is_written(runs, call, tmp_path):
    said = call("report", runs[0], tmp_path, "--out", tmp_path / "page.html", "--json")
    assert said.code == 1 and said.json["error"]["type"] == "RunError" and str(tmp_path) in said.err
    assert not (tmp_path / "page.html").exists()
    assert call("report", runs[0], "--out", tmp_path / "page.html").code == 2
