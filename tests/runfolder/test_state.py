"""Checkpoints: what was saved comes back, what is damaged or hostile never does."""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tunewright.errors import RunError, TrainingError
from tunewright.events import Event
from tunewright.runfolder import disk
from tunewright.runfolder.atomic import check_folder, write_folder
from tunewright.runfolder.state import load_state, save_state

DTYPES = st.sampled_from(["bool", "i1", "u1", "<i2", ">i2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", ">f4", "<f8"])


def save(folder: Path, step: int, **more: Any) -> Path:
    weights = np.arange(6, dtype=np.float32).reshape(2, 3) + step
    return save_state(folder, step=step, arrays={"w": weights, "seen": np.asarray(step)}, meta={"epoch": step}, **more)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_array_of_numbers_comes_back_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("c")
    shapes = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    finite = {"allow_nan": False, "allow_infinity": False}
    elements = None
    dtype = np.dtype(data.draw(DTYPES))
    if dtype.kind == "f":
        elements = npst.from_dtype(dtype, **finite)  # type: ignore[arg-type]
    array = data.draw(npst.arrays(dtype, shapes, elements=elements))
    save_state(folder, step=0, arrays={"a": array, "t": array.T}, meta={})
    state = load_state(folder)
    assert state is not None
    for name, expected in (("a", array), ("t", array.T)):
        got = state.arrays[name]
        assert got.shape == expected.shape and got.dtype == expected.dtype.newbyteorder("=")
        assert got.tobytes() == expected.astype(got.dtype).tobytes()


def test_loaded_arrays_are_copies_that_can_be_written(tmp_path: Path) -> None:
    path = save(tmp_path, 3)
    state = load_state(tmp_path)
    assert state is not None and (state.step, state.meta, state.notes) == (3, {"epoch": 3}, ())
    for array in state.arrays.values():
        array[...] = 99
    assert check_folder(path) == ()


def test_views_and_scalars_are_saved_as_what_they_show(tmp_path: Path) -> None:
    base = np.arange(24.0).reshape(4, 6)
    arrays = {"every_other": base[::2, 1::2], "fortran": np.asfortranarray(base), "scalar": np.float32(2.5)}
    save_state(tmp_path, step=1, arrays=arrays, meta={})  # type: ignore[arg-type]
    state = load_state(tmp_path)
    assert state is not None
    for name, expected in arrays.items():
        np.testing.assert_array_equal(state.arrays[name], expected)
    assert state.arrays["scalar"].shape == ()


def test_no_folder_and_an_empty_one_hold_no_state(tmp_path: Path) -> None:
    assert load_state(tmp_path / "none") is None
    assert load_state(tmp_path) is None


def test_the_newest_two_stay(tmp_path: Path) -> None:
    for step in (1, 2, 3, 100_000_000_000):
        save(tmp_path, step)
    assert names(tmp_path) == ["step-00000003", "step-100000000000"]
    state = load_state(tmp_path)
    assert state is not None and state.step == 100_000_000_000
    save(tmp_path, 7, keep=1)
    assert "step-00000007" in names(tmp_path), "the one just saved is never the one to go"


def test_age_on_the_disk_does_not_decide(tmp_path: Path) -> None:
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    yesterday = time.time() - 86_400
    os.utime(newest, (yesterday, yesterday))
    state = load_state(tmp_path)
    assert state is not None and state.step == 2


def test_the_same_step_can_be_saved_again(tmp_path: Path) -> None:
    save(tmp_path, 1)
    save_state(tmp_path, step=1, arrays={"w": np.zeros(1)}, meta={"epoch": 9})
    state = load_state(tmp_path)
    assert state is not None and state.meta == {"epoch": 9} and names(tmp_path) == ["step-00000001"]


def test_older_ones_go_only_after_the_new_one_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1)
    save(tmp_path, 2)
    real = disk.rename
    there: list[bool] = []

    def rename(old: Path, new: Path) -> None:
        if old.name == "step-00000001":
            there.append(check_folder(tmp_path / "step-00000003") == ())
        real(old, new)

    monkeypatch.setattr(disk, "rename", rename)
    save(tmp_path, 3)
    assert there == [True]


def spoil(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "missing":
        file.unlink()
    elif how.startswith("cut"):
        file.write_bytes(data[: {"cut to nothing": 0, "cut in half": len(data) // 2, "cut by one": len(data) - 1}[how]])
    else:
        place = {"first bit": 0, "middle bit": len(data) // 2, "last bit": len(data) - 1}[how]
        data[place] ^= 4
        file.write_bytes(data)


SPOILED = ["missing", "cut to nothing", "cut in half", "cut by one", "first bit", "middle bit", "last bit"]


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("name", ["state.safetensors", "meta.json", "complete.json"])
def test_a_damaged_newest_is_set_aside_and_the_one_before_it_used(tmp_path: Path, name: str, how: str) -> None:
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    spoil(newest / name, how)
    seen: list[Event] = []
    state = load_state(tmp_path, observe=seen.append)
    assert state is not None and state.step == 1
    np.testing.assert_array_equal(state.arrays["w"], np.arange(6, dtype=np.float32).reshape(2, 3) + 1)
    assert names(tmp_path) == ["damaged-step-00000002", "step-00000001"]
    assert [event.text for event in seen] == list(state.notes) and len(seen) == 1
    assert "step-00000002 is damaged (missing or altered: " in seen[0].text
    assert name in seen[0].text or name == "complete.json"  # an altered digest speaks of the file it is of
    save(tmp_path, 2)
    again = load_state(tmp_path)
    assert again is not None and again.step == 2 and again.notes == ()


def test_where_all_are_damaged_there_is_none_and_each_is_reported(tmp_path: Path) -> None:
    seen: list[Event] = []
    for _ in range(2):
        for step in (1, 2):
            (save(tmp_path, step) / "meta.json").write_text("{}")
        assert load_state(tmp_path, observe=seen.append) is None
    assert len(seen) == 4
    assert names(tmp_path) == [f"damaged-step-0000000{step}{end}" for step in (1, 2) for end in ("", "-2")]


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_what_is_not_finite_is_never_saved(tmp_path: Path, number: float, dtype: str) -> None:
    save(tmp_path, 1)
    bad = np.zeros((3, 3), dtype=dtype)
    bad[2, 1] = number
    with pytest.raises(TrainingError, match=r"must hold finite numbers\. 'adam\.v' holds a NaN or an infinity"):
        save_state(tmp_path, step=2, arrays={"w": np.zeros(2), "adam.v": bad}, meta={})
    with pytest.raises(TrainingError, match=r"meta data holds a NaN or an infinity at best\.1"):
        save_state(tmp_path, step=2, arrays={}, meta={"best": (0.5, float(number))})
    assert names(tmp_path) == ["step-00000001"]


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([{}], dtype=object), np.zeros(2, "c16"), np.zeros(2, np.longdouble)]
)
def test_what_is_not_a_plain_number_is_never_saved(tmp_path: Path, array: np.ndarray) -> None:
    with pytest.raises(TrainingError, match=r"A checkpoint holds numbers\. 'x' has dtype"):
        save_state(tmp_path, step=2, arrays={"x": array}, meta={})
    with pytest.raises(ValueError, match="0 or more"):
        save_state(tmp_path, step=-1, arrays={}, meta={})
    assert names(tmp_path) == []


def plant(folder: Path, arrays: bytes, *, step: int = 2, **files: bytes) -> None:
    """A checkpoint whose digests fit, as an attacker would make it."""
    with write_folder(folder / f"step-{step:08d}") as target:
        (target / "state.safetensors").write_bytes(arrays)
        (target / "meta.json").write_text(json.dumps({"step": step, "meta": {}}))
        for name, data in files.items():
            (target / name.replace("_", ".")).write_bytes(data)


def safetensors(header: dict[str, Any] | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def one(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "header of 2^63 bytes": safetensors({}, length=1 << 63),
    "header of 2^64 - 1 bytes": safetensors({}, length=(1 << 64) - 1),
    "header longer than the file": safetensors({"a": one("F32", [1], 0, 4)}, bytes(4), length=500),
    "header of 90 MB": safetensors(b" " * 90_000_000),
    "nothing": b"",
    "seven bytes": bytes(7),
    "overlap": safetensors({"a": one("F32", [2], 0, 8), "b": one("F32", [2], 4, 12)}, bytes(12)),
    "hole": safetensors({"a": one("F32", [1], 0, 4), "b": one("F32", [1], 8, 12)}, bytes(12)),
    "beyond the end": safetensors({"a": one("F32", [1 << 20], 0, 4 << 20)}, bytes(4)),
    "more than described": safetensors({"a": one("F32", [1], 0, 4)}, bytes(8)),
    "shape overflow": safetensors({"a": one("F32", [1 << 33, 1 << 33], 0, 4)}, bytes(4)),
    "shape overflow to zero": safetensors({"a": one("F32", [1 << 32, 1 << 32], 0, 0)}),
    "shape of other size": safetensors({"a": one("F32", [3], 0, 4)}, bytes(4)),
    "negative": safetensors({"a": one("F32", [1], -4, 0)}),
    "offsets turned round": safetensors({"a": one("F32", [1], 4, 0), "b": one("F32", [1], 0, 4)}, bytes(4)),
    "offsets missing": safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": []}}),
    "offsets of text": safetensors({"a": {"dtype": "F32", "shape": [1], "data_offsets": ["0", "4"]}}, bytes(4)),
    "unknown dtype": safetensors({"a": one("PICKLE", [1], 0, 4)}, bytes(4)),
    "bfloat16": safetensors({"a": one("BF16", [2], 0, 4)}, bytes(4)),
    "a list": safetensors(b"[1, 2]"),
    "deep": safetensors(b"[" * 200_000),
    "NaN weights": safetensors({"a": one("F32", [1], 0, 4)}, struct.pack("<f", float("nan"))),
    "half infinity": safetensors({"a": one("F16", [1], 0, 2)}, struct.pack("<H", 0x7C00)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_an_error_at_once_in_little_memory(tmp_path: Path, name: str) -> None:
    save(tmp_path, 1)
    plant(tmp_path, HOSTILE[name])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    state = load_state(tmp_path)
    assert time.monotonic() - begin < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # in KiB
    assert state is not None and state.step == 1 and len(state.notes) == 1
    assert names(tmp_path) == ["damaged-step-00000002", "step-00000001"]


def test_a_header_of_half_a_million_arrays_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    entries = b",".join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % number for number in range(500_000))
    save(tmp_path, 1)
    plant(tmp_path, safetensors(b"{" + entries + b"}"))
    begin = time.monotonic()
    state = load_state(tmp_path)
    assert time.monotonic() - begin < 1
    assert state is not None and state.step == 1 and "has a header of" in state.notes[0]


class Canary:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.path, "ran"))


def test_a_pickle_in_any_slot_is_never_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = pickle.dumps(Canary(canary))
    pickle.loads(evil)
    assert canary.exists(), "the bait must work"
    canary.unlink()
    folder = tmp_path / "checkpoints"
    save(folder, 1)
    plant(folder, evil, step=2)
    plant(folder, safetensors({}), step=3, meta_json=evil)
    plant(folder, safetensors({}), step=4, state_pt=evil, rng_pkl=evil, optimizer_joblib=evil)
    (folder / "step-00000009.pt").write_bytes(evil)
    state = load_state(folder)
    assert state is not None and state.step == 4 and state.arrays == {}
    shutil.rmtree(folder / "step-00000004")
    state = load_state(folder)
    assert state is not None and state.step == 1 and len(state.notes) == 2
    assert not canary.exists()


@pytest.mark.parametrize(
    "meta", [b"[]", b"{}", b'{"step": 3, "meta": {}}', b'{"step": 2, "meta": 5}', b'{"step": 2, "meta": {"a": NaN}}']
)
def test_meta_of_another_form_is_damage(tmp_path: Path, meta: bytes) -> None:
    save(tmp_path, 1)
    plant(tmp_path, safetensors({}), meta_json=meta)
    state = load_state(tmp_path)
    assert state is not None and state.step == 1 and "meta.json" in state.notes[0]


def test_a_link_in_a_checkpoint_s_place_is_not_followed(tmp_path: Path) -> None:
    elsewhere = save(tmp_path / "elsewhere", 5)
    folder = tmp_path / "checkpoints"
    save(folder, 1)
    (folder / "step-00000005").symlink_to(elsewhere)
    state = load_state(folder)
    assert state is not None and state.step == 1
    assert elsewhere.is_dir() and check_folder(elsewhere) == ()


def test_a_checkpoint_that_cannot_be_set_aside_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (save(tmp_path, 1) / "meta.json").unlink()

    def refuse(old: Path, new: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(disk, "rename", refuse)
    with pytest.raises(RunError, match=r"step-00000001 must be writable\. Got: Read-only file system"):
        load_state(tmp_path)


def test_numbers_that_a_library_taught_numpy_were_never_written(tmp_path: Path) -> None:
    pytest.importorskip("ml_dtypes")
    save(tmp_path, 1)
    plant(tmp_path, HOSTILE["bfloat16"])
    state = load_state(tmp_path)
    assert state is not None and state.step == 1 and "damaged" in names(tmp_path)[0]
