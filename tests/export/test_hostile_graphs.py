"""Graphs that came from somebody else: nothing outside their folder is read, nothing of theirs runs."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tunewright.bundle.reading import read_bundle
from tunewright.errors import MissingExtra, ModelError
from tunewright.models.onnx_engine import check_graph, open_onnx


def sign(folder):
    """What somebody who tampers would do, too: digests that fit."""
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in ("SHA256SUMS", "complete.json"))
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def copy(exported, tmp_path):
    def make(to="onnx"):
        shutil.copytree(exported("text", to), tmp_path / "copy")
        return tmp_path / "copy"

    return make


def save(path, nodes, tensors=(), functions=(), domains=("",)):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("features", TensorProto.FLOAT, ["rows", 2])],
        [value("outputs", TensorProto.FLOAT, ["rows", 2])],
        list(tensors),
    )
    opsets = [helper.make_opsetid(domain, 18 if domain == "" else 1) for domain in domains]
    onnx.save_model(helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=9), path)
    return path


def elsewhere(name, location):
    """A tensor whose numbers lie in another file."""
    tensor = numpy_helper.from_array(np.zeros((1, 2), np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    return tensor


ADD = helper.make_node("Add", ["features", "w"], ["outputs"])


@pytest.mark.parametrize("location", ["../../x", "../secret.bin", "/etc/passwd", "weights.data"])
def test_weights_in_another_file_are_refused(tmp_path, location):
    (tmp_path / "secret.bin").write_bytes(b"12345678")
    (tmp_path / "in").mkdir()
    path = save(tmp_path / "in" / "model.onnx", [ADD], [elsewhere("w", location)])
    with pytest.raises(ModelError, match=r"must hold its weights itself.*'w'"):
        open_onnx(path, inputs=["features"])


def test_weights_in_another_file_are_found_in_a_graph_within_an_operator(tmp_path):
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=elsewhere("deep", "../x"))],
        "inner",
        [],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, [1, 2])],
    )
    node = helper.make_node("If", ["yes"], ["w"], then_branch=inner, else_branch=inner)
    yes = numpy_helper.from_array(np.array(True), "yes")
    path = save(tmp_path / "model.onnx", [node, ADD], [yes])
    with pytest.raises(ModelError, match="'deep'"):
        check_graph(path)


def test_weights_in_another_file_are_found_in_a_function(tmp_path):
    body = [helper.make_node("Constant", [], ["c"], value=elsewhere("hidden", "../x"))]
    function = helper.make_function("local", "F", [], ["c"], body, [helper.make_opsetid("", 18)])
    path = save(
        tmp_path / "model.onnx", [helper.make_node("F", [], ["w"], domain="local"), ADD], (), [function], ("", "local")
    )
    with pytest.raises(ModelError, match="'hidden'"):
        check_graph(path)


@pytest.mark.parametrize(
    ("domain", "operator"), [("evil.ops", "Run"), ("com.microsoft", "EPContext"), ("", "PythonOp")]
)
def test_operators_that_load_or_run_something_are_refused(tmp_path, domain, operator):
    nodes = [helper.make_node(operator, ["features"], ["w"], domain=domain), ADD]
    path = save(tmp_path / "model.onnx", nodes, domains=("", domain) if domain else ("",))
    with pytest.raises(ModelError, match=operator):
        check_graph(path)


def test_graphs_that_nest_without_end_are_refused(tmp_path):
    inner = helper.make_graph([helper.make_node("Identity", ["features"], ["w"])], "inner", [], [])
    for _ in range(20):
        node = helper.make_node("If", ["yes"], ["w"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "inner", [], [])
        if inner.ByteSize() > 1 << 24:
            break
    path = tmp_path / "model.onnx"
    onnx.save_model(helper.make_model(inner, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    with pytest.raises(ModelError, match=r"deep|readable"):
        check_graph(path)


@pytest.mark.parametrize(
    "data", [b"", b"not a graph", b"\x08" * 1000, b"\x80\x04."], ids=["empty", "text", "bytes", "pickle"]
)
def test_what_is_no_graph_is_a_model_error(tmp_path, data):
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError):
        open_onnx(path, inputs=[])


def test_a_changed_graph_is_refused_by_name(copy):
    folder = copy()
    data = bytearray((folder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.onnx").write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.onnx is missing or was changed"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["other.onnx", "weights.data", "openvino_model.xml", "openvino_model.bin"])
def test_an_engine_file_that_is_not_listed_is_refused(copy, name):
    folder = copy()
    (folder / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        read_bundle(folder)


def test_a_listed_graph_with_weights_elsewhere_is_refused_before_it_runs(copy, tmp_path):
    folder = copy()
    (tmp_path / "x").write_bytes(b"12345678")
    save(folder / "model.onnx", [ADD], [elsewhere("w", "../x")])
    sign(folder)
    with pytest.raises(ModelError, match="must hold its weights itself"):
        read_bundle(folder)


@pytest.mark.parametrize("engine", ["tensorrt", None, 7, ["onnx"], {"kind": "onnx"}])
def test_an_unknown_engine_is_refused(copy, engine):
    folder = copy()
    told = json.loads((folder / "tunewright.json").read_text())
    (folder / "tunewright.json").write_text(json.dumps(told | {"engine": engine}))
    sign(folder)
    with pytest.raises(ModelError):
        read_bundle(folder)


def test_a_graph_of_another_network_is_refused(copy):
    """It has other inputs: a library's error must not be what a user sees."""
    folder = copy()
    save(folder / "model.onnx", [ADD], [numpy_helper.from_array(np.zeros((1, 2), np.float32), "w")])
    sign(folder)
    with pytest.raises(ModelError, match="features"):
        read_bundle(folder)


def test_an_openvino_graph_with_a_document_type_is_refused(copy):
    pytest.importorskip("openvino", reason="an extra")
    folder = copy("openvino-int8")
    path = folder / "openvino_model.xml"
    head = '<?xml version="1.0"?><!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    path.write_text(head + path.read_text().partition("?>")[2])
    sign(folder)
    with pytest.raises(ModelError, match="plain XML"):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["openvino_model.xml", "openvino_model.bin"])
def test_a_damaged_openvino_graph_is_refused(copy, name):
    pytest.importorskip("openvino", reason="an extra")
    folder = copy("openvino-int8")
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    sign(folder)
    with pytest.raises(ModelError):
        read_bundle(folder)


def test_a_missing_library_says_what_to_install(copy, monkeypatch):
    import sys

    pytest.importorskip("openvino", reason="an extra")
    folder = copy("openvino-int8")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtra, match=r"pip install 'tunewright\[openvino\]'"):
        read_bundle(folder)


def test_a_link_in_place_of_the_pooling_folder_is_refused(exported, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(exported("text", "safetensors-merged"), folder)
    read_bundle(folder)
    shutil.move(folder / "1_Pooling", tmp_path / "outside")
    (folder / "1_Pooling").symlink_to(tmp_path / "outside")
    with pytest.raises(ModelError):
        read_bundle(folder)


def test_a_changed_pooling_is_refused(exported, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(exported("text", "safetensors-merged"), folder)
    (folder / "1_Pooling" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="1_Pooling"):
        read_bundle(folder)
