"""`tunewright report`: the same page again."""

import shutil


def test_the_report_is_rendered_again_byte_for_byte(finished, call):
    report = finished.folder / "report.html"
    before = report.read_bytes()
    report.unlink()
    said = call("report", finished.folder, "--json")
    assert said.code == 0
    assert said.json == {"reports": [{"run": str(finished.folder), "report": str(report)}]}
    assert report.read_bytes() == before


def test_an_unfinished_run_has_none(finished, call, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(finished.folder, copy)
    journal = copy / "journal.jsonl"
    journal.write_text("\n".join(journal.read_text().splitlines()[:-1]) + "\n")
    said = call("report", copy)
    assert said.code == 1
    assert "finished" in said.err


def test_another_folder_is_refused_and_left_alone(call, tmp_path):
    said = call("report", tmp_path, "--json")
    assert said.code == 1
    assert said.json["error"]["type"] == "RunError"
    assert list(tmp_path.iterdir()) == []
