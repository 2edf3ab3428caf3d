"""`tunewright compare`: runs on the test rows they share, bundles on a file."""

import json
import shutil

import pytest

import tunewright as tw


@pytest.fixture(scope="module")
def blind(rows_csv, quick, call, tmp_path_factory):
    """A run on the same rows with the number left out."""
    out = tmp_path_factory.mktemp("runs") / "blind"
    said = call(
        "run", rows_csv, "--target", "label", *quick, "--set", "knowledge.never_use=[size]", "--out", out, "--json",
        home=tmp_path_factory.mktemp("home"),
    )  # fmt: skip
    assert said.code == 0, said.err
    return out


def test_two_runs_are_compared_on_the_test_rows_they_share(finished, blind, call):
    said = call("compare", finished.folder, blind, "--json")
    assert said.code == 0, said.err
    found = said.json
    assert {"metric", "a", "b", "difference", "p_value", "verdict", "slices", "rows_needed"} <= set(found)
    assert {"value", "low", "high", "n"} == set(found["difference"])
    ours, theirs = (json.loads((run / "split.json").read_text())["test"] for run in (finished.folder, blind))
    shared = len({*ours} & {*theirs})
    assert shared >= 20
    assert (found["rows"], found["left_out"]) == (shared, len(ours) + len(theirs) - 2 * shared)
    if shared == len(ours) == len(theirs):
        scored = json.loads((finished.folder / "evaluation.json").read_text())["metrics"]["test"]
        assert {name: a["value"] for name, (a, _) in found["scores"].items()} == pytest.approx(
            {name: score["value"] for name, score in scored.items()}
        )


def test_text_says_who_is_better_and_by_how_much(finished, blind, call):
    said = call("compare", finished.folder, blind)
    found = call("compare", finished.folder, blind, "--json").json
    assert said.out.startswith(found["text"])
    assert "on the same rows" in said.out
    assert "accuracy" in said.out


def test_bundles_are_compared_on_rows_of_a_file_that_neither_has_learned_from(
    finished, blind, rows_csv, call, tmp_path
):
    fresh = tmp_path / "fresh.csv"
    header, *lines = rows_csv.read_text().splitlines()
    fresh.write_text("\n".join([header, *(f"and {line}" for line in lines)]))
    found = call("compare", finished.bundle, blind, fresh, "--json").json
    assert (found["rows"], found["left_out"]) == (150, 0)
    python = tw.compare(finished.bundle, blind, fresh)
    assert python.difference.value == found["difference"]["value"]
    # The rows both were made from: only those that are in neither's train and validation parts are left.
    shared = call("compare", finished.folder, blind, "--json").json
    again = call("compare", finished.bundle, blind / "bundle", rows_csv, "--json").json
    assert (again["rows"], again["left_out"]) == (shared["rows"], 150 - shared["rows"])
    assert again["difference"]["value"] == pytest.approx(shared["difference"]["value"])


def test_rows_that_a_model_knows_compare_nothing(finished, blind, rows_csv, call, tmp_path):
    known = json.loads((finished.folder / "split.json").read_text())["train"]
    lines = rows_csv.read_text().splitlines()
    path = tmp_path / "known.csv"
    path.write_text("\n".join([lines[0], *(lines[1 + row] for row in known)]))
    said = call("compare", finished.bundle, blind, path, "--json")
    assert said.code == 3
    assert "neither model has learned from" in said.json["error"]["message"]


def test_a_model_against_itself_is_no_better(finished, call):
    found = call("compare", finished.folder, finished.folder, "--json").json
    assert (found["verdict"], found["difference"]["value"], found["rows_needed"]) == ("no evidence", 0.0, None)


def test_what_cannot_be_compared_says_why(finished, blind, rows_csv, call, tmp_path):
    said = call("compare", finished.bundle, blind, "--json")
    assert (said.code, said.json["error"]["type"]) == (3, "DataError")
    assert "compare A B DATA" in said.json["error"]["message"]
    old = tmp_path / "old"
    shutil.copytree(blind, old)
    shutil.rmtree(old / "answers")
    said = call("compare", finished.folder, old, "--json")
    assert said.json["error"]["type"] == "RunError"
    assert "compare A B DATA" in said.json["error"]["message"]
    shutil.copytree(blind / "answers", old / "answers")
    (old / "answers" / "test.safetensors").write_bytes(b"damaged")
    assert "must be what a run wrote" in call("compare", finished.folder, old, "--json").json["error"]["message"]
    assert call("compare", finished.folder, blind, "--metric", "r2").code == 2
    unlabelled = tmp_path / "new.csv"
    unlabelled.write_text("text,size\nbako,1\n")
    assert call("compare", finished.bundle, blind, unlabelled).code == 3


def test_no_cell_of_a_row_stands_in_what_is_kept(blind, rows_csv):
    kept = (blind / "answers" / "test.safetensors").read_bytes()
    texts = [line.split(",")[0] for line in rows_csv.read_text().splitlines()[1:]]
    assert not any(text.encode() in kept for text in texts)
