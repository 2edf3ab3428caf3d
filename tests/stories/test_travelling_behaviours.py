"""The plan's behaviours go into the run's bundle, and `evaluate` tries them again on other rows."""

import json

import tunewright as tw
from tunewright.bundle.predictor import Predictor
from tunewright.stories.judging.evaluating import evaluate_bundle


def test_from_the_plan_to_the_evaluation_of_other_rows(make_rows, tiny_model, tmp_path):
    rows, tests = make_rows("text", 200).drop("part"), tmp_path / "tests.yaml"
    tests.write_text(
        f"- {{name: first, kind: must, examples: ['{rows['message'][0]}'], label: {rows['y'][0]}}}\n"
        f"- {{name: words, kind: invariance, apply_to: 'true', swaps: {{from: ba, to: ko}}}}\n"
    )
    model = {"name": str(tiny_model), "train": "head"}
    columns = {"message": "text"}
    run = tw.run(rows, target="y", columns=columns, out=tmp_path / "run", model=model, knowledge={"tests": str(tests)})
    tried = json.loads((run.folder / "evaluation.json").read_text())["behaviours"]
    tests.unlink()
    found = evaluate_bundle(Predictor.load(run.folder / "bundle"), make_rows("text", 50, seed=9))
    assert [one.name for one in found.behaviours] == [one["name"] for one in tried] == ["first", "words"]
    assert found.behaviours[0].verdict == tried[0]["verdict"]
