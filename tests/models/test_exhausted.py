"""Errors that mean the end of memory, told from those that do not; and room, in every way that it is limited."""

import resource
import subprocess
import sys

import pytest
import torch

from tunewright.errors import TrainingError
from tunewright.models.exhausted import give_back, is_exhausted
from tunewright.models.room import cgroup_free, find_room

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("could not create a primitive"), True),
        (RuntimeError("could not create a primitive descriptor for the matmul primitive"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (TrainingError("One row has no room, out of memory"), False),
        (ValueError("out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_the_end_of_memory_is_recognised(error, expected):
    assert is_exhausted(error) is expected


def test_what_torch_really_raises_under_a_limit_is_recognised():
    code = """
import resource, psutil, torch
from tunewright.models.exhausted import is_exhausted
held = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (held + 50_000_000, resource.RLIM_INFINITY))
for make in (lambda: torch.ones(100_000_000), lambda: bytearray(400_000_000)):
    try:
        make()
    except BaseException as error:
        assert is_exhausted(error), repr(error)
    else:
        raise SystemExit("there was room")
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_giving_back_returns_the_holes_of_the_heap():
    import psutil

    def held():
        return psutil.Process().memory_info().rss

    # Blocks below the threshold of mmap, every second one kept: the heap cannot shrink from its top.
    blocks = [bytearray(50_000) for _ in range(2000)]
    full = held()
    del blocks[::2]
    give_back()
    assert held() < full - 30e6


def files(folder, **contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_a_cgroup_of_version_2_and_those_above_it(tmp_path):
    root = tmp_path / "cgroup"
    files(root / "a" / "b", memory__max="max", memory__current=900)
    files(root / "a", memory__max=5000, memory__current=2000, memory__stat="anon 1500\ninactive_file 300")
    (tmp_path / "told").write_text("0::/a/b\n")
    assert list(cgroup_free(tmp_path / "told", root)) == [3300.0]


def test_a_cgroup_of_version_1(tmp_path):
    root = tmp_path / "cgroup"
    limit, none = "memory__limit_in_bytes", 9223372036854771712
    files(root / "memory" / "job", **{limit: 1000, "memory__usage_in_bytes": 400})
    (root / "memory" / "job" / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 50\n")
    files(root / "memory", **{limit: none, "memory__usage_in_bytes": 400})
    (tmp_path / "told").write_text("5:cpu:/job\n4:memory,hugetlb:/job\n0::/\n")
    assert list(cgroup_free(tmp_path / "told", root)) == [650.0]


def test_without_cgroups_nothing_is_limited_by_them(tmp_path):
    assert list(cgroup_free(tmp_path / "missing", tmp_path)) == []


def test_the_least_limit_counts_and_is_named():
    room = find_room(CPU)
    assert 0 < room.held < room.limit and room.free > 0
    most = room.held / 1e9 + 0.05
    asked = find_room(CPU, budget_gb=most)
    assert asked.why == "budget.memory_gb" and asked.free == pytest.approx(0.05e9, abs=0.04e9)
    assert find_room(CPU, budget_gb=0.001).free == 0
    assert find_room(CPU, budget_gb=1e6).why != "budget.memory_gb"


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="this system has no such limit")
def test_ulimit_counts():
    code = """
import resource, psutil, torch
from tunewright.models.room import find_room
held = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (held + 400_000_000, resource.RLIM_INFINITY))
room = find_room(torch.device("cpu"))
assert room.why == "RLIMIT_AS" and 300e6 < room.free < 370e6, room
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
