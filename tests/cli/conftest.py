"""Calling the command line in this process, and one small finished run that several files look at."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

ROWS = 150


@dataclass(frozen=True)
class Called:
    """What a call gave."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output as the one strict JSON object it has to be."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def run_here(*arguments, home=None):
    from tunewright.cli import main

    out, err = io.StringIO(), io.StringIO()
    environment = {"TUNEWRIGHT_HOME": str(home)} if home else {}
    with mock.patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            return Called(int(end.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("main must exit")


@pytest.fixture(scope="session")
def call():
    return run_here


def write_rows(path: Path, words, *, rows=ROWS, labels=("green", "red")) -> Path:
    """Texts of eight words whose first tells the label nine times of ten, and a number that means little."""
    draw = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "label"])
        for row in range(rows):
            number = row % len(labels)
            said = number if draw.random() < 0.9 else draw.randrange(len(labels))
            text = " ".join([words[said], *draw.choices(words[12:], k=7)])
            writer.writerow([text, draw.randrange(1000), labels[number]])
    return path


@pytest.fixture(scope="session")
def rows_csv(tmp_path_factory, tiny_words):
    return write_rows(tmp_path_factory.mktemp("data") / "rows.csv", tiny_words)


@pytest.fixture(scope="session")
def quick(tiny_model):
    """Options that make a run take a few seconds."""
    return ("--set", f"model.name={tiny_model}", "--set", "model.train=head", "--set", "model.head=linear")


@dataclass(frozen=True)
class Finished:
    folder: Path
    home: Path
    called: Called
    arguments: tuple[str, ...]

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle"


@pytest.fixture(scope="session")
def finished(tmp_path_factory, rows_csv, quick):
    """A finished run with an objective that no model misses."""
    parent = tmp_path_factory.mktemp("finished")
    objective = ("--set", "objective.metric=accuracy", "--set", "objective.at_least=0.01")
    arguments = ("run", str(rows_csv), "--target", "label", *quick, *objective, "--out", str(parent / "run"))
    called = run_here(*arguments, "--json", "--require-objective", home=parent / "home")
    assert called.code == 0, called.err
    return Finished(parent / "run", parent / "home", called, arguments)
