"""`--page` and `tunewright studio`: where the address is printed, when the server ends, what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest

from tunewright.cli import answer as answers
from tunewright.cli import page as pages
from tunewright.cli.answer import Answer, print_answer
from tunewright.cli.page import paged, staying
from tunewright.events import Event


def fetch(url):
    return urllib.request.urlopen(url, timeout=10).read()


def test_a_finished_run_with_a_page_ends_like_any_other(call, finished):
    said = call(*finished.arguments, "--page", "--json", home=finished.home)
    assert said.code == 0 and said.json["run"] == str(finished.folder)
    (address,) = (line for line in said.err.splitlines() if line.startswith("Page: "))
    with pytest.raises(urllib.error.URLError):  # nobody sits at this terminal: the server has ended
        fetch(address.split()[1])


def test_a_page_and_a_cluster_do_not_go_together(call, rows_csv, quick):
    said = call("run", rows_csv, "--target", "label", *quick, "--page", "--on", "ray")
    assert said.code == 2 and "runs on this machine" in said.err


def test_the_page_closes_where_the_work_fails(call, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    said = call("run", tmp_path / "rows.csv", "--target", "nothing", "--page")
    assert said.code == 2 and "Page: " in said.err
    assert not [thread for thread in threading.enumerate() if thread.name == "page"]


def test_it_learns_from_the_run_where_the_folder_is(tmp_path, capsys):
    with paged(wanted=True) as live:
        assert json.loads(fetch(live.studio.url + "runs")) == {"runs": [], "left_out": 0, "single": True}
        (tmp_path / "journal.jsonl").write_text("")
        live(Event(station="run", what="opened", data={"folder": str(tmp_path)}))
        (row,) = json.loads(fetch(live.studio.url + "runs"))["runs"]
        assert row["name"] == tmp_path.name
    assert fetch(live.studio.url + "runs")  # what went well leaves it open
    assert staying(live, json=True) is None
    assert live.studio.url in capsys.readouterr().err
    with pytest.raises(urllib.error.URLError):
        fetch(live.studio.url)


def test_for_a_person_it_stays_until_ctrl_c(monkeypatch, capsys):
    monkeypatch.setattr(pages.sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(pages.sys.stderr, "isatty", lambda: True, raising=False)
    with paged(wanted=True) as live:
        after = staying(live, json=False)
    monkeypatch.setattr(pages, "forever", _ctrl_c)
    assert fetch(live.studio.url)
    assert print_answer(Answer(value={}, text="done", code=4, after=after), as_json=False) == 4
    said = capsys.readouterr()
    assert said.out == "done\n" and "Ctrl-C ends it" in said.err
    monkeypatch.undo()
    with pytest.raises(urllib.error.URLError):
        fetch(live.studio.url)


def _ctrl_c():
    raise KeyboardInterrupt


def test_without_a_page_there_is_no_server():
    with paged(wanted=False) as live:
        assert live is None
    assert staying(live, json=False) is None
    assert answers.Answer(value={}, text="").after is None


def test_the_studio_serves_until_ctrl_c(finished):
    process = subprocess.Popen(
        [sys.executable, "-m", "tunewright", "studio", str(finished.folder.parent), "--json"],
        env=os.environ | {"TUNEWRIGHT_HOME": str(finished.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        told = json.loads(process.stdout.readline())
        assert told["runs"] == 1
        (row,) = json.loads(fetch(told["url"] + "runs"))["runs"]
        assert row["state"] == "finished" and row["objective"] == "met"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0 and out == "" and "Traceback" not in err
    finally:
        process.kill()
        process.communicate()


def test_the_studio_needs_a_folder(call, tmp_path):
    said = call("studio", tmp_path / "nothing")
    assert said.code == 2 and "needs a folder of runs" in said.err
    assert call("studio", "s3://bucket/runs").code == 2
