"""A real end of memory: a process that may not take more address space (FAULTS 12)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.runfolder.state import load_state

pytest.importorskip("resource")
PROCESS = Path(__file__).with_name("limited_process.py")
# Large blocks are the system's, not the heap's: what is free again counts as free at once.
ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}


def run(folder, what):
    for attempt in range(3):
        place = folder / str(attempt)
        place.mkdir()
        done = subprocess.run(
            [sys.executable, str(PROCESS), str(place), what],
            env=os.environ | ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=240,
        )
        if done.returncode not in (-signal.SIGSEGV, -signal.SIGABRT):
            break
        # Native libraries do not always look whether they were given memory. Where nothing has room the process may end
        # in one of them before Python can say so: then what was saved before must load all the same.
        kept = load_state(place)
        assert kept is not None and kept.step == 1
    assert done.returncode == 0, done.stderr[-3000:]
    for saved in place.iterdir():
        saved.rename(folder / saved.name)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_half_fits_so_the_run_ends_well_and_says_so(tmp_path):
    said = run(tmp_path, "half fits")
    assert said["need"] > 100e6  # a clear margin: what the interpreter takes meanwhile is a few MB
    assert said["micro_tokens"] in (100 * 60, 50 * 60)
    assert said["steps"] == [2, 2]
    assert said["difference"] < 1e-4
    assert "Out of memory on 200 rows" in said["notes"][0] and "effective batch stays" in said["notes"][0]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        pytest.param("no row fits", ["One row of 60 tokens", "gradient_checkpointing"], marks=pytest.mark.slow),
        pytest.param("no checkpoint fits", ["a checkpoint had"], marks=pytest.mark.slow),
    ],
)
def test_nothing_fits_so_the_error_is_clean_and_the_checkpoint_before_it_loads(tmp_path, what, words):
    said = run(tmp_path, what)
    assert "Training must fit into memory" in said["error"] and "model.train: lora" in said["error"]
    assert all(word in said["error"] for word in words)
    kept = load_state(tmp_path)
    assert kept is not None and kept.step == 1 and kept.notes == ()


def test_what_the_contract_settles_stays_within_the_plan_s_budget(tmp_path):
    """Where nothing refuses and too much would be killed: the probe must be right before it happens."""
    said = run(tmp_path, "budget")
    assert said["micro_tokens"] is not None and 60 <= said["micro_tokens"] < 200 * 60
    assert said["taken"] <= 0.6 * said["need"] * 1.1
    assert said["steps"] == [2, 2] and said["difference"] < 1e-4
    assert len(said["notes"]) == 1 and "Memory: an update takes" in said["notes"][0]
