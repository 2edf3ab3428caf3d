"""The feature cache: what was computed once is not computed again, and nothing else is ever returned."""

import os
import stat

import numpy as np
import pytest

from tunewright.learning import cache as module
from tunewright.learning.cache import VectorCache, look_up, token_digests
from tunewright.models.tokens import Tokens


def digests(*numbers):
    return np.array([[n, n + 1] for n in numbers], np.uint64)


def vectors(*numbers):
    return np.array([[n, -n, 0.5] for n in numbers], np.float32)


def found(cache, *numbers):
    held, values = cache.load(digests(*numbers))
    return {int(d[0]): v.tolist() for d, v in zip(held, values, strict=True)}


def files(tmp_path):
    return sorted((tmp_path / "vectors").rglob("*.safetensors"), key=lambda path: path.stat().st_mtime_ns)


def test_what_was_added_comes_back_and_only_what_was_asked(tmp_path):
    cache = VectorCache("k", tmp_path)
    assert found(cache, 1) == {}
    cache.add(digests(1, 2), vectors(1, 2))
    cache.add(digests(3), vectors(3))
    assert found(VectorCache("k", tmp_path), 3, 1, 9) == {1: [1, -1, 0.5], 3: [3, -3, 0.5]}
    assert found(VectorCache("other", tmp_path), 1) == {}


def test_a_vector_stored_twice_comes_back_once(tmp_path):
    cache = VectorCache("k", tmp_path)
    cache.add(digests(1, 2), vectors(1, 2))
    cache.add(digests(2, 3), vectors(2, 3))
    held, _ = cache.load(digests(1, 2, 3))
    assert sorted(held[:, 0].tolist()) == [1, 2, 3]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "garbage", "shape"])
def test_a_damaged_file_counts_as_absent_and_goes(tmp_path, damage):
    cache = VectorCache("k", tmp_path)
    cache.add(digests(1, 2), vectors(1, 2))
    (path,) = files(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-3] ^= 1
    if damage == "shape":
        from safetensors.numpy import save_file

        save_file({"digests": digests(1), "vectors": vectors(1, 2)}, path)
    else:
        path.write_bytes({"cut": data[:-4], "flip": data, "empty": b"", "garbage": b"\xff" * 200}[damage])
    cache.add(digests(7), vectors(7))
    assert found(cache, 1, 2, 7) == {7: [7, -7, 0.5]}
    assert len(files(tmp_path)) == 1


def test_the_files_used_longest_ago_go_first_also_within_one_key(tmp_path):
    big = np.zeros((100, 250), np.float32)  # 100 kB and a little
    for number in range(4):
        VectorCache("a" if number % 2 else "b", tmp_path, limit=10**9).add(
            digests(*range(number * 100, number * 100 + 100)), big
        )
        (newest,) = [p for p in files(tmp_path) if p.stat().st_mtime > 10**9]
        os.utime(newest, ns=(number, number))
    VectorCache("b", tmp_path).load(digests(5))  # uses the oldest
    VectorCache("a", tmp_path, limit=350_000).add(digests(900), big[:1])
    left = {
        number for number in range(4) if len(VectorCache("ba"[number % 2], tmp_path).load(digests(number * 100))[0])
    }
    assert left == {0, 2, 3}
    assert sum(p.stat().st_size for p in files(tmp_path)) <= 350_000


def test_what_was_just_added_stays_whatever_the_limit(tmp_path):
    VectorCache("a", tmp_path, limit=1).add(digests(1), vectors(1))
    assert found(VectorCache("a", tmp_path), 1)


def test_a_cache_that_cannot_be_written_stops_nobody(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cache = VectorCache("k", blocked)
    cache.add(digests(1), vectors(1))
    assert found(cache, 1) == {}


def test_no_text_is_stored_and_no_temporary_file_is_left(tmp_path):
    VectorCache("k", tmp_path).add(digests(1), vectors(1))
    names = [p.name for p in tmp_path.rglob("*") if p.is_file()]
    assert len(names) == 1 and not names[0].startswith(".")
    assert stat.S_ISREG(files(tmp_path)[0].stat().st_mode)


def test_digests_tell_texts_apart_and_nothing_else():
    tokens = Tokens(np.array([1, 2, 3, 1, 2, 3], np.int32), np.array([0, 3, 5, 6]), np.array([3, 2, 1]))
    a, b, c = token_digests(tokens)
    assert len({a.tobytes(), b.tobytes(), c.tobytes()}) == 3
    again = token_digests(tokens.take(np.array([1, 1, 0])))
    assert (again[0] == b).all() and (again[1] == b).all() and (again[2] == a).all()


def test_look_up_against_a_loop():
    rng = np.random.default_rng(0)
    held = np.unique(rng.integers(0, 9, (40, 2)).astype(np.uint64), axis=0)
    wanted = rng.integers(0, 9, (60, 2)).astype(np.uint64)
    slow = [next((i for i, h in enumerate(held) if (h == w).all()), -1) for w in wanted]
    assert look_up(wanted, held).tolist() == slow
    assert look_up(wanted, held[:0]).tolist() == [-1] * 60


def test_the_default_limit_is_bounded():
    assert module.LIMIT_BYTES == 8 * 2**30 == VectorCache("k").limit
