"""Progress: what is shown, and how often."""

import io
import sys

import pytest

from tunewright.cli import progress
from tunewright.events import Event


def tick(done, **more):
    return Event(station="train", what="progress", data={"done": done, "total": 100, **more})


def test_plain_lines_come_at_most_every_five_seconds(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    plain = progress.PlainProgress()
    for second in range(61):
        now[0] = float(second)
        plain(tick(second))
    assert len(capsys.readouterr().err.splitlines()) == 12


def test_every_note_is_a_line_without_control_characters(capsys):
    plain = progress.PlainProgress()
    for _ in range(3):
        plain(Event(station="train", what="note", text="a\x1b[31m\nb"))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("a␛[31m b")


def test_quiet_shows_nothing(capsys):
    with progress.shown(quiet=True) as show:
        show(tick(1))
        show(Event(station="train", what="note", text="x"))
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_one_live_display(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress.shown(quiet=False) as show:
        assert isinstance(show, progress.LiveProgress)
        show(tick(40, train_loss=0.5, metric=0.75, seconds_left=90.0))
        show.progress.refresh()
        show(Event(station="train", what="note", text="[red]not markup[/red]"))
    shown = terminal.getvalue()
    assert "loss 0.500" in shown
    assert "40%" in shown
    assert "[red]not markup[/red]" in shown


@pytest.mark.parametrize("data", [{}, {"metric": None}, {"seconds_left": 0}, {"train_loss": "x"}])
def test_odd_data_is_left_out(data):
    assert progress.details(data) == ""
