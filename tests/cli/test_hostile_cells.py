"""Cells that act and do not show (FAULTS 29): formulas in csv, markup in report and card, codes on terminals."""

import csv
import io
import json
import random
import re
import sys
from html.parser import HTMLParser

import pytest

FORMULA = '=HYPERLINK("http://evil.example")<script>alert(1)</script>\x1b[31m'
COMMAND = "@SUM(1)\x1b]0;owned\x07<img src=x onerror=alert(2)>"
TEXT = "te`xt</code><script>alert(3)</script>\x1b[2J"
TARGET = "la\nbel|<script>alert(4)</script>\x1b[5m"
STARTS = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, tiny_words):
    path, draw = tmp_path_factory.mktemp("hostile") / "rows.csv", random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([TEXT, "size", TARGET])
        for row in range(200):
            words = " ".join([tiny_words[row % 2 if draw.random() < 0.9 else 1], *draw.choices(tiny_words[12:], k=7)])
            begun = STARTS[row % 6] if row % 3 == 0 else ""
            ended = " <script>alert(5)</script>\x1b[31m" if row % 4 == 0 else ""
            writer.writerow(
                [begun + words + ended, "n/a \x1b[7m" if row % 50 == 0 else row, (FORMULA, COMMAND)[row % 2]]
            )
    return path


@pytest.fixture(scope="module")
def walked(hostile, quick, call, tmp_path_factory):
    place = tmp_path_factory.mktemp("walked")
    options = (*quick, "--set", "objective.metric=accuracy", "--set", "objective.at_least=0.5")
    said = call("run", hostile, "--target", TARGET, *options, "--out", place / "run", home=place / "home")
    assert said.code == 0, said.err
    return place / "run", said


class Elements(HTMLParser):
    """Start tags of a page, with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_the_report_shows_markup_and_runs_none(walked):
    page = (walked[0] / "report.html").read_text()
    elements = Elements(page).tags
    assert not any(name.startswith("on") for _, attributes in elements for name in attributes)
    assert not any(tag == "img" for tag, _ in elements)
    assert sum(tag == "script" for tag, _ in elements) == page.count("</script>")
    assert not re.search(r"<script>\s*alert", page) and "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page and "\x07" not in page


def test_the_card_marks_nothing_up(walked):
    card = (walked[0] / "bundle" / "README.md").read_text()
    assert "<script" not in card and "<img" not in card and "\x1b" not in card
    assert not re.search(r"^bel", card, re.MULTILINE)
    (said,) = [line for line in card.splitlines() if line.startswith("Predicts")]
    assert "alert(3)" in said and "alert(4)" in said and "`size`" in said


def cells_of(text):
    return [cell for line in csv.reader(io.StringIO(text)) for cell in line]


def test_no_spreadsheet_runs_a_prediction(walked, hostile, call, tmp_path):
    out = tmp_path / "answers.csv"
    assert call("predict", walked[0] / "bundle", hostile, "--out", out).code == 0
    cells = cells_of(out.read_text())
    assert "'" + FORMULA in cells and "'" + COMMAND in cells
    assert not any(cell.startswith(STARTS) for cell in cells)


def test_jsonl_keeps_labels_as_they_are(walked, hostile, call, tmp_path):
    out = tmp_path / "answers.jsonl"
    assert call("predict", walked[0] / "bundle", hostile, "--out", out).code == 0
    assert "\x1b" not in out.read_text()
    assert {json.loads(line)["prediction"] for line in out.read_text().splitlines()} == {FORMULA, COMMAND}


def test_no_spreadsheet_runs_a_line_of_the_review_sheet(hostile, quick, call, tmp_path):
    sheet = tmp_path / "review.csv"
    said = call("audit", hostile, "--target", TARGET, *quick, "--out", tmp_path / "audit", "--review", sheet)
    assert said.code == 0, said.err
    cells = cells_of(sheet.read_text("utf-8-sig"))
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not any(cell.startswith(STARTS) and not re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell) for cell in cells)


@pytest.mark.parametrize("verb", ["run", "audit", "plan", "evaluate", "report"])
def test_no_escape_code_reaches_a_terminal(walked, hostile, quick, call, tmp_path, verb):
    target = ("--target", TARGET, *quick)
    arguments = {
        "audit": (hostile, *target, "--out", tmp_path / "audit"),
        "plan": (hostile, *target),
        "evaluate": (walked[0] / "bundle", hostile),
        "report": (walked[0],),
    }
    said = walked[1] if verb == "run" else call(verb, *arguments[verb])
    assert said.code == 0, said.err
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", said.out + said.err)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_predictions_are_exact_in_a_pipe_and_visible_on_a_terminal(walked, hostile, call, monkeypatch):
    assert "'" + COMMAND in cells_of(call("predict", walked[0] / "bundle", hostile).out)
    monkeypatch.setattr(sys, "__stdout__", Terminal())
    said = call("predict", walked[0] / "bundle", hostile)
    assert said.code == 0 and len(said.out.splitlines()) == 201
    assert "\x1b" not in said.out and "␛]0;owned" in said.out


@pytest.mark.parametrize("as_json", [False, True])
def test_errors_about_hostile_columns_are_plain(hostile, quick, call, as_json):
    said = call("audit", hostile, "--target", "\x1b[2Jlabel", *quick, *(["--json"] if as_json else []))
    assert said.code == 2
    assert "\x1b" not in said.out + said.err
