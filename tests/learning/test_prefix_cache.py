"""The prefix cache: states come back bit for bit, bounded, and never from a file that is not what was written."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from tunewright.errors import PlanError
from tunewright.learning import prefix_cache, prefix_files
from tunewright.learning.prefix_cache import PrefixCache, limit_bytes
from tunewright.learning.prefix_files import map_states, write_states

WIDTH, BIG = 4, 1 << 30


def digests(*numbers):
    return np.array([[n, n + 1] for n in numbers], np.uint64)


def states(number, kind=np.float32):
    """A text of `number` tokens."""
    return (np.arange(number * WIDTH).reshape(number, WIDTH) + 100 * number).astype(kind)


def add(cache, *numbers, kind=np.float32):
    cache.add(digests(*numbers), np.array(numbers), WIDTH, (states(n, kind) for n in numbers))


def found(cache, *numbers):
    held = cache.find(digests(*numbers))
    rows = zip(held.digests, held.source, held.starts, held.lengths, strict=True)
    return {int(d[0]): held.sources[s][start : start + length].tolist() for d, s, start, length in rows}


def files(tmp_path, suffix="safetensors"):
    return sorted((tmp_path / "prefix").rglob(f"*.{suffix}"))


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_what_was_added_comes_back_and_only_what_was_asked(tmp_path, kind):
    cache = PrefixCache("k", limit=BIG, root=tmp_path)
    assert found(cache, 1) == {}
    add(cache, 1, 3, kind=kind)
    add(cache, 2, kind=kind)
    again = PrefixCache("k", limit=BIG, root=tmp_path)
    assert found(again, 2, 3, 9) == {2: states(2).tolist(), 3: states(3).tolist()}
    assert again.find(digests(3)).sources[0].dtype == kind
    assert found(PrefixCache("other", limit=BIG, root=tmp_path), 1) == {}


def test_a_text_stored_twice_comes_back_once(tmp_path):
    cache = PrefixCache("k", limit=BIG, root=tmp_path)
    add(cache, 1, 2)
    add(cache, 2, 3)
    assert sorted(cache.find(digests(1, 2, 3)).digests[:, 0].tolist()) == [1, 2, 3]


def test_other_tools_read_the_file(tmp_path):
    add(PrefixCache("k", limit=BIG, root=tmp_path), 1, 3)
    (path,) = files(tmp_path)
    arrays = load_file(path)
    np.testing.assert_array_equal(arrays["states"], np.concatenate([states(1), states(3)]))
    assert arrays["offsets"].tolist() == [0, 1, 4]
    assert arrays["digests"].tolist() == digests(1, 3).tolist()


def test_states_are_mapped_and_nothing_is_padded(tmp_path):
    add(PrefixCache("k", limit=BIG, root=tmp_path), 1, 50)
    (path,) = files(tmp_path)
    held = map_states(path)
    assert isinstance(held.states.base, np.memmap) and held.states.shape == (51, WIDTH)
    assert not held.states.flags.writeable
    assert path.stat().st_size < 51 * WIDTH * 4 + 600


def damaged(data, how):
    if how == "flip state":
        data[-3] ^= 1
    elif how == "flip digest":
        data[8 + int.from_bytes(data[:8], "little")] ^= 1
    elif how == "longer":
        data += b"1234"
    return {
        "cut": data[:-4],
        "cut header": data[:40],
        "empty": b"",
        "garbage": b"\xff" * 200,
        "no header": (8).to_bytes(8, "little") + b"[]      ",
        "deep": (4000).to_bytes(8, "little") + b"[" * 4000,
        "negative": data.replace(b'"data_offsets":[0,', b'"data_offsets":[-8,', 1),
        "other kind": data.replace(b"F32", b"F99", 1),
    }.get(how, data)


HOW = [
    "flip state",
    "flip digest",
    "cut",
    "cut header",
    "empty",
    "garbage",
    "no header",
    "deep",
    "negative",
    "other kind",
]


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_file_is_set_aside_and_counts_as_absent(tmp_path, how):
    cache = PrefixCache("k", limit=BIG, root=tmp_path)
    add(cache, 1, 3)
    (path,) = files(tmp_path)
    assert found(cache, 1, 3)  # it was sound, and this process knows it
    path.write_bytes(damaged(bytearray(path.read_bytes()), how))
    os.utime(path, ns=(1, 1))
    add(cache, 2)
    assert found(cache, 1, 2, 3) == {2: states(2).tolist()}
    assert not path.exists() and files(tmp_path, "damaged") == [path.with_suffix(".damaged")]
    add(cache, 1, 3)
    assert found(cache, 1, 3) == {1: states(1).tolist(), 3: states(3).tolist()}


def test_every_cut_of_a_file_is_noticed(tmp_path):
    path = tmp_path / "a.safetensors"
    write_states(path, digests(1, 2), np.array([1, 2]), WIDTH, [states(1), states(2)])
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        held = map_states(path)
        assert held is None or not held.sound(), size


def test_a_file_is_looked_through_once(tmp_path, monkeypatch):
    add(PrefixCache("k", limit=BIG, root=tmp_path), 1, 2)
    looked = []
    sound = prefix_files.StateFile.sound
    monkeypatch.setattr(prefix_files.StateFile, "sound", lambda self: looked.append(1) or sound(self))
    for _ in range(3):
        assert found(PrefixCache("k", limit=BIG, root=tmp_path), 1)
    assert len(looked) == 1


def test_the_files_used_longest_ago_go_first(tmp_path):
    size = 0
    for number in range(1, 5):
        cache = PrefixCache("ab"[number % 2], limit=BIG, root=tmp_path)
        cache.add(digests(number), np.array([1000]), WIDTH, [np.zeros((1000, WIDTH), np.float32)])
        (newest,) = [p for p in files(tmp_path) if p.stat().st_mtime > 10**9]
        size = newest.stat().st_size
        os.utime(newest, ns=(number, number))
    PrefixCache("b", limit=BIG, root=tmp_path).find(digests(1))  # uses the oldest
    small = PrefixCache("a", limit=3 * size + 800, root=tmp_path)
    add(small, 9)
    left = {n for n in (1, 2, 3, 4) if found(PrefixCache("ab"[n % 2], limit=BIG, root=tmp_path), n)}
    assert left == {1, 3, 4}
    assert sum(p.stat().st_size for p in files(tmp_path)) <= small.limit


def test_what_is_mapped_stays_readable_when_the_cache_is_deleted(tmp_path):
    """Also when another process does it, while this one reads."""
    cache = PrefixCache("k", limit=BIG, root=tmp_path)
    numbers = range(1, 200)
    add(cache, *numbers)
    held = cache.find(digests(*numbers))
    code = f"import shutil; shutil.rmtree({str(tmp_path / 'prefix')!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not (tmp_path / "prefix").exists()
    rows = zip(held.digests, held.source, held.starts, held.lengths, strict=True)
    for digest, source, start, length in rows:
        np.testing.assert_array_equal(held.sources[source][start : start + length], states(int(digest[0])))
    assert found(cache, 5) == {}
    add(cache, 5)
    assert found(cache, 5)


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path):
    cache = PrefixCache("k", limit=BIG, root=tmp_path)

    def broken():
        yield states(1)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        cache.add(digests(1, 2), np.array([1, 2]), WIDTH, broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_nothing_partial_ever_has_a_final_name(tmp_path, monkeypatch):
    """A kill between any two batches: what stands under a name that is read is whole."""
    cache = PrefixCache("k", limit=BIG, root=tmp_path)
    seen = []

    def watched():
        for number in (1, 2, 3):
            seen.append(found(PrefixCache("k", limit=BIG, root=tmp_path), 1, 2, 3))
            yield states(number)

    cache.add(digests(1, 2, 3), np.array([1, 2, 3]), WIDTH, watched())
    assert seen == [{}, {}, {}] and len(found(cache, 1, 2, 3)) == 3


def test_no_text_is_stored_and_no_temporary_file_is_left(tmp_path):
    add(PrefixCache("k", limit=BIG, root=tmp_path), 1)
    names = [p.name for p in tmp_path.rglob("*") if p.is_file()]
    assert len(names) == 1 and not names[0].startswith(".")
    header = files(tmp_path)[0].read_bytes()[8:500].split(b"]}}")[0] + b"]}}"
    assert set(json.loads(header)) == {"__metadata__", "digests", "offsets", "states"}


@pytest.mark.parametrize(
    ("given", "bytes_"), [(None, 8 << 30), ("0.5", 1 << 29), ("0", 0), (" 2 ", 2 << 30), ("", 8 << 30)]
)
def test_the_limit_is_the_variables(monkeypatch, given, bytes_):
    monkeypatch.delenv(prefix_cache.VARIABLE, raising=False)
    if given is not None:
        monkeypatch.setenv(prefix_cache.VARIABLE, given)
    assert limit_bytes() == bytes_


@pytest.mark.parametrize("given", ["-1", "much", "nan", "inf"])
def test_a_limit_that_is_none_is_refused(monkeypatch, given):
    monkeypatch.setenv(prefix_cache.VARIABLE, given)
    with pytest.raises(PlanError, match="TUNEWRIGHT_PREFIX_GB must be a number"):
        limit_bytes()


def test_there_is_never_more_room_than_half_of_the_disk(tmp_path, monkeypatch):
    import shutil
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    assert PrefixCache("k", limit=BIG, root=tmp_path / "none" / "yet").room() == 500
    assert PrefixCache("k", limit=300, root=tmp_path).room() == 300
