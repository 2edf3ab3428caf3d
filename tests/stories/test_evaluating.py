"""Behaviours travel in a bundle, under its digests, and are tried wherever it is evaluated."""

import hashlib
import json

import pytest

from tunewright.bundle.format import write_bundle
from tunewright.bundle.predictor import Predictor
from tunewright.errors import ModelError, PlanError
from tunewright.evaluation.behaviours import behaviours_to_json, read_behaviours
from tunewright.plan import read_plan
from tunewright.stories.auditing.knowledge import bundled_behaviours
from tunewright.stories.judging.evaluating import evaluate_bundle

TESTS = """
- name: the first text keeps its answer
  kind: must
  examples: ["{text}"]
  label: {label}
- name: it never gets the other one
  kind: must
  examples: ["{text}"]
  label: {other}
- name: some words do not matter
  kind: invariance
  apply_to: {condition}
  swaps: {{from: [{word}], to: [zzz]}}
"""


@pytest.fixture(scope="module")
def rows(make_rows):
    return make_rows("text", 80, seed=3)


@pytest.fixture
def tests_yaml(rows, learned, tmp_path):
    text, said = rows["message"][0], Predictor(learned("text")[2].model).predict(rows[:1])["prediction"][0]
    other = next(label for label in ("team 0", "team 1", "team 2") if label != said)
    word = text.split()[0]

    def write(name="behaviours.yaml", **changes):
        given = {"text": text, "label": said, "other": other, "word": word, "condition": f"contains(message, '{word}')"}
        (tmp_path / name).write_text(TESTS.format(**given | changes))
        return tmp_path / name

    return write


@pytest.fixture
def bundle(learned, tests_yaml, tmp_path):
    """() to a bundle that holds the behaviours as its run would have put them there."""

    def write(path=None, *, examples=True, behaviours=...):
        _, judging, fitted = learned("text")
        plan = read_plan(knowledge={"tests": str(path or tests_yaml())}, report={"examples": examples})
        write_bundle(
            tmp_path / "bundle",
            fitted.model,
            backbone_folder=fitted.backbone_folder,
            card="# card\n",
            extra={},
            sample=judging.problem.typed["validation"],
            behaviours=bundled_behaviours(plan) if behaviours is ... else behaviours,
        )
        return tmp_path / "bundle"

    return write


def verdicts(found):
    return [one.verdict for one in found.behaviours]


def test_they_are_kept_as_json_with_a_digest(bundle, tests_yaml):
    folder = bundle()
    held = json.loads((folder / "behaviours.json").read_text())
    assert held["behaviours"] == json.loads(json.dumps(behaviours_to_json(read_behaviours(tests_yaml()))))
    digest = hashlib.sha256((folder / "behaviours.json").read_bytes()).hexdigest()
    assert f"{digest}  behaviours.json" in (folder / "SHA256SUMS").read_text()


@pytest.mark.parametrize("how", ["changed", "removed"])
def test_a_bundle_whose_behaviours_were_changed_is_refused(bundle, how):
    path = bundle() / "behaviours.json"
    if how == "changed":
        path.write_text(path.read_text().replace("team", "Team", 1))
    else:
        path.unlink()
    with pytest.raises(ModelError, match=r"behaviours\.json is missing or was changed"):
        Predictor.load(path.parent)


def test_behaviours_slipped_into_a_bundle_are_refused(bundle):
    folder = bundle(behaviours=None)
    (folder / "behaviours.json").write_text("{}")
    with pytest.raises(ModelError, match=r"behaviours\.json"):
        Predictor.load(folder)


def test_they_are_tried_on_the_rows_given(bundle, rows):
    predictor = Predictor.load(bundle())
    found = evaluate_bundle(predictor, rows)
    assert found.scores == predictor.evaluate(rows)
    must, never, words = found.behaviours
    assert (must.verdict, never.verdict) == ("passed", "failed")
    held = [row for row in rows["message"] if rows["message"][0].split()[0] in row.split()]
    assert words.tested == len(held)
    assert found.behaviours == evaluate_bundle(predictor, rows).behaviours


def test_without_any_nothing_is_tried(bundle, rows):
    predictor = Predictor.load(bundle(behaviours=None))
    assert predictor.behaviours is None and evaluate_bundle(predictor, rows).behaviours == ()
    assert bundled_behaviours(read_plan()) is None


def test_a_file_takes_the_place_of_those_held(bundle, rows, tests_yaml, tmp_path):
    folder = bundle()
    (tmp_path / "other.yaml").write_text("- {name: mine, kind: must, examples: [baba], label: team 0}")
    found = evaluate_bundle(Predictor.load(folder), rows, tests=tmp_path / "other.yaml")
    assert [one.name for one in found.behaviours] == ["mine"]
    assert verdicts(evaluate_bundle(Predictor.load(bundle(behaviours=None)), rows, tests=tests_yaml())) == verdicts(
        evaluate_bundle(Predictor.load(bundle()), rows)
    )


def test_where_the_plan_wants_no_examples_rows_are_only_numbered(bundle, rows, tests_yaml):
    text = rows["message"][0]
    breaking = tests_yaml(
        "breaking.yaml", condition="true", word=", ".join(sorted(set(" ".join(rows["message"]).split())))
    )
    shown, hidden = (
        evaluate_bundle(Predictor.load(bundle(breaking, examples=examples)), rows).behaviours
        for examples in (True, False)
    )
    assert shown[2].failures and shown[2].failed == hidden[2].failed
    assert all(failure.before == f"row {failure.row}" and failure.after is None for failure in hidden[2].failures)
    assert hidden[1].failures[0].before == text  # the expert's own example


@pytest.mark.parametrize(
    ("change", "says"),
    [({"label": "nobody"}, 'must be a label of the target. Got "nobody"'), ({"condition": "chanel == 'a'"}, "chanel")],
)
def test_what_does_not_fit_is_refused_before_anything_is_computed(bundle, rows, tests_yaml, monkeypatch, change, says):
    predictor = Predictor.load(bundle(behaviours=None))
    monkeypatch.setattr(Predictor, "evaluate", lambda *_: pytest.fail("computed"))
    with pytest.raises(PlanError) as refused:
        evaluate_bundle(predictor, rows, tests=tests_yaml("wrong.yaml", **change))
    assert says in str(refused.value)


@pytest.mark.parametrize("held", [[], {}, {"behaviours": 5}, {"behaviours": [{"kind": "rm -rf"}]}, "text", [None]])
def test_nonsense_with_a_fitting_digest_is_refused(bundle, rows, held):
    predictor = Predictor.load(bundle(behaviours=held))
    with pytest.raises(PlanError, match=r"The bundle's behaviours\.json must have no mistakes"):
        evaluate_bundle(predictor, rows)
