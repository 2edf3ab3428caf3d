"""`predict --choose` and `--labels`: a sheet goes out, labels come back as rows that a run can learn from."""

from __future__ import annotations

import csv
import io
import json

import pytest


@pytest.fixture
def pool(rows_csv, tmp_path, tiny_words):
    """Rows that the model has not seen."""
    path = tmp_path / "pool.csv"
    rows = [[" ".join(tiny_words[(7 * n + k * k) % 144] for k in range(8)), n] for n in range(60)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size"])
        writer.writerows(rows)
    return path


def test_out_and_back(finished, pool, call, tmp_path):
    sheet, out = tmp_path / "sheet.csv", tmp_path / "labelled.jsonl"
    chosen = call("predict", finished.bundle, pool, "--choose", 8, "--out", sheet, "--json")
    assert chosen.code == 0, chosen.err
    assert len(chosen.json["rows"]) == chosen.json["asked"] == 8 and chosen.json["pool"] == 60
    lines = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8-sig"))))
    assert [int(line["row"]) for line in lines] == [one["row"] for one in chosen.json["rows"]]
    texts = [line["text"] for line in csv.DictReader(io.StringIO(pool.read_text()))]
    assert [line["text"] for line in lines] == [texts[int(line["row"])] for line in lines]
    for place, line in enumerate(lines):
        line["label"] = ("green", "red", "")[min(place, 2)] if place < 3 else "green"
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    back = call("predict", finished.bundle, pool, "--labels", sheet, "--out", out, "--json")
    assert back.code == 0, back.err
    assert back.json == {"out": str(out), "rows": 7, "empty": 1, "new_labels": {}, "hints": {}}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["text"]: row["label"] for row in rows} == {
        line["text"]: line["label"] for line in lines if line["label"]
    }
    pool.write_text(pool.read_text().replace("\n", " \n", 5))
    changed = call("predict", finished.bundle, pool, "--labels", sheet, "--out", out, "--json")
    assert changed.code == 3 and "rows at hand" in changed.json["error"]["message"]


def test_rows_the_model_learned_from_are_not_chosen(finished, rows_csv, call, tmp_path):
    unlabelled = tmp_path / "unlabelled.csv"
    lines = [line.rsplit(",", 1)[0] for line in rows_csv.read_text().splitlines()]
    unlabelled.write_text("\n".join(lines) + "\n")
    chosen = call("predict", finished.bundle, unlabelled, "--choose", 150, "--out", tmp_path / "s.csv", "--json").json
    split = json.loads((finished.folder / "split.json").read_text())
    assert {one["row"] for one in chosen["rows"]} <= set(split["test"])
    assert chosen["labelled"] >= len(split["train"])


def test_rows_with_a_label_are_named(finished, pool, call, tmp_path):
    chosen = call(
        "predict", finished.bundle, pool, "--choose", 5, "--labelled", pool, "--out", tmp_path / "s.csv", "--json"
    )
    assert chosen.code == 3 and "All 60 rows" in chosen.json["error"]["message"]
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--choose", "5"), "--out"),
        (("--labels", "s.csv"), "--out"),
        (("--choose", "5", "--labels", "s.csv", "--out", "a.csv"), "--choose"),
        (("--labelled", "s.csv"), "--choose"),
        (("--seed", "1"), "--choose"),
        (("--choose", "5", "--out", "a.jsonl"), ".csv"),
        (("--labels", "s.csv", "--out", "a.csv"), ".jsonl"),
        (("--choose", "0", "--out", "a.csv"), "1 row or more"),
    ],
)
def test_wrong_usage_is_told_before_any_work(finished, pool, call, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    called = call("predict", finished.bundle, pool, *arguments, "--json")
    assert called.code == 2, called.err
    assert said in called.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pool.csv"]
