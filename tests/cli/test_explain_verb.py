"""`tunewright explain`: a text, a row, a file, a run; what cannot be explained says why."""

import csv
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

import tunewright as tw
from tunewright.cli.highlight import marked
from tunewright.errors import DataError, ModelError

ROW = '{"text": "bako lili nope", "size": 3}'
HOSTILE = "\x1b[31mred\x1b]0;x\x07 <script>alert(1)</script> \u202e =cmd|' /C calc'!A0 [bold]x[/bold]"


def sign(folder):
    """Digests that fit what was changed."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names if name[0] != "."
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture(scope="module")
def texts_only(rows_csv, quick, call, tmp_path_factory):
    """A run on the texts alone; of its rows nothing may be shown."""
    out = tmp_path_factory.mktemp("texts") / "run"
    said = call(
        "run", rows_csv, "--target", "label", *quick, "--set", "knowledge.never_use=[size]", "--set",
        "knowledge.expect=[baba, size, nowhere]", "--set", "report.examples=false", "--out", out, "--json",
        home=tmp_path_factory.mktemp("home"),
    )  # fmt: skip
    assert said.code == 0, said.err
    return out, said


def test_a_row_is_explained_with_words_columns_and_neighbours(finished, call):
    found = call("explain", finished.folder, ROW, "--json").json
    assert {"prediction", "confidence", "tokens", "columns", "neighbours"} <= set(found)
    assert [token["text"] for token in found["tokens"]] == ["bako", "lili", "nope"]
    assert all({"text", "weight"} <= set(token) for token in found["tokens"])
    assert {column["name"] for column in found["columns"]} == {"text", "size"}
    assert found["prediction"] == "red" and found["label"] == "red" and 0.5 < found["confidence"] <= 1
    weights = {token["text"]: token["weight"] for token in found["tokens"]}
    assert weights["bako"] == max(weights.values())  # the word that tells the label
    rows = list(csv.DictReader(Path(finished.arguments[1]).read_text().splitlines()))
    train = json.loads((finished.folder / "split.json").read_text())["train"]
    assert sum(near["agrees"] for near in found["neighbours"]) == 3 == len(found["neighbours"]) - 3
    for near in found["neighbours"]:
        assert near["row"] in train and near["agrees"] == (near["label"] == "red")
        assert rows[near["row"]]["label"] == near["label"] and rows[near["row"]]["text"] == near["cells"]["text"]
    assert found["method"] == json.loads((finished.folder / "explanation.json").read_text())["method"]


def test_text_says_words_with_their_weights(finished, call):
    said = call("explain", finished.bundle, ROW).out
    assert said.startswith("prediction  red (")
    assert "bako[+" in said and "\x1b" not in said
    assert "Neighbours are looked for among" in said and "disagrees" in said


def test_the_run_as_a_whole(finished, call):
    found = call("explain", finished.folder, "--json").json
    assert found == json.loads((finished.folder / "explanation.json").read_text())
    assert next(one["name"] for one in found["columns"]) == "text"
    assert "bako" in [one["text"] for one in found["words"]["red"]][:3]
    said = call("explain", finished.folder).out
    assert "column" in said and "bako" in said and "occlusion: passed" in said
    missing = call("explain", finished.bundle)
    assert missing.code == 1 and "no explanation.json" in missing.err


def test_a_file_gives_one_explanation_per_row(finished, call, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("text,size\nbako lili,1\nbaba muko,2\nsese,3\n")
    found = call("explain", finished.bundle, path, "--rows", "2", "--json").json
    assert [len(one["tokens"]) for one in found["explanations"]] == [2, 2]
    assert any("first 2 of 3 rows" in note for note in found["about"])
    assert call("explain", finished.bundle, path).out.count("prediction") == 3


def test_python_does_the_same(finished, call):
    predictor = tw.load(finished.bundle)
    one = predictor.explain({"text": "bako lili nope", "size": 3})
    found = call("explain", finished.bundle, ROW, "--json").json
    assert [token.weight for token in one.tokens] == pytest.approx([token["weight"] for token in found["tokens"]])
    many = predictor.explain([{"text": "bako", "size": 3}, {"text": "baba", "size": 4}], method="integrated_gradients")
    assert [row.method for row in many] == ["integrated_gradients"] * 2
    with pytest.raises(DataError, match="must be one of occlusion"):
        predictor.explain("x", method="oclusion")
    with pytest.raises(ModelError, match=r"tw\.load"):
        type(predictor)(predictor.model).explain("x")


def test_another_label_has_other_weights(finished, call):
    green, red = (call("explain", finished.bundle, ROW, "--label", label, "--json").json for label in ("green", "red"))
    assert [t["weight"] for t in green["tokens"]] == pytest.approx([-t["weight"] for t in red["tokens"]], abs=1e-3)
    said = call("explain", finished.bundle, ROW, "--label", "blue")
    assert said.code == 3 and "must be one of the model's. Got 'blue'" in said.err


def test_neighbours_come_from_a_named_file_or_say_why_not(finished, call, tmp_path, rows_csv):
    lone = tmp_path / "bundle"
    shutil.copytree(finished.bundle, lone)
    found = call("explain", lone, ROW, "--json").json
    assert found["neighbours"] == [] and any("a bundle holds no rows" in note for note in found["about"])
    found = call("explain", lone, ROW, "--data", rows_csv, "--json").json
    assert len(found["neighbours"]) == 6 and any("rows.csv" in note for note in found["about"])
    unlabelled = tmp_path / "new.csv"
    unlabelled.write_text("text,size,label\nbako lili,1,\n")
    found = call("explain", lone, ROW, "--data", unlabelled, "--json").json
    assert any("no row of the data has a label" in note for note in found["about"])


def test_a_changed_or_absent_training_file_gives_no_neighbours(finished, call, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished.folder, run)
    changed = tmp_path / "rows.csv"
    original = finished.arguments[1]
    plan = (run / "plan.yaml").read_text()
    (run / "plan.yaml").write_text(plan.replace(str(original), str(changed)))
    said = call("explain", run, ROW, "--json").json
    assert said["neighbours"] == [] and any("cannot be read" in note for note in said["about"])
    lines = Path(original).read_text().splitlines()
    changed.write_text("\n".join([lines[0], *(f"{line[:-3]}red" for line in lines[1:])]) + "\n")
    said = call("explain", run, ROW, "--json").json
    assert said["neighbours"] == [] and any("no longer what the run learned from" in note for note in said["about"])


def test_a_method_that_fails_its_check_is_not_shown(finished, call, tmp_path):
    lone = tmp_path / "bundle"
    shutil.copytree(finished.bundle, lone)
    held = json.loads((lone / "explaining.json").read_text())
    for check in held["checks"]:
        check |= {"passed": False, "why": "it says nothing here"}
    (lone / "explaining.json").write_text(json.dumps(held))
    sign(lone)
    said = call("explain", lone, ROW, "--json").json
    assert said["method"] is None and said["tokens"] == said["columns"] == [] and said["prediction"] == "red"
    assert "occlusion is not shown: it says nothing here" in said["about"][0]
    assert "No weights are shown" in call("explain", lone, ROW).out


def test_an_earlier_bundle_is_checked_on_the_rows_to_be_explained(finished, call, tmp_path):
    lone = tmp_path / "bundle"
    shutil.copytree(finished.bundle, lone)
    (lone / "explaining.json").unlink()
    sign(lone)
    said = call("explain", lone, ROW, "--json").json
    assert {one["rows"] for one in said["checks"]} == {1}


def test_what_the_expert_expected_is_told(texts_only, call):
    folder, said = texts_only
    told = {one["name"]: one["verdict"] for one in said.json["expectations"]}
    assert told["baba"] == "confirmed" and told["size"] == "not seen" == told["nowhere"]
    assert "nowhere" in said.err
    page = (folder / "report.html").read_text()
    assert "What was expected" in page and "What the model looks at" in page


def test_without_examples_nothing_of_a_row_is_written(texts_only, call, rows_csv):
    folder, _ = texts_only
    words = {word for line in rows_csv.read_text().splitlines()[1:] for word in line.split(",")[0].split()}
    kept = (folder / "explanation.json").read_text() + (folder / "bundle" / "explaining.json").read_text()
    assert {word for word in words if f'"{word}"' in kept or f" {word} " in kept} <= {"baba"}  # declared by the expert
    found = call("explain", folder, "bako lili", "--json").json
    assert found["neighbours"] and all(near["cells"] == {} for near in found["neighbours"])


@pytest.mark.parametrize("text", ["", "   ", "Ж Щ", HOSTILE, "bako " * 3000, "{", '{"size": 1}', "{" * 5000])
def test_odd_texts_are_answered(texts_only, call, text):
    folder, _ = texts_only
    said = call("explain", folder, text)
    assert said.code == 0, said.err
    assert said.out.startswith("prediction") and "\x1b" not in said.out and "\u202e" not in said.out
    if not text.strip():
        assert "there is no text" in said.out
    if text.startswith("bako"):
        assert "in groups of" in said.out and "stand behind" in said.out


def test_hostile_cells_of_a_file_stay_text(finished, call, tmp_path):
    path = tmp_path / "new.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["text", "size"], [HOSTILE, "1"], ["", ""], ["bako", "nan"], ["x" * 100_000, "1e999"]]
        )
    said = call("explain", finished.bundle, path)
    assert said.code == 0, said.err
    assert "\x1b" not in said.out and "\u202e" not in said.out and said.out.count("prediction") == 4
    assert "bold" in said.out  # rich's markup is text, too


def test_what_cannot_be_explained_says_why(finished, call, tmp_path):
    said = call("explain", finished.bundle, "a text alone", "--json")
    assert (said.code, said.json["error"]["type"]) == (3, "DataError")
    assert "reads 'text', 'size'" in said.json["error"]["message"]
    said = call("explain", finished.bundle, '{"text": "no size"}')
    assert said.code == 3 and "Missing: 'size'" in said.err
    assert call("explain", finished.bundle, tmp_path / "nothing.csv").code == 3
    assert call("explain", tmp_path, "x").code == 1
    assert call("explain", finished.bundle, ROW, "--method", "lime").code == 3
    assert call("explain", finished.bundle, ROW, "--rows", "0").code == 2


def test_words_are_coloured_on_a_terminal_only(monkeypatch):
    marks = [(0, 4, 1.0, 2.5), (5, 10, -0.5, -1.2), (11, 12, 0.01, 0.0)]
    monkeypatch.setenv("TERM", "xterm-256color")
    painted = marked("late again \x1b[5m", marks, colours=True)
    assert "\x1b[" in painted and "\x1b[5m" not in painted and "␛[5m" in painted
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == "late again ␛[5m"
    monkeypatch.setenv("TERM", "vt100")
    few = marked("late again !", marks, colours=True)
    assert ";42m" in few and ";41m" in few  # green, red
    assert marked("late again !", marks, colours=False) == "late[+2.50] again[-1.20] !"

    class Terminal:
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "__stdout__", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in marked("late again !", marks)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in marked("late again !", marks)
