"""What a run says of its model comes with the bundle; a bundle that was put beside another run's papers brings none."""

import json

import pytest

from tunewright.living.evidence import gather, known_slices
from tunewright.runfolder import RunFolder

SCORE = {"value": 0.9, "low": 0.85, "high": 0.94, "n": 200}


def slice_of(condition, **changes):
    told = {
        "description": condition,
        "rows": 40,
        "error": SCORE,
        "rest": 0.1,
        "difference": SCORE,
        "p_value": 0.001,
        "excess": 5.0,
        "condition": condition,
    }
    return told | changes


@pytest.fixture
def run(tmp_path, fake):
    folder = tmp_path / "run"
    bundle = fake(folder / "bundle")
    weights = json.loads((bundle / "tunewright.json").read_text())["weights_digest"]
    (folder / "journal.jsonl").write_text("")
    (folder / "plan.yaml").write_text("seed: 3\nmodel: {train: head}\nreport: {examples: true}\n")
    summary = {
        "metrics": {"test": {"accuracy": SCORE}},
        "data": {"rows": 10, "train": 6, "validation": 2, "test": 2, "dropped": 0},
        "verdict": {"objective": "met", "text": "It is good."},
        "digests": {"weights": weights},
    }
    (folder / "summary.json").write_text(json.dumps(summary))
    found = [
        slice_of("age > 60"),
        slice_of("has_words(message, 'refund')", quotes=True),
        slice_of("channel == 'phone'", action="inspect labels"),
        slice_of(None),
    ]
    slices = {"part": "validation", "measure": "errors", "rows": 100, "conditions": 9, "level": 0.05, "text": ""}
    (folder / "analysis.json").write_text(json.dumps({"slices": slices | {"found": found}}))
    return RunFolder(folder)


def test_a_run_speaks_for_its_bundle(run):
    for path in (run.path, run.bundle):
        found = gather(path)
        assert found.evidence.metrics["test"]["accuracy"].low == 0.85
        assert found.evidence.rows == {"train": 6, "validation": 2, "test": 2}
        assert found.evidence.verdict == "It is good."
        assert found.plan == {"seed": "3", "model": {"train": "head"}, "report": {"examples": "true"}}
        assert found.lineage.run == str(run.path.resolve())


def test_slices_whose_labels_are_in_doubt_are_none_to_label_more_of(run):
    assert known_slices(run) == ("age > 60", "has_words(message, 'refund')")


def test_cells_stay_in_the_run_where_the_plan_does_not_show_them(run):
    run.plan_yaml.write_text("report: {examples: false}\n")
    assert known_slices(run) == ("age > 60",)
    assert gather(run.path).evidence.slices == ("age > 60",)


def test_papers_of_another_run_are_not_taken(run):
    summary = json.loads(run.summary_json.read_text())
    run.summary_json.write_text(json.dumps(summary | {"digests": {"weights": "another"}}))
    found = gather(run.bundle)
    assert found.evidence.metrics == {} and found.plan is None and found.lineage.run is None
