"""`tunewright registry`: from a bundle to a champion and back, with exit codes and exactly one JSON object."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

VERBS = ("list", "show", "add", "promote", "rollback", "diff")


@pytest.fixture
def registry(tmp_path):
    return ("--registry", tmp_path / "registry", "--json")


@pytest.fixture(scope="session")
def other(tmp_path_factory, rows_csv, quick, call):
    """A second run, with another penalty, on the same rows."""
    parent = tmp_path_factory.mktemp("other")
    arguments = ("run", rows_csv, "--target", "label", *quick, "--set", "training.probe_C=0.3", "--set", "seed=1")
    called = call(*arguments, "--out", parent / "run", "--json", home=parent / "home")
    assert called.code == 0, called.err
    return parent / "run"


def test_the_road_of_a_version(finished, other, registry, call):
    assert call("registry", "list", *registry).json["models"] == []
    added = call("registry", "add", "desk", finished.folder, "--who", "ann", "--why", "first", *registry)
    assert added.code == 0 and added.json["added"]
    version = added.json["version"]
    summary = json.loads((finished.folder / "summary.json").read_text())
    assert version["evidence"]["metrics"]["test"] == summary["metrics"]["test"]
    assert version["lineage"]["plan"] == summary["digests"]["plan"]
    assert version["plan"]["model"]["train"] == "head"
    assert not call("registry", "add", "desk", finished.bundle, *registry).json["added"]
    first = call("registry", "promote", "desk", *registry)
    assert first.code == 0 and (first.json["version"], first.json["former"], first.json["changed"]) == (1, None, True)
    call("registry", "add", "desk", other, "--parent", 1, *registry)
    refused = call("registry", "promote", "desk", *registry)
    assert refused.code == 2 and refused.json["error"]["type"] == "PlanError" and "--why" in refused.err
    second = call("registry", "promote", "desk@2", "--why", "smaller", "--who", "bo", *registry)
    assert second.code == 0 and (second.json["version"], second.json["former"]) == (2, 1)
    again = call("registry", "promote", "desk@2", *registry)
    assert again.code == 0 and not again.json["changed"]
    back = call("registry", "rollback", "desk", "--who", "cy", *registry)
    assert back.code == 0 and back.json["version"] == 1
    shown = call("registry", "show", "desk", *registry).json
    assert [one["stage"] for one in shown["versions"]] == ["champion", "retired"]
    assert [(one["what"], one["who"]) for one in shown["ledger"]][2:] != []
    assert shown["champion"]["version"] == 1 and shown["problem"] is None
    (model,) = call("registry", "list", *registry).json["models"]
    assert (model["champion"], model["candidate"], model["versions"], model["target"]) == (1, None, 2, "label")


def test_diff_shows_what_differs(finished, other, registry, call):
    for run in (finished.folder, other):
        call("registry", "add", "desk", run, *registry)
    told = call("registry", "diff", "desk@1", "desk@2", *registry).json
    keys = {one["key"]: (one["a"], one["b"]) for one in told["plan"]}
    assert keys["seed"] == ("0", "1")
    assert keys["training.probe_C"][1] == "0.3"
    a, b = told["metrics"]["test"]["accuracy"]
    assert a["low"] <= a["value"] <= a["high"] and b["n"] > 0
    assert told["bytes"][0] > 0 and isinstance(told["same_data"], bool)
    text = call("registry", "diff", "desk@1", "desk@2", *registry[:-1]).out
    assert "desk@1" in text and "training.probe_C" in text and "accuracy" in text


def test_labelled_rows_decide(finished, other, registry, rows_csv, call, tmp_path):
    for run in (finished.folder, other):
        call("registry", "add", "desk", run, *registry)
    call("registry", "promote", "desk@1", *registry)
    lines = rows_csv.read_text().splitlines()
    rows = tmp_path / "new.csv"
    rows.write_text("\n".join([lines[0], *(f"{'tada ' * 2}{line}" for line in lines[1:121])]) + "\n")
    called = call("registry", "promote", "desk@2", "--data", rows, *registry)
    assert called.code == 1 and called.json["error"]["type"] == "RegistryError"
    assert "desk@1 stays the champion" in called.json["error"]["message"]
    assert call("registry", "show", "desk", *registry).json["champion"]["version"] == 1
    called = call("registry", "promote", "desk@2", "--data", rows, "--why", "cheaper", *registry)
    assert called.code == 0 and called.json["compared"]["rows"] > 20
    assert called.json["compared"]["a"] == "desk@2"


def test_a_name_predicts(finished, registry, rows_csv, call):
    call("registry", "add", "desk", finished.folder, *registry)
    missing = call("predict", "desk", rows_csv, *registry)
    assert missing.code == 2 and "has none yet" in missing.err
    call("registry", "promote", "desk", *registry)
    by_name = call("predict", "desk", rows_csv, *registry)
    assert by_name.code == 0
    assert by_name.json == call("predict", finished.bundle, rows_csv, "--json").json
    assert call("predict", "desk@1", rows_csv, *registry).json == by_name.json
    unknown = call("predict", "dsk", rows_csv, *registry)
    assert unknown.code == 1 and "Did you mean 'desk'" in unknown.json["error"]["message"]


def test_the_environment_names_the_registry(finished, call, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWRIGHT_REGISTRY", str(tmp_path / "elsewhere"))
    assert call("registry", "add", "desk", finished.folder, "--json").code == 0
    assert (tmp_path / "elsewhere" / "bundles" / "desk" / "1" / "tunewright.json").is_file()


def test_further_evidence_is_kept(finished, registry, call, tmp_path):
    note = tmp_path / "note.json"
    note.write_text('{"reviewed": true}')
    added = call("registry", "add", "desk", finished.folder, "--evidence", note, *registry)
    assert added.json["version"]["evidence"]["more"] == {"reviewed": True}
    note.write_text("[1]")
    refused = call("registry", "add", "desk", finished.folder, "--evidence", note, *registry)
    assert refused.code == 2 and "one JSON object" in refused.err


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("show",), ("add", "desk"), ("diff", "desk@1")])
def test_wrong_usage_is_json_too(arguments, registry, call):
    called = call("registry", *arguments, "--json")
    assert called.code == 2
    assert called.json["error"]["type"] == "UsageError"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nope"), 2),
        (("promote", "nope"), 2),
        (("rollback", "nope"), 2),
        (("diff", "nope@1", "nope"), 2),
        (("add", "../x", "here"), 2),
        (("add", "x", "nowhere"), 1),
    ],
)
def test_what_is_not_there_has_its_exit_code(arguments, code, registry, call):
    called = call("registry", *arguments, *registry)
    assert called.code == code
    assert set(called.json) == {"error"}
    assert "Traceback" not in called.err


def test_a_damaged_bundle_never_serves(finished, registry, call, tmp_path):
    source = tmp_path / "bundle"
    shutil.copytree(finished.bundle, source)
    (source / "head.safetensors").write_bytes(b"damaged")
    called = call("registry", "add", "desk", source, *registry)
    assert called.code == 1 and called.json["error"]["type"] == "ModelError"
    assert call("registry", "list", *registry).json["models"] == []


def test_help_names_every_verb(call):
    out = call("registry", "--help").out
    assert all(verb in out for verb in VERBS)
    assert "registry" in call("--help").out


def test_someone_who_writes_control_characters_acts_on_no_terminal(finished, registry, call):
    call("registry", "add", "desk", finished.folder, "--who", "\x1b[31mann", "--why", "a\nb\x1b]0;x\x07", *registry)
    out = call("registry", "show", "desk", *registry[:-1]).out
    assert "\x1b" not in out and "\x07" not in out


def test_the_page_names_the_verbs_that_exist():
    page = (Path(__file__).parents[2] / "docs" / "registry.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)[ `]", page, re.M)) == set(VERBS)
    used = set(re.findall(r"^tunewright registry (\w+)", page, re.M))
    assert used <= set(VERBS) and len(used) >= 3
    exec(compile("\n".join(re.findall(r"^from .*$", page, re.M)), "registry.md", "exec"), {})
