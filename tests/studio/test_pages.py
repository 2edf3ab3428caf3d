"""The pages in a browser: curves that grow, a stop that stops, a review by keys, cells that stay text, any width."""

from __future__ import annotations

import csv
import io
import os
import time

import pytest

from tunewright.studio.desk import runs_in
from tunewright.studio.server import serving

PHONE, DESK = 360, 1100


@pytest.fixture
def studio(copied):
    with serving(lambda: runs_in(copied)) as found:
        yield found


@pytest.fixture
def opened(browser):
    """(url, ...) to a page that is closed, and clean, when the test ends."""
    pages = []

    def go(url, **options):
        pages.append(browser.open(url, **options))
        return pages[-1]

    yield go
    for page in pages:
        found = page.errors()
        page.close()
        assert not found, found


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_curves_grow_while_it_trains_and_the_button_stops_it(train, tmp_path, opened):
    process = train("--page")
    line = process.stderr.readline()
    assert line.startswith("Page: http://127.0.0.1:")
    page = opened(line.split()[1])
    page.wait("location.pathname.endsWith('/run/long/')", 60)
    page.wait("!document.getElementById('curves').hidden", 60)
    page.wait("document.querySelector('#plot-loss .scatterlayer .trace path.js-line')", 30)
    count = "document.getElementById('plot-loss').data[0].x.length"
    first = page.js(count)
    page.wait(f"{count} > {first}", 30)
    page.wait("document.getElementById('plot-metric').data[0].y.length >= 2", 60)
    assert page.text("#state") == "running" and "train" in page.text("#station")
    assert " of " in page.text("#memory") and page.text("#left") != "–"
    assert "audit" in page.text("#road") and page.js("document.querySelectorAll('#notes li').length") > 3
    page.shot("run-running")
    # A page that is opened late knows as much.
    late = opened(page.js("location.href"), width=PHONE, dark=True)
    late.wait("!document.getElementById('curves').hidden", 30)
    assert late.js(count) >= first and late.overflow() <= 0
    late.shot("run-running-phone")
    page.allowed = late.allowed = ("net::ERR_",)  # the server is about to go
    page.js("document.getElementById('stop').click()")
    assert page.js("document.getElementById('sure').open")
    page.js("document.getElementById('do-not').click()")
    assert process.poll() is None
    page.js("document.getElementById('stop').click()")
    page.js("document.getElementById('do-stop').click()")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "The same command continues" in err and "Traceback" not in err
    assert out == "" and any((tmp_path / "runs" / "long" / "checkpoints").iterdir())
    page.wait("!document.getElementById('problem').hidden", 30)
    assert "tunewright studio" in page.text("#problem")


@pytest.mark.slow
def test_the_studio_follows_a_run_of_another_process_and_stops_it(train, tmp_path, opened):
    process = train("--quiet")
    runs = tmp_path / "runs"
    wait_for(lambda: (runs / "long" / "progress.jsonl").exists())
    with serving(lambda: runs_in(runs)) as studio:
        page = opened(studio.url + "run/long/")
        page.wait("!document.getElementById('curves').hidden", 60)
        page.js("document.getElementById('stop').click(); document.getElementById('do-stop').click()")
        assert process.wait(60) == 130
        page.wait("document.getElementById('state').innerText === 'interrupted'", 30)
        assert "the same command goes on" in page.text("#headline")
        points = page.js("document.getElementById('plot-loss').data[0].x")
        again = train("--quiet")
        page.wait("document.getElementById('state').innerText === 'running'", 60)
        page.wait(f"Math.max(...document.getElementById('plot-loss').data[0].x) > {max(points)}", 60)
        steps = page.js("document.getElementById('plot-loss').data[0].x")
        assert steps == sorted(set(steps)), "what was done again is drawn once"
        again.kill()
        page.wait("document.getElementById('state').innerText === 'interrupted'", 30)


def test_a_finished_run_shows_its_verdict_and_leads_to_its_report(studio, opened):
    page = opened(studio.url + "run/one/")
    page.wait("document.getElementById('state').innerText === 'finished'")
    assert "accuracy" in page.text("#headline") and " to " in page.text("#score")
    assert page.js("document.getElementById('stop').hidden")
    assert page.js("document.querySelectorAll('#findings tr').length") > 0
    page.shot("run-finished")
    report = opened(page.js("document.getElementById('report').href"))
    report.wait("document.querySelector('.plot .main-svg')", 30)
    assert report.js("location.origin === 'null' || window.origin === 'null'")


@pytest.mark.parametrize(("width", "dark"), [(PHONE, True), (DESK, False)])
def test_no_page_is_wider_than_its_window(studio, opened, width, dark):
    for path, ready in (
        ("", "!document.getElementById('table').hidden"),
        ("run/one/", "document.getElementById('state').innerText === 'finished'"),
        ("run/one/review/", "!document.getElementById('review').hidden"),
    ):
        page = opened(studio.url + path, width=width, dark=dark)
        page.wait(ready)
        assert page.overflow() <= 0, path
        ground = page.js("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 24, 26)" if dark else "rgb(255, 255, 255)")
        page.shot(f"{path.strip('/').replace('/', '-') or 'list'}-{width}-{'dark' if dark else 'light'}")


def test_two_runs_are_chosen_and_compared(studio, opened):
    page = opened(studio.url)
    page.wait("document.querySelectorAll('#runs tr').length === 2")
    assert page.js("document.getElementById('compare').disabled")
    page.js("document.querySelectorAll('#runs input').forEach((box) => box.click())")
    page.wait("!document.getElementById('compare').disabled")
    page.js("document.getElementById('compare').click()")
    page.wait("!document.getElementById('compared').hidden", 60)
    assert "rows" in page.text("#verdict") and "accuracy" in page.text("#scores")
    page.shot("list-compared")


def test_a_run_that_begins_appears_in_the_list(studio, opened, copied):
    page = opened(studio.url)
    page.wait("document.querySelectorAll('#runs tr').length === 2")
    os.rename(copied / "two", copied / "<b>zwei & more")
    page.wait("document.getElementById('runs').innerText.includes('<b>zwei & more')")
    assert page.js("document.querySelectorAll('#runs b').length") == 2  # those of the values
    link = page.js("[...document.querySelectorAll('#runs th a')].find((a) => a.innerText.includes('zwei')).href")
    there = opened(link)
    there.wait("document.getElementById('state').innerText === 'finished'")
    assert "<b>zwei & more" in there.text("#name")


def lines(copied):
    text = (copied / "one" / "corrections.csv").read_text("utf-8-sig")
    return {int(one["row"]): one for one in csv.DictReader(io.StringIO(text))}


def test_rows_are_reviewed_one_key_at_a_time(studio, opened, copied):
    page = opened(studio.url + "run/one/review/")
    page.allowed = ("status of 400",)  # a label that is none
    page.wait("!document.getElementById('review').hidden")
    total = int(page.text("#headline").split()[2])
    assert total >= 4 and page.text("#headline").startswith("0 of")
    row = "Number(document.getElementById('number').innerText.slice(4))"
    first = page.js(row)
    page.press("k")  # nobody has said who decides
    page.wait("!document.getElementById('problem').hidden")
    assert page.js("document.activeElement.id") == "who"
    page.type("ada")
    page.press("Escape")
    page.press("c")
    page.type("it says so")
    page.press("Enter")
    page.press("k")
    page.wait("document.getElementById('headline').innerText.startsWith('1 of')")
    second = page.js(row)
    assert second != first and lines(copied)[first]["decision"] == "keep"
    assert lines(copied)[first]["who"] == "ada" and lines(copied)[first]["comment"] == "it says so"
    given = page.text("#given")
    labels = ["green", "red"]
    page.press(str(2 - labels.index(given)))  # the key of the other label
    page.wait("document.getElementById('headline').innerText.startsWith('2 of')")
    assert lines(copied)[second] | {"decision": "relabel", "comment": ""} == lines(copied)[second]
    assert lines(copied)[second]["new_label"] == labels[1 - labels.index(given)]
    third = page.js(row)
    page.press("d")
    page.wait("document.getElementById('headline').innerText.startsWith('3 of')")
    assert lines(copied)[third]["decision"] == "drop"
    page.press("u")
    page.wait("document.getElementById('headline').innerText.startsWith('2 of')")
    assert page.js(row) == third and lines(copied)[third]["decision"] == ""
    page.press("ArrowLeft")
    assert page.js(row) == second and "relabel" in page.text("#decided")
    page.press("x")
    page.wait("document.getElementById('headline').innerText.startsWith('1 of')")
    page.press("ArrowRight")
    page.press("l")
    page.type("purple")
    page.press("Enter")
    page.wait("!document.getElementById('problem').hidden")
    assert "label of the target" in page.text("#problem") and lines(copied)[third]["decision"] == ""
    assert f"--set audit.corrections={copied / 'one' / 'corrections.csv'}" in page.text("#command")
    page.shot("review")
    # Later, or on another day: where it was left.
    later = opened(studio.url + "run/one/review/", width=PHONE)
    later.wait("document.getElementById('headline').innerText.startsWith('1 of')")
    assert later.js(row) == second and later.js("document.getElementById('who').value") == "ada"


def test_every_button_is_reached_by_the_keyboard(studio, opened):
    page = opened(studio.url + "run/one/review/")
    page.wait("!document.getElementById('review').hidden")
    reached = set()
    for _ in range(40):
        page.press("Tab")
        reached.add(page.js("document.activeElement.dataset.key || document.activeElement.id"))
    enabled = page.js("[...document.querySelectorAll('button[data-key]:not(:disabled)')].map((b) => b.dataset.key)")
    assert set(enabled) | {"who", "label", "comment", "show"} <= reached


def test_cells_stay_text(studio, opened, copied):
    queue = opened(studio.url + "run/one/review/")
    queue.wait("!document.getElementById('review').hidden")
    found = 0
    for _ in range(int(queue.text("#headline").split()[2])):
        text = queue.text("#cells")
        found += "<script>" in text and "␛[31m" in text and "⟨U+202E⟩" in text
        queue.press("ArrowRight")
    assert found, "no hostile row came by"
    assert queue.js("document.body.dataset.hit") is None
    assert queue.js("document.querySelectorAll('#cells img, #cells script').length") == 0


def test_a_review_that_cannot_be_says_why(studio, opened, copied):
    (copied / "one" / "audit.json").unlink()
    page = opened(studio.url + "run/one/review/")
    page.allowed = ("status of 409",)
    page.wait("!document.getElementById('problem').hidden")
    assert page.text("#headline") == "There is nothing to review" and "has none yet" in page.text("#problem")
