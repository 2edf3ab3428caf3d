"""`tunewright watch`: exit code 5 on drift, 0 without; labels that arrive later; what cannot be watched."""

import csv
import json
import random
import shutil

import polars as pl


def more_rows(folder, words, *, rows=90):
    """Rows drawn as the run's own were, that it has not seen."""
    draw = random.Random(99)
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "label"])
        for row in range(rows):
            said = row % 2 if draw.random() < 0.9 else draw.randrange(2)
            text = " ".join([words[said], *draw.choices(words[12:], k=7)])
            writer.writerow([text, draw.randrange(1000), ("green", "red")[row % 2]])
    return folder / "log.csv"


def test_rows_of_the_same_kind_end_with_0(finished, tiny_words, call, tmp_path):
    told = call("watch", finished.bundle, "--log", more_rows(tmp_path, tiny_words), "--json", home=finished.home)
    assert told.code == 0, told.err
    value = told.json
    assert value["rows"] == 90 and value["alarm"] is False
    assert {"column", "test", "statistic", "p_value", "drifted"} <= set(value["drift"][0])
    assert {one["column"] for one in value["drift"]} >= {"text", "size", "prediction", "confidence"}
    assert "accuracy" in value["actual"] and "accuracy" in value["before"]


def test_rows_that_the_model_learned_from_are_told(finished, rows_csv, call):
    told = call("watch", finished.bundle, "--log", rows_csv, "--json", home=finished.home)
    assert any("learned from" in note and "of the 150 rows" in note for note in told.json["notes"])


def test_drift_ends_with_5_and_says_where(finished, rows_csv, call, tmp_path):
    moved = pl.read_csv(rows_csv).with_columns(pl.col("size") + 5000)
    moved.write_csv(tmp_path / "log.csv")
    told = call("watch", finished.bundle, "--log", tmp_path / "log.csv", home=finished.home)
    assert told.code == 5 and told.err == ""
    assert told.out.startswith("Drift: ") and "In: size" in told.out and "median" in told.out


def test_labels_that_arrive_later_are_joined(finished, rows_csv, call, tmp_path):
    log = pl.read_csv(rows_csv).with_row_index("id")
    log.drop("label").write_csv(tmp_path / "log.csv")
    late = log.select("id", "label").head(60)
    unknown = pl.DataFrame({"id": [9999], "label": ["red"]}, schema_overrides={"id": pl.UInt32})
    pl.concat([late, unknown]).write_csv(tmp_path / "labels.csv")
    arguments = ("watch", finished.bundle, "--log", tmp_path / "log.csv", "--labels", tmp_path / "labels.csv")
    value = call(*arguments, "--id", "id", "--json", home=finished.home).json
    assert value["actual"]["accuracy"]["n"] == 60
    assert any("1 labels are for rows that are not in this log" in note for note in value["notes"])
    refused = call(*arguments, "--id", "number", home=finished.home)
    assert refused.code == 3 and "must be in the log and in the labels" in refused.err
    assert call(*arguments, home=finished.home).code == 3


def test_a_bundle_of_an_earlier_release_says_what_to_do(finished, rows_csv, call, tmp_path):
    old = tmp_path / "bundle"
    shutil.copytree(finished.bundle, old)
    (old / "reference.safetensors").unlink()
    sums = (old / "SHA256SUMS").read_text().splitlines()
    (old / "SHA256SUMS").write_text("".join(f"{line}\n" for line in sums if "reference" not in line))
    told = call("watch", old, "--log", rows_csv, "--json", home=finished.home)
    assert told.code == 1 and "Run again" in json.loads(told.out)["error"]["message"]


def test_what_cannot_be_a_log_is_refused(finished, call, tmp_path):
    (tmp_path / "log.csv").write_text("size\n1\n2\n")
    told = call("watch", finished.bundle, "--log", tmp_path / "log.csv", home=finished.home)
    assert told.code == 3 and "Missing: 'text'" in told.err
    assert call("watch", finished.bundle, "--log", tmp_path / "none.csv", home=finished.home).code == 3
    assert call("watch", finished.bundle, home=finished.home).code == 2
