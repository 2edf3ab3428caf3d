"""`tunewright demo`: the packaged example, and an honest word on what was found in it."""

import json

from tunewright.cli.demo import planted_faults
from tunewright.example import faults, path
from tunewright.plan import read_plan
from tunewright.runfolder import write_json
from tunewright.stories.auditing.inspect import inspect


def test_demo_runs_and_says_what_to_look_at(quick, call, tmp_path, monkeypatch):
    some = tmp_path / "support_desk.csv"
    some.write_text("\n".join(path().read_text("utf-8").splitlines()[:241]) + "\n", "utf-8")
    monkeypatch.setattr("tunewright.example.path", lambda: some)
    out = ("--out", tmp_path / "run")
    said = call("demo", *quick, *out, "--json")
    assert said.code == 0, said.err
    assert said.json["data"]["rows"] == 240
    assert set(said.json["planted"]) == set(faults())
    again = call("demo", *quick, *out, "--quiet")
    assert again.code == 0
    assert "duplicates" in again.out
    assert str(tmp_path / "run" / "report.html") in again.out
    assert "audit.apply=none" in again.out


def test_the_whole_example_gives_up_its_faults(tmp_path):
    plan = read_plan(None, data={"train": str(path()), "target": "team"})
    audit = inspect(plan, deep=False).audit
    write_json(tmp_path / "audit.json", audit)
    planted = planted_faults(tmp_path)
    for kind in ("duplicates", "near_duplicates", "label_format", "leakage_target"):
        assert planted[kind]["found"] == planted[kind]["planted"], kind
    # Two cells say 9999999 and one of them stands in the test part: what a sentinel is, test rows must not decide.
    assert planted["missing_values"]["found"] >= planted["missing_values"]["planted"] - 2


def test_found_counts_only_planted_rows(tmp_path):
    rows = faults()["outliers"]["rows"]
    finding = {"kind": "outliers", "columns": ["amount"], "rows": [rows[0], 0, 1], "groups": [[rows[1], 2]]}
    elsewhere = finding | {"columns": ["tenure_days"], "rows": rows, "groups": []}
    (tmp_path / "audit.json").write_text(json.dumps({"findings": [finding, elsewhere]}))
    found = planted_faults(tmp_path)
    assert found["outliers"] == {"planted": 6, "found": 2}
    assert found["duplicates"]["found"] is None
