"""Which rank a process is; a run of one process loads nothing for it."""

import subprocess
import sys

import pytest

from tunewright.errors import RunError
from tunewright.training.parallel.launch import Place, crew, leading, meet, place

TWO = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.fixture
def says(monkeypatch):
    def do(**values):
        for name in TWO:
            monkeypatch.delenv(name, raising=False)
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return do


def test_alone(says):
    for values in ({}, {"RANK": "0", "WORLD_SIZE": "4"}, TWO | {"RANK": "0", "WORLD_SIZE": "1"}):
        says(**values)
        assert place() is None
        with leading():
            assert crew() is None


def test_one_of_two(says):
    says(**TWO)
    assert place() == Place(rank=1, world=2, local=0)


def test_who_cannot_be_reached_is_named(says, monkeypatch):
    from torch.distributed.rendezvous import rendezvous

    def fail(url, timeout):
        raise RuntimeError("connection refused")

    # torch.distributed has a function of the module's name
    monkeypatch.setattr(sys.modules[rendezvous.__module__], "rendezvous", fail)
    says(**TWO)
    with pytest.raises(RunError, match=r"must reach 127\.0\.0\.1:1\. Rank 1 does not: connection refused"):
        meet(place())


def test_nothing_heavy_is_loaded_to_find_out():
    code = "import sys, tunewright.training.parallel.launch as of\nwith of.leading(): print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
