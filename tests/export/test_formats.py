"""What every format writes: a bundle like any other, whose engine is another one."""

import json
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from tunewright.bundle.predictor import Predictor
from tunewright.bundle.reading import read_bundle
from tunewright.errors import ExportError, MissingExtra, ModelError, PlanError
from tunewright.export.base import EXACT
from tunewright.export.formats import FORMATS, TRIED, format_of
from tunewright.export.openvino_int8 import OpenvinoInt8
from tunewright.export.writing import write_export

KINDS = ["text", "pair", "multilabel", "table", "mixed"]
NAMES = [one.kind for one in FORMATS]
SAME = [one.kind for one in TRIED]
ENGINES = {"onnx": "onnx", "onnx-int8": "onnx", "openvino-int8": "openvino"}


def need(to):
    if to.startswith("openvino"):
        pytest.importorskip("openvino", reason="an extra")


def test_the_table_holds_frozen_strategies_of_different_names():
    assert len(set(NAMES)) == len(NAMES) == 6
    for one in FORMATS:
        assert is_dataclass(one) and type(one).__dataclass_params__.frozen
        assert one.what and {"budget"} <= {field.name for field in fields(one)}
        assert format_of(one.kind) is one
    with pytest.raises(PlanError, match=r"'onx'\. Did you mean 'onnx'"):
        format_of("onx")


@pytest.mark.parametrize("to", SAME)
@pytest.mark.parametrize("kind", KINDS)
def test_an_export_answers_as_the_trained_model(source, exported, learned, kind, to):
    need(to)
    folder, trained = exported(kind, to), source(kind).model
    model = read_bundle(folder)
    assert model.engine.kind == ENGINES.get(to, "torch")
    rows = learned(kind)[1].problem.typed["test"]
    near = 1e-4 if format_of(to).budget is EXACT else 0.5
    np.testing.assert_allclose(model.outputs(rows), trained.outputs(rows), atol=near)
    assert (model.task, model.decision, model.preprocessor) == (trained.task, trained.decision, trained.preprocessor)


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_graph_is_read_without_torch(exported, kind):
    import subprocess
    import sys

    script = (
        "import sys\n"
        "import tunewright as tw\n"
        f"found = tw.load({str(exported(kind, 'onnx'))!r})\n"
        "row = {name.name: None for name in found.model.preprocessor.table.columns}\n"
        "print(found.predict([row, row]).height, 'torch' in sys.modules, 'transformers' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.stdout.split() == ["2", "False", "False"], done.stderr


def test_words_and_trees_stay_part_of_the_answer(source, exported):
    """Without them the answer would be another: the graph alone is not what was judged."""
    beside = [kind for kind in KINDS if source(kind).model.lexical or source(kind).model.trees]
    assert beside
    for kind in beside:
        model, rows = read_bundle(exported(kind, "onnx")), source(kind).validation
        alone = model.engine.outputs(model.preprocessor.inputs(rows, model.tokenizer))
        assert np.abs(alone - model.outputs(rows)).max() > 1e-3
        assert (model.lexical is None, model.trees is None) == (
            source(kind).model.lexical is None,
            source(kind).model.trees is None,
        )


@pytest.mark.parametrize("to", ["onnx", "onnx-int8"])
def test_a_graph_says_nothing_of_this_machine(exported, to, tmp_path_factory):
    data = (exported("text", to) / "model.onnx").read_bytes()
    for word in (b"site-packages", b"/home/", b"/root/", b"stack_trace", str(tmp_path_factory.getbasetemp()).encode()):
        assert word not in data


def test_a_graph_has_the_promised_names_and_free_axes(exported):
    import onnx

    wanted = {
        "text": ["input_ids", "attention_mask"],
        "pair": ["input_ids", "attention_mask", "input_ids_2", "attention_mask_2"],
        "table": ["features"],
        "mixed": ["input_ids", "attention_mask", "features"],
    }
    for kind, names in wanted.items():
        graph = onnx.load_model(exported(kind, "onnx") / "model.onnx").graph
        assert [one.name for one in graph.input] == names
        assert [one.name for one in graph.output] == ["outputs"]
        for one in graph.input:
            axes = one.type.tensor_type.shape.dim
            assert axes[0].dim_param
            assert one.name == "features" or axes[1].dim_param


def test_eight_bits_are_smaller_and_do_hold_eight_bits(exported):
    import onnx

    full, small = (exported("text", to) / "model.onnx" for to in ("onnx", "onnx-int8"))
    assert small.stat().st_size < 0.6 * full.stat().st_size
    nodes = [node.op_type for node in onnx.load_model(small).graph.node]
    products = nodes.count("MatMulInteger") + nodes.count("DynamicQuantizeMatMul")
    assert products >= 2 * 6  # six constant products in each of two layers


def test_bfloat16_is_half_the_size(exported):
    full, half = (exported("text", to) / "model.safetensors" for to in ("safetensors-merged", "torch-bf16"))
    assert 0.4 < half.stat().st_size / full.stat().st_size < 0.6


def test_static_scales_need_rows_and_their_library(source, tmp_path, monkeypatch):
    from dataclasses import replace

    from tunewright.export import openvino_int8

    need("openvino-int8")
    text = source("text")
    with pytest.raises(ExportError, match="calibrated on train rows"):
        write_export(
            tmp_path / "out", OpenvinoInt8(), replace(text, train=text.train.head(0)), held_out=text.validation
        )
    monkeypatch.setattr(openvino_int8, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewright\[openvino\]'"):
        write_export(tmp_path / "out", OpenvinoInt8(), text, held_out=text.validation)
    assert list(tmp_path.iterdir()) == []


def test_static_scales_make_no_row_depend_on_its_company(exported):
    need("openvino-int8")
    told = json.loads((exported("text", "openvino-int8") / "parity.json").read_text())
    assert told["company_difference"] < 1e-3
    assert json.loads((exported("text", "openvino-int8") / "tunewright.json").read_text())["exported"]["calibrated_on"]


def test_an_exported_bundle_is_not_exported_again_and_has_no_gradients(exported):
    model = Predictor.load(exported("text", "onnx")).model
    with pytest.raises(ModelError, match="exported to onnx"):
        _ = model.network
    with pytest.raises(ModelError, match="exported to onnx"):
        _ = model.device


def test_adapters_that_were_not_merged_are_refused(source, tmp_path):
    import copy
    from dataclasses import replace

    from tunewright.models.engine import TorchEngine
    from tunewright.models.trainable import choose_trainable, merge_lora

    text = source("text")
    network = copy.deepcopy(text.model.network)
    choose_trainable(network, "lora")
    raw = replace(text, model=replace(text.model, engine=TorchEngine(network.eval(), text.model.device)))
    with pytest.raises(ExportError, match="Adapters must be merged"):
        write_export(tmp_path / "out", format_of("safetensors-merged"), raw, held_out=text.validation)
    merge_lora(network)
    write_export(tmp_path / "out", format_of("safetensors-merged"), raw, held_out=text.validation)
    assert read_bundle(tmp_path / "out").engine.kind == "torch"
