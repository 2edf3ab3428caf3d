"""`tunewright demo`: the packaged example, and an honest word on what was found in it."""

import json

from tunewright.cli.demo import planted_faults
from tunewright.example import faults


def test_demo_runs_and_says_what_to_look_at(quick, call, tmp_path):
    said = call("demo", *quick, "--out", tmp_path / "run", "--json")
    assert said.code == 0, said.err
    assert said.json["data"]["rows"] == 918
    planted = said.json["planted"]
    assert set(planted) == set(faults())
    assert planted["duplicates"] == {"planted": 8, "found": 8}
    assert planted["near_duplicates"]["found"] == 10
    again = call("demo", *quick, "--out", tmp_path / "run", "--quiet")
    assert again.code == 0
    assert "duplicates 8 of 8" in again.out
    assert str(tmp_path / "run" / "report.html") in again.out
    assert "never_use=[agent]" in again.out


def test_found_counts_only_planted_rows(tmp_path):
    rows = faults()["outliers"]["rows"]
    finding = {"kind": "outliers", "rows": [rows[0], 0, 1], "groups": [[rows[1], 2]]}
    (tmp_path / "audit.json").write_text(json.dumps({"findings": [finding]}))
    found = planted_faults(tmp_path)
    assert found["outliers"] == {"planted": 6, "found": 2}
    assert found["duplicates"]["found"] is None
