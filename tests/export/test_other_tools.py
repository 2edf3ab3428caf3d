"""Exported bundles in other tools: transformers, sentence-transformers, and onnxruntime without us."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tunewright.bundle.reading import read_bundle

ROOT = Path(__file__).parents[2]
TEXTS = ["bako bali bamu", "koba", "liko lili " * 30, "good and bad"]
BLOCKED = """
import sys, runpy
for name in ("tunewright", "torch", "transformers"):
    sys.modules[name] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def vectors(model, texts):
    """(n, D) of unit length, as our network sees them."""
    import torch

    from tunewright.models.inputs import Inputs
    from tunewright.models.outputs import encode_inputs

    tokens = model.tokenizer(texts, model.preprocessor.max_length)
    inputs = Inputs((tokens,), np.zeros((len(texts), 0), np.float32))
    made = encode_inputs(model.network.encoder, inputs, device=torch.device("cpu"))
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def test_transformers_loads_the_backbone_and_gives_the_same_vectors(source, exported):
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = exported("text", "safetensors-merged")
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    longest = source("text").model.preprocessor.max_length
    batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=longest, return_tensors="pt")
    with torch.no_grad():
        hidden = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1).numpy()
    np.testing.assert_allclose(mean, vectors(source("text").model, TEXTS), atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # its own deprecations
@pytest.mark.parametrize("pooling", ["mean", "cls", "max"])
def test_sentence_transformers_loads_the_backbone_and_gives_the_same_vectors(learn, make_rows, tmp_path, pooling):
    loaded = pytest.importorskip("sentence_transformers", reason="a peer")
    from tunewright.bundle.format import write_bundle
    from tunewright.export.base import Source
    from tunewright.export.formats import format_of
    from tunewright.export.writing import write_export

    made = learn("text", make_rows("text", 60), model={"pooling": pooling}, training={"epochs": 1})
    typed, fitted = made[1].problem.typed, made[2]
    write_bundle(
        tmp_path / "bundle",
        fitted.model,
        backbone_folder=fitted.backbone_folder,
        card="",
        extra={},
        sample=typed["validation"],
    )
    from_ = Source(
        folder=tmp_path / "bundle",
        model=read_bundle(tmp_path / "bundle"),
        train=typed["train"],
        validation=typed["validation"],
    )
    write_export(tmp_path / "out", format_of("safetensors-merged"), from_, held_out=typed["validation"])
    theirs = loaded.SentenceTransformer(str(tmp_path / "out"), device="cpu", local_files_only=True)
    np.testing.assert_allclose(theirs.encode(TEXTS), vectors(from_.model, TEXTS), atol=1e-5)


@pytest.mark.parametrize("to", ["onnx", "onnx-int8"])
def test_the_example_answers_without_us_as_the_graph_does_here(exported, to):
    folder = exported("text", to)
    script = str(ROOT / "examples" / "onnxruntime_alone.py")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, script, str(folder), *TEXTS], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    model = read_bundle(folder)
    tokens = model.tokenizer(TEXTS, model.preprocessor.max_length)
    from tunewright.models.inputs import Inputs

    outputs = model.engine.outputs(Inputs((tokens,), np.zeros((len(TEXTS), 0), np.float32)))
    outcome = model.task.outcome(np.zeros(len(TEXTS), int), outputs, model.decision)
    best = outcome.probabilities.argmax(1)
    assert [one["prediction"] for one in told] == [model.task.labels[place] for place in best]
    said = [one["confidence"] for one in told]
    near = 1e-4 if to == "onnx" else 0.05
    np.testing.assert_allclose(said, outcome.probabilities[np.arange(len(TEXTS)), best], atol=near)
    beside = model.lexical is not None or model.trees is not None
    assert ("stand beside this network" in done.stderr) == beside


def test_other_runtimes_find_a_standard_graph(exported):
    """The checker of ONNX itself, and no operator beyond the standard's in the float32 graph."""
    import onnx

    for kind in ("text", "pair", "mixed", "table", "multilabel"):
        graph = onnx.load_model(exported(kind, "onnx") / "model.onnx")
        onnx.checker.check_model(graph, full_check=True)
        assert {node.domain for node in graph.graph.node} == {""}
        assert [one.version for one in graph.opset_import if one.domain == ""] == [18]
