"""Arrays as the library reads them, written without a copy."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors import safe_open
from safetensors.numpy import load_file

from tunewright.errors import RunError
from tunewright.runfolder.arrays import read_arrays, write_arrays

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", ">i8"]
ARRAY = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays_of.arrays(
        np.dtype(dtype), arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    )
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), ARRAY, max_size=5))
def test_the_library_reads_what_was_written(tmp_path_factory, held):
    file = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    write_arrays(file, held)
    found = load_file(file)
    assert found.keys() == held.keys()
    for name, array in held.items():
        assert found[name].dtype == array.dtype.newbyteorder("=") and found[name].shape == array.shape
        np.testing.assert_array_equal(found[name], array)


def test_any_memory_order_and_the_header_s_texts(tmp_path):
    array = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    write_arrays(tmp_path / "a", {"turned": array.T, "part": array[:, ::2, 1:]}, metadata={"format": "pt"})
    np.testing.assert_array_equal(read_arrays(tmp_path / "a")["turned"], array.T)
    np.testing.assert_array_equal(read_arrays(tmp_path / "a")["part"], array[:, ::2, 1:])
    with safe_open(tmp_path / "a", "np") as file:
        assert file.metadata() == {"format": "pt"}


def test_nothing_is_copied(tmp_path):
    array = np.ones(4_000_000, np.float32)
    tracemalloc.start()
    write_arrays(tmp_path / "a", {"a": array})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000 < array.nbytes


@pytest.mark.parametrize("array", [np.array(["text"]), np.ones(2, complex), np.array([object()])])
def test_what_is_no_number_is_refused(tmp_path, array):
    with pytest.raises(TypeError, match="must hold numbers"):
        write_arrays(tmp_path / "a", {"a": array})
    assert not (tmp_path / "a").exists()


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"\xff" * 40)
    with pytest.raises(RunError, match="readable safetensors"):
        read_arrays(tmp_path / "a")
