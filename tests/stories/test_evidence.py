"""A run's evidence: in its evaluation, its summary, its bundle and its report, and nothing chosen by any of it."""

import json

import pytest

import tunewright as tw
from tunewright.records import Evaluation, Evidence, from_json
from tunewright.runfolder import read_json
from tunewright.stories.delivering.origin import pipeline_tag
from tunewright.stories.judging.why_wrong import FEWEST, MOST_VARIANTS, affordable


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows("mixed", 240).drop("part", "worth")


@pytest.fixture(scope="module")
def run(rows, tiny_model, tmp_path_factory):
    """(examples) to a finished run on texts and numbers."""
    made = {}

    def get(examples=True):
        if examples not in made:
            made[examples] = tw.run(
                rows, target="y", out=tmp_path_factory.mktemp("evidence") / "run", report={"examples": examples},
                model={"name": str(tiny_model), "train": "head"}, audit={"apply": "none"},
                objective={"limits": {"latency_ms": 1000.0, "size_mb": 0.001}},
            )  # fmt: skip
        return made[examples]

    return get


def test_what_was_measured_stands_everywhere_the_same(run):
    done = run()
    judged = read_json(done.folder / "evaluation.json")
    evidence = read_json(done.folder / "bundle" / "evidence.json")
    assert done.summary["robustness"] == judged["robustness"] and done.summary["efficiency"] == judged["efficiency"]
    assert evidence["efficiency"] == judged["efficiency"] and evidence["energy"] == done.summary["energy"]
    assert evidence["metrics"] == judged["metrics"] and evidence["looks"] == judged["looks"] == 1
    bare = [{**one, "flips": []} for one in judged["robustness"]["damages"]]
    assert evidence["robustness"]["damages"] == bare
    assert evidence["digests"] == done.summary["digests"]
    page, card = done.report().read_text(), (done.folder / "bundle" / "README.md").read_text()
    assert 'id="robustness"' in page and 'id="costs"' in page and "## How it fares on damaged rows" in card
    assert judged["robustness"]["text"].split(".")[0] in page
    found = from_json(Evidence, evidence)
    assert found.origin.base_model is None and found.origin.base_digest and found.origin.language is None
    assert found.data.test == done.summary["data"]["test"] and len(found.data.test_digest) == 64
    assert {"message empty", "amount empty", "typos"} <= {one.name for one in found.robustness.damages}
    from_json(Evaluation, judged)


def test_limits_are_held_to_what_was_measured_once(run, monkeypatch):
    done = run()
    measured = done.summary["efficiency"]
    assert done.summary["verdict"]["objective"] == "missed"
    assert f"size is {measured['size_mb']:.3g} MB" in done.summary["verdict"]["text"]
    assert f"latency is {measured['latency_ms']['p50']:.3g} ms" in done.summary["verdict"]["text"]


def test_nothing_of_the_model_hangs_on_damaged_rows(rows, tiny_model, tmp_path, run, monkeypatch):
    """The same run without a single damage: weights, decisions, metrics and the one look are the same."""
    from tunewright.stories.judging import damaging

    monkeypatch.setattr(damaging, "damage_run", lambda *_: None)
    plain = tw.run(
        rows, target="y", out=tmp_path / "run", model={"name": str(tiny_model), "train": "head"},
        audit={"apply": "none"}, objective={"limits": {"latency_ms": 1000.0, "size_mb": 0.001}},
    )  # fmt: skip
    other = run()
    assert plain.summary["robustness"] is None
    assert plain.summary["digests"]["weights"] == other.summary["digests"]["weights"]
    assert plain.summary["metrics"] == other.summary["metrics"]
    decisions = [read_json(one.folder / "bundle" / "tunewright.json")["decision"] for one in (plain, other)]
    assert decisions[0] == decisions[1]
    assert "How it fares on damaged rows" not in plain.report().read_text()


def test_mistakes_are_explained_where_text_may_be_shown(run):
    shown = read_json(run().folder / "analysis.json")
    if not shown["mistakes"]:
        pytest.skip("a model without a mistake")
    first = shown["mistakes"][0]
    why = first["explained"]
    assert why["label"] == first["predicted"] and why["texts"]["message"] == first["cells"]["message"]
    assert [token["text"] for token in why["tokens"]] == first["cells"]["message"].split()
    assert {column["name"] for column in why["columns"]} == {"message", "amount"}
    assert 'aria-controls="why-1"' in run().report().read_text()


def test_without_examples_no_text_leaves_the_data(run, rows):
    done = run(False)
    analysis = read_json(done.folder / "analysis.json")
    assert analysis["damaged"] == [] and all(one["explained"] is None for one in analysis["mistakes"])
    texts = rows["message"].to_list()
    for name in ("evaluation.json", "analysis.json", "summary.json", "bundle/evidence.json", "bundle/README.md"):
        held = (done.folder / name).read_text()
        assert not any(text in held for text in texts), name
    assert 'aria-controls="why-' not in done.report().read_text()


def test_evaluate_damages_rows_the_model_has_not_seen(run, rows):
    from tunewright.stories.judging.evaluating import evaluate_bundle

    done = run()
    split = json.loads((done.folder / "split.json").read_text())
    predictor = done.predictor()
    found = evaluate_bundle(predictor, rows, robustness="accuracy")
    assert found.robustness.of == len(split["test"]) and found.robustness.metric == "accuracy"
    assert {flip.row for one in found.robustness.damages for flip in one.flips} <= set(split["test"])
    assert evaluate_bundle(predictor, rows).robustness is None
    known = rows[split["train"]]
    assert evaluate_bundle(predictor, known, robustness="accuracy").robustness.of == known.height


def test_explaining_mistakes_is_bounded():
    class Case:
        def __init__(self, units):
            self.units, self.cells = units, {"message": ""}

    assert affordable([Case(10)] * 100) == MOST_VARIANTS // 13
    assert affordable([Case(500)] * 10) == FEWEST
    assert affordable([Case(5)]) == 1 and affordable([]) == 0


def test_hubs_file_models_by_what_goes_in_and_comes_out(learned):
    tags = {kind: pipeline_tag(learned(kind)[0].table) for kind in ("text", "pair", "table", "mixed")}
    assert tags == {
        "text": "text-classification", "pair": "sentence-similarity", "table": "tabular-classification",
        "mixed": "text-classification",
    }  # fmt: skip
