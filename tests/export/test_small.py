"""`small`: fewer layers, taught by the whole network, with the cost measured."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tunewright.bundle.reading import read_bundle
from tunewright.errors import ExportError
from tunewright.events import silent
from tunewright.export.distilling import Lesson, distil, layer_list, thinned
from tunewright.export.formats import format_of
from tunewright.export.small import Small
from tunewright.export.writing import write_export
from tunewright.models.network import Network

WIDE = replace(Small().budget, agreement=0.0, mean=1.0, metric=1.0)


def lesson(source, kind, epochs=4, **more):
    text = source(kind)
    model = text.model
    student = thinned(model.network, [0])
    losses = distil(
        student,
        model.network,
        task=model.task,
        train=model.preprocessor.inputs(text.train, model.tokenizer),
        held_out=model.preprocessor.inputs(text.validation, model.tokenizer),
        lesson=Lesson(epochs=epochs, rate=1e-3, **more),
        observe=silent,
    )
    return student, losses


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "mixed"])
def test_a_student_comes_nearer_to_its_teacher(source, kind):
    before = {name: value.clone() for name, value in source(kind).model.network.state_dict().items()}
    student, losses = lesson(source, kind)
    assert min(losses[1:]) < 0.8 * losses[0]
    assert len(layer_list(student.encoder.model)) == 1
    after = source(kind).model.network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())  # the teacher learns nothing


def test_the_same_seed_makes_the_same_student_and_another_another(source):
    states = [lesson(source, "text", epochs=1, seed=seed)[0].state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert any(not torch.equal(value, states[2][name]) for name, value in states[0].items())


def test_a_student_that_keeps_all_layers_has_nothing_to_learn(source):
    text = source("text")
    student = thinned(text.model.network, [0, 1])
    inputs = text.model.preprocessor.inputs(text.validation, text.model.tokenizer)
    losses = distil(
        student,
        text.model.network,
        task=text.model.task,
        train=inputs,
        held_out=inputs,
        lesson=Lesson(epochs=1, rate=0.0),
        observe=silent,
    )
    assert max(losses) < 1e-6


def test_what_is_written_is_a_bundle_of_fewer_layers_with_its_cost(source, tmp_path):
    text = source("text")
    form = replace(Small(), epochs=3, rate=1e-3, budget=WIDE)
    made = write_export(tmp_path / "out", form, text, held_out=text.validation)
    back = read_bundle(tmp_path / "out")
    assert len(layer_list(back.network.encoder.model)) == 1
    assert made.detail["layers"] == [0] and len(made.detail["held_out_loss"]) == 4
    full, small = ((folder / "model.safetensors").stat().st_size for folder in (text.folder, tmp_path / "out"))
    assert small < full
    assert made.parity.metric_difference is not None
    told = [json.loads((folder / "tunewright.json").read_text()) for folder in (text.folder, tmp_path / "out")]
    assert told[1]["exported"]["from"] == told[0]["weights_digest"] != told[1]["weights_digest"]
    made = write_export(
        tmp_path / "graph",
        format_of("onnx"),
        replace(text, folder=tmp_path / "out", model=back),
        held_out=text.validation,
    )
    assert made.parity.passed
    np.testing.assert_allclose(
        read_bundle(tmp_path / "graph").outputs(text.validation), back.outputs(text.validation), atol=1e-4
    )


def test_a_student_that_learned_nothing_is_not_written(source, tmp_path):
    text = source("text")
    form = replace(Small(), epochs=0, budget=replace(Small().budget, mean=1e-6))
    with pytest.raises(ExportError, match="the mean difference of probabilities"):
        write_export(tmp_path / "out", form, text, held_out=text.validation)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_made_smaller_is_told(source, tmp_path):
    text = source("text")
    with pytest.raises(ExportError, match="reads a table alone"):
        write_export(tmp_path / "out", Small(), source("table"), held_out=source("table").validation)
    with pytest.raises(ExportError, match="taught on train texts"):
        write_export(tmp_path / "out", Small(), replace(text, train=text.train.head(0)), held_out=text.validation)
    encoder = thinned(text.model.network, [0]).encoder
    bare = replace(text, model=replace(text.model, engine=replace(text.model.engine, network=Network(encoder, None))))
    with pytest.raises(ExportError, match="needs two layers"):
        write_export(tmp_path / "out", Small(), bare, held_out=text.validation)
