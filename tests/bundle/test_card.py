"""The model card: what hubs read of it, everything that was measured, and hostile names that stay names."""

import json
import re
from dataclasses import replace

import pytest
import yaml

from tunewright.bundle.card import model_card
from tunewright.bundle.card.sections import SECTIONS
from tunewright.records import (
    ChoiceEvidence,
    ClassEvidence,
    Comparison,
    Damage,
    DataEvidence,
    Efficiency,
    Energy,
    Evidence,
    Importance,
    Origin,
    Robustness,
    Score,
    SliceEvidence,
    Verdict,
    from_json,
    to_json,
)

HOSTILE = "<script>alert(1)</script>\n---\nlicense: evil | *x* `y` \x1b[31m \u202e ann@mail.example"


def score(value, n=100):
    return Score(value=value, low=value - 0.05, high=value + 0.05, n=n)


def evidence(name="tickets-1a2b", label="billing", **changes):
    fall = Damage(
        name="typos", kind="typos", changed=90, fall=score(0.1), p_value=0.01, verdict="falls", flipped=score(0.2)
    )
    values = {
        "name": name,
        "task": "multiclass",
        "verdict": Verdict(objective="met", text="Met: f1_macro is 0.9."),
        "origin": Origin(
            base_model="sentence-transformers/all-MiniLM-L6-v2", base_digest="ef" * 32, license="apache-2.0",
            language="en", pipeline_tag="text-classification", tags=("tunewright", "multiclass"),
        ),
        "uses": ("It says which of 2 classes a row has.",),
        "limits": ("Fewer than 10 test rows each have legal.",),
        "data": DataEvidence(
            files=(f"{name}.csv",), fingerprint="ab" * 32, test_digest="cd" * 32, target=label,
            columns={"message": "text", name: "number"}, train=800, validation=100, test=100, dropped=3,
            split="stratified", findings={"label_errors": 2},
        ),
        "chosen": ChoiceEvidence(
            method="full", kept="fine-tuned", why="it is better", beside=("words",), parameters=100, trainable=50,
            precision="float32", trials=20, rounds=0, remedies=("drop_columns",), remedies_tried=5, folds=1,
            told=("It did not overfit.",),
        ),
        "metric": "f1_macro",
        "looks": 2,
        "metrics": {"test": {"accuracy": score(0.91), "f1_macro": score(0.9)}, "validation": {"f1_macro": score(0.92)}},
        "baselines": {"tfidf": {"f1_macro": score(0.8)}},
        "comparisons": (
            Comparison(metric="f1_macro", a="model", b="tfidf", difference=score(0.1), p_value=0.01, verdict="better"),
        ),
        "per_class": (
            ClassEvidence(label=label, scores={"recall": score(0.7, 20)}),
            ClassEvidence(label="b", scores={}),
        ),
        "slices": (
            SliceEvidence(description=name, rows=30, error=score(0.3), rest=0.1, test=None, action="collect more"),
        ),
        "protected": ("Where a: it got worse.",),
        "behaviours": {"passed": 2, "failed": 1},
        "ceiling": "Labels allow 0.97.",
        "robustness": Robustness(
            metric="f1_macro", part="test", rows=100, of=100, score=score(0.9), damages=(fall,), text="It falls."
        ),
        "efficiency": Efficiency(
            rows_per_second=512.5, batch_rows=100, latency_ms={"p50": 3.25, "p95": 5.5}, rounds=100, memory_mb=120.0,
            process_peak_mb=900.0, size_mb=91.2, precision="bfloat16", machine="x86_64 CPU, 2 threads",
        ),
        "energy": Energy(joules=None, text="Not measured: no counter."),
        "explanation": "occlusion",
        "importances": (Importance(name=name, kind="number", drop=score(0.2)),),
        "seconds": {"audit": 3.0, "train": 40.0},
        "versions": {"torch": "2.0"},
        "digests": {"weights": "12" * 32},
    }  # fmt: skip
    return Evidence(**values | changes)


def read_header(card):
    from huggingface_hub import ModelCard

    return ModelCard(card, ignore_metadata_errors=False)


def test_a_hub_reads_the_header():
    card = read_header(model_card(evidence()))
    assert (card.data.license, card.data.language, card.data.library_name) == ("apache-2.0", "en", "tunewright")
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert card.data.pipeline_tag == "text-classification" and card.data.tags == ["tunewright", "multiclass"]
    assert card.data.model_name == "tickets-1a2b"
    results = {one.metric_name.partition(",")[0]: one for one in card.data.eval_results}
    assert set(results) == {"f1_macro", "accuracy"}
    one = results["f1_macro"]
    assert (one.metric_type, one.metric_value, one.dataset_split) == ("f1", 0.9, "test")
    assert one.dataset_revision == "cd" * 32 and one.dataset_name == "tickets-1a2b.csv"
    assert "0.85" in one.metric_name and "n 100" in one.metric_name


def test_what_is_not_known_is_not_in_the_header():
    unknown = Origin(
        base_model=None, base_digest=None, license=None, language=None, pipeline_tag="tabular-regression", tags=()
    )
    text = model_card(evidence(origin=unknown))
    found = yaml.safe_load(text.split("---\n")[1])
    assert not {"license", "language", "base_model", "base_model_relation"} & set(found)


def test_everything_that_was_measured_stands_in_the_card():
    card = model_card(evidence())
    for text in (
        "Met: f1_macro is 0.9.",
        "looked at 2 times", "0.90 (0.85–0.95, n 100)", "0.10 (0.05–0.15, n 100): better", "| `billing` | 0.70",
        "rows where", "it got worse", "Of 3 behaviours that were asked of it, 2 pass", "Labels allow 0.97",
        "It falls.", "| typos | 90 |", "Fewer than 10 test rows", "800 rows (3 more were left out)", "label errors (2)",
        "`" + "ab" * 32 + "`", "`" + "cd" * 32 + "`", "`" + "ef" * 32 + "`", "20 sets of hyperparameters",
        "5 remedies for the data were tried on folds (1 kept: drop columns)", "It did not overfit.",
        "with a linear model over words added", "3.25 ms", "5.5 ms", "512 rows/s", "120 MB", "91.2 MB", "900 MB",
        "Making it took 43 s (audit 3 s, train 40 s)", "Not measured: no counter.", "occlusion", "torch 2.0",
    ):  # fmt: skip
        assert text in card, text
    assert [line[3:] for line in card.splitlines() if line.startswith("## ")] == [
        title for title, _ in SECTIONS if title != "What its confidence is worth"
    ]


def test_one_attempt_is_spoken_of_as_one():
    chosen = replace(evidence().chosen, trials=1, rounds=1, remedies_tried=1)
    card = model_card(evidence(chosen=chosen))
    assert "1 set of hyperparameters was tried on" in card and "1 round of improvement was tried on" in card
    assert "1 remedy for the data was tried on folds (1 kept: drop columns)" in card


def test_a_card_of_next_to_nothing_has_no_empty_section():
    bare = evidence(
        uses=(), limits=(), per_class=(), slices=(), protected=(), behaviours={}, ceiling=None, robustness=None,
        efficiency=None, energy=None, explanation=None, importances=(), seconds={}, baselines={}, comparisons=(),
    )  # fmt: skip
    card = model_card(bare)
    assert "## Limits" not in card and "## What it costs" not in card and "## Per class" not in card
    assert "\n\n\n" not in card
    assert "None" not in card and "undefined" not in card


def test_of_many_classes_the_worst_are_shown():
    many = tuple(ClassEvidence(label=f"c{n}", scores={"recall": score(n / 150)}) for n in range(150))
    card = model_card(evidence(per_class=many))
    assert "The 40 of 150 classes" in card and "`c39`" in card and "`c40`" not in card


def test_hostile_names_stay_names():
    card = model_card(evidence(HOSTILE, HOSTILE))
    header = card.split("---\n")[1]
    found = yaml.safe_load(header)
    assert found["license"] == "apache-2.0" and header.isascii()
    assert found["model-index"][0]["name"].startswith("<script>alert(1)</script> --- license: evil")
    assert read_header(card).data.license == "apache-2.0"
    body = card[card.index("# ") :]
    assert "<script" not in body and "\x1b" not in body and "\u202e" not in body and "\nlicense" not in body
    assert "ann@mail.example" not in card and "a***@***.example" in card
    tables = [line for line in body.splitlines() if line.startswith("| `") or line.startswith("| <code>")]
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (3, 4) for line in tables)


@pytest.mark.parametrize("name", ["tickets", HOSTILE])
def test_evidence_comes_back_from_json(name):
    one = evidence(name)
    assert from_json(Evidence, json.loads(json.dumps(to_json(one)))) == one
