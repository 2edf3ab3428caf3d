"""Bad input at the command line (FAULTS 14, 15, 20): exit code 3 and a message that says what, where and what to do."""

import gzip
import re

import pytest

from tunewright.data import bounds

GOOD = [f"some words {row} of a text,{'ab'[row % 2]}" for row in range(60)]

REFUSED = {
    "empty": ("", "is empty"),
    "header only": ("text,label\n", "only a header"),
    "three rows": ("text,label\n" + "\n".join(GOOD[:3]), "At least .* rows"),
    "one class": ("text,label\n" + "\n".join(row[:-1] + "a" for row in GOOD), "two different values"),
    "no target cells": ("text,label\n" + "\n".join(row[:-1] for row in GOOD), "'label' is empty in all 60 rows"),
    "a class per row": ("text,label\n" + "\n".join(f"{row}{n}" for n, row in enumerate(GOOD)), "60 different values"),
    "many classes": (
        "text,label\n" + "\n".join(f"words {n} and more,label {n % 10_000}" for n in range(12_000)),
        "Column 'label' has 10000 different values in 1.... labelled rows",
    ),
    "one text": ("text,label\n" + "\n".join(f"the same words,{'ab'[n % 2]}" for n in range(60)), "tell rows apart"),
    "one row many times": ("text,label\n" + "the same words,a\n" * 60, "tell rows apart|two different values"),
    "ragged": ("text,label\n" + "\n".join(GOOD[:50] + ["a,b,c"] * 10), "10 of 60 rows are; the first is row 50"),
    "NUL": ("text,label\n" + "\n".join(GOOD[:50] + ["a\0,b"] * 10), "row 50, column 'text'.*NUL byte"),
}


@pytest.mark.parametrize("verb", ["run", "audit", "plan"])
@pytest.mark.parametrize("what", REFUSED)
def test_hopeless_data_exits_with_3(call, quick, tmp_path, what, verb):
    body, says = REFUSED[what]
    path = tmp_path / "rows.csv"
    path.write_text(body)
    out = () if verb == "plan" else ("--out", tmp_path / "out")
    said = call(verb, path, "--target", "label", *quick, *out, "--json")
    assert said.code == 3, said.err
    assert said.json["error"]["type"] == "DataError"
    assert re.search(says, said.json["error"]["message"])
    assert not (tmp_path / "out" / "bundle").exists()


def test_a_target_that_is_no_column_is_a_wrong_plan(call, quick, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "\n".join(GOOD))
    said = call("run", path, "--target", "labels", *quick, "--out", tmp_path / "out", "--json")
    assert said.code == 2
    assert "Did you mean 'label'?" in said.json["error"]["message"]
    assert not (tmp_path / "out").exists()


def test_unknown_columns_are_told_under_the_keys_that_name_them(call, quick, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "\n".join(GOOD))
    wrong = ("--set", "knowledge.never_use=[agent]", "--set", "splits.group=customer", "--set", "splits.time=day")
    said = call("run", path, "--target", "label", *quick, *wrong, "--out", tmp_path / "out", "--json")
    assert said.code == 2
    for key, name in (("knowledge.never_use", "agent"), ("splits.group", "customer"), ("splits.time", "day")):
        assert f"{key} must name columns of the data; there is no '{name}'" in said.json["error"]["message"]
    assert not (tmp_path / "out").exists()


def test_a_folder_that_was_there_before_stays(call, quick, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + "\n".join(GOOD))
    (tmp_path / "out").mkdir()
    assert call("run", path, "--target", "labels", *quick, "--out", tmp_path / "out", "--json").code == 2
    assert (tmp_path / "out").is_dir()


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_a_bomb_exits_with_3(call, quick, tmp_path, monkeypatch, ending):
    monkeypatch.setattr(bounds, "MAX_BYTES", 1 << 20)
    path = tmp_path / f"rows.{ending}.gz"
    path.write_bytes(gzip.compress(b"text\tlabel\n" + b"a" * (1 << 24)))
    said = call("audit", path, "--target", "label", *quick, "--json")
    assert said.code == 3
    assert "goes beyond both" in said.json["error"]["message"]
