"""The gate finds what is wrong with an export, and writes nothing then."""

import json
import shutil
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from tunewright.bundle.reading import read_bundle
from tunewright.errors import ExportError
from tunewright.export.adversarial import TEXTS, adversarial_rows
from tunewright.export.base import EXACT, ROUNDED, Budget
from tunewright.export.formats import format_of
from tunewright.export.onnx import Onnx
from tunewright.export.parity import over_budget, parity
from tunewright.export.writing import write_export
from tunewright.models.engine import TorchEngine
from tunewright.records import Column, Parity, Table, from_json

KINDS = ["text", "pair", "multilabel", "table", "mixed"]
GENEROUS = Budget(agreement=0.97, mean=0.03, largest=0.4, metric=0.01)


@dataclass(frozen=True)
class Wrong:
    """The ONNX export of a model with a planted fault."""

    kind: ClassVar[str] = "wrong"
    what: ClassVar[str] = "an export with a fault"
    fault: object = None
    budget: Budget = EXACT

    def write(self, folder, source):
        written = Onnx().write(folder, source)
        return self.fault(folder, source, written) or written


def export_wrong(tmp_path, source, fault, budget=EXACT):
    out = tmp_path / "out"
    with pytest.raises(ExportError, match=r"must answer as the model.*Nothing was kept") as caught:
        write_export(out, Wrong(fault=fault, budget=budget), source, held_out=source.validation)
    assert list(tmp_path.iterdir()) == []
    return str(caught.value)


def altered(source, change):
    """The same source with a network that `change` was done to."""
    import copy

    network = copy.deepcopy(source.model.network)
    change(network)
    return replace(source, model=replace(source.model, engine=TorchEngine(network, source.model.device)))


@pytest.mark.parametrize("budget", [EXACT, GENEROUS], ids=["exact", "rounded"])
def test_shuffled_labels_are_caught(source, tmp_path, budget):
    def fault(folder, made, written):
        task = json.loads((made.folder / "tunewright.json").read_text())["task"]
        return replace(written, about={**written.about, "task": task | {"labels": task["labels"][::-1]}})

    assert "of the answers agree" in export_wrong(tmp_path, source("text"), fault, budget)


@pytest.mark.parametrize("budget", [EXACT, GENEROUS], ids=["exact", "rounded"])
def test_outputs_in_another_order_are_caught(source, tmp_path, budget):
    import torch

    def roll(network):
        with torch.no_grad():
            for one in (network.head.linear.weight, network.head.linear.bias):
                one.copy_(one.roll(1, 0))

    def fault(folder, made, written):
        (folder / "model.onnx").unlink()
        return Onnx().write(folder, altered(made, roll))

    assert "of the answers agree" in export_wrong(tmp_path, source("text"), fault, budget)


def test_vectors_that_were_not_normalised_are_caught(source, tmp_path, monkeypatch, traced_once):
    from tunewright.export import onnx_graph
    from tunewright.models import encoder

    def bare(hidden, mask, how):
        return encoder.pool(hidden.float(), mask, how)

    def fault(folder, made, written):
        (folder / "model.onnx").unlink()
        with monkeypatch.context() as patched:
            patched.setattr(encoder, "text_vector", bare)
            patched.setattr(onnx_graph, "_trace", traced_once)
            return Onnx().write(folder, altered(made, lambda network: None))

    assert "difference" in export_wrong(tmp_path, source("text"), fault)


@pytest.mark.parametrize("kind", ["table", "mixed"])
def test_columns_that_were_not_scaled_are_caught(source, tmp_path, kind):
    def fault(folder, made, written):
        told = json.loads((made.folder / "tunewright.json").read_text())["preprocessing"]
        features = [one | ({"center": 0.0, "scale": 1.0} if "scale" in one else {}) for one in told["features"]]
        assert features != told["features"]
        return replace(written, about={**written.about, "preprocessing": told | {"features": features}})

    assert "difference" in export_wrong(tmp_path, source(kind), fault)


def test_another_tokenizer_is_caught(source, tmp_path):
    def fault(folder, made, written):
        told = json.loads((made.folder / "tokenizer.json").read_text())
        words = sorted(told["model"]["vocab"], key=told["model"]["vocab"].get)
        moved = [*words[:5], *words[6:], words[5]]  # special tokens stay where they are
        told["model"]["vocab"] = {word: place for place, word in enumerate(moved)}
        (folder / "tokenizer.json").write_text(json.dumps(told))

    assert "difference" in export_wrong(tmp_path, source("text"), fault, GENEROUS)


def test_a_cut_at_another_length_is_caught(source, tmp_path):
    def fault(folder, made, written):
        told = json.loads((made.folder / "tunewright.json").read_text())["preprocessing"]
        return replace(written, about={**written.about, "preprocessing": told | {"max_length": 4}})

    export_wrong(tmp_path, source("text"), fault)


def test_another_threshold_is_caught_although_probabilities_are_the_same(source, tmp_path):
    def fault(folder, made, written):
        told = json.loads((made.folder / "tunewright.json").read_text())["decision"]
        return replace(written, about={**written.about, "decision": told | {"thresholds": [0.999999]}})

    assert "of the answers agree" in export_wrong(tmp_path, source("table"), fault)


def test_words_left_out_are_caught(source, tmp_path):
    beside = next(kind for kind in KINDS if source(kind).model.lexical is not None)

    def fault(folder, made, written):
        return replace(written, about={**written.about, "lexical_share": 0.0})

    export_wrong(tmp_path, source(beside), fault)


def test_trees_left_out_are_caught(source, tmp_path):
    """Validation may choose none on rows so few: then a stump is put beside the network, as a bundle holds it."""
    import copy

    from tunewright.models.trees import Trees

    table, width = source("table"), source("table").model.task.outputs
    stump = Trees(
        column=np.zeros(3, np.int64),
        threshold=np.zeros(3),
        missing_left=np.ones(3, bool),
        left=np.array([1, 1, 2]),
        right=np.array([2, 1, 2]),
        value=np.array([0.0, -4.0, 4.0]),
        roots=np.zeros(1, np.int64),
        start=np.zeros(1),
        seen=np.arange(width),
        depth=np.array(1),
    )
    beside = replace(table, model=replace(table.model, trees=stump, trees_share=0.5))
    del copy

    def fault(folder, made, written):
        return replace(written, about={**written.about, "trees_share": 0.0})

    export_wrong(tmp_path, beside, fault)


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_holds_what_the_contract_names(source, exported, kind):
    told = json.loads((exported(kind, "onnx") / "parity.json").read_text())
    assert {"rows", "label_agreement", "max_probability_difference", "metric_difference", "passed"} <= set(told)
    found = from_json(Parity, told)
    assert found.passed and not found.why and found.label_agreement == 1.0
    assert found.rows == source(kind).validation.height + found.adversarial_rows
    assert found.metric == source(kind).model.metric
    assert found.metric_difference.n == source(kind).validation.height
    assert found.metric_difference.low <= found.metric_difference.value <= found.metric_difference.high
    assert found.budget == {"agreement": 1.0, "mean": 1e-4, "largest": 1e-3, "metric": 1e-3}


def test_the_trained_model_agrees_with_itself_to_the_bit(source):
    for kind in KINDS:
        model, rows = source(kind).model, source(kind).validation
        hard = model.preprocessor.conform(adversarial_rows(model.preprocessor.table))
        found = parity(model, model, held_out=rows, adversarial=hard, budget=EXACT)
        assert found.passed and found.max_probability_difference == 0.0
        assert found.metric_difference.value == 0.0


def test_agreement_is_what_a_loop_over_answers_counts(source):
    import torch

    text = source("text")

    def tilt(network):
        with torch.no_grad():
            network.head.linear.bias[0] += 8.0

    other = altered(text, tilt).model
    found = parity(text.model, other, held_out=text.validation, adversarial=text.train.head(0), budget=EXACT)
    names = [
        model.task.names(
            model.task.outcome(np.zeros(text.validation.height, int), model.outputs(text.validation), model.decision)
        )
        for model in (text.model, other)
    ]
    same = sum(one == two for one, two in zip(*names, strict=True)) / text.validation.height
    assert found.label_agreement == same < 1.0
    assert not found.passed and found.adversarial_rows == 0
    truth = text.validation["y"].to_list()
    right = [sum(said == real for said, real in zip(one, truth, strict=True)) / len(truth) for one in names]
    if found.metric == "accuracy":
        assert found.metric_difference.value == pytest.approx(right[1] - right[0])


def test_numbers_that_are_none_are_an_export_error(source, tmp_path):
    import torch

    def spoil(network):
        with torch.no_grad():
            network.head.linear.weight[0, 0] = float("nan")

    def fault(folder, made, written):
        (folder / "model.onnx").unlink()
        return Onnx().write(folder, altered(made, spoil))

    with pytest.raises(ExportError, match="Nothing was kept"):
        write_export(tmp_path / "out", Wrong(fault=fault), source("text"), held_out=source("text").validation)
    assert list(tmp_path.iterdir()) == []


def test_rows_without_a_target_are_held_to_the_model_all_the_same(source, tmp_path):
    text = source("text")
    made = write_export(tmp_path / "out", format_of("onnx"), text, held_out=text.validation.drop("y"))
    assert made.parity.passed and made.parity.metric_difference is None


def test_what_is_no_number_is_over_every_budget():
    fine = Parity(rows=1, label_agreement=1.0, max_probability_difference=0.0, metric_difference=None, passed=False)
    assert over_budget(fine, EXACT) == ()
    for name in ("max_probability_difference", "mean_probability_difference", "company_difference", "label_agreement"):
        assert len(over_budget(replace(fine, **{name: float("nan")}), ROUNDED)) == 1


def column(name, kind, role="feature"):
    return Column(name=name, kind=kind, role=role, why="")


def test_difficult_rows_hold_every_value_and_end_empty():
    table = Table(
        rows=1,
        columns=(
            column("a", "text"),
            column("b", "text"),
            column("n", "number"),
            column("c", "category"),
            column("d", "datetime"),
            column("f", "boolean"),
            column("skipped", "number", "ignore"),
            column("y", "category", "target"),
        ),
        fingerprint="",
        target="y",
        task="binary",
        task_why="",
    )
    rows = adversarial_rows(table)
    assert rows.columns == ["a", "b", "n", "c", "d", "f"]
    assert set(rows["a"][:-1]) == set(rows["b"][:-1]) == set(TEXTS)
    assert rows[-1].null_count().sum_horizontal()[0] == len(rows.columns)
    assert rows.equals(adversarial_rows(table))


def test_a_failed_export_leaves_the_older_one(source, tmp_path):
    text, out = source("text"), tmp_path / "out"
    write_export(out, format_of("onnx"), text, held_out=text.validation)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    fault = Wrong(fault=lambda folder, made, written: replace(written, about={**written.about, "lexical_share": 9.0}))
    kind = next(kind for kind in KINDS if source(kind).model.lexical is not None)
    with pytest.raises(ExportError):
        write_export(out, fault, source(kind), held_out=source(kind).validation)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    shutil.rmtree(out)


def test_eight_bits_are_not_called_exact(source, exported):
    told = from_json(Parity, json.loads((exported("text", "onnx-int8") / "parity.json").read_text()))
    assert told.passed and told.max_probability_difference > 1e-5
    text = source("text")
    assert not parity(
        text.model,
        read_bundle(exported("text", "onnx-int8")),
        held_out=text.validation,
        adversarial=text.validation.head(0),
        budget=replace(EXACT, mean=1e-9, largest=1e-9),
    ).passed
