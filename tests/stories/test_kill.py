"""Kill -9 at any moment, then the same command: the same weights as a run that nobody disturbed (promise P6)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunewright.runfolder import read_entries

# Checkpoints at every update, so that the kill meets saves, resumes and everything between.
CODE = "import tunewright.training.loop as loop; loop.CHECKPOINT_SECONDS = 0.0; from tunewright.cli import main; main()"


def command(tiny_model, data, out, home):
    options = [f"model.name={tiny_model}", "model.train=full", "training.epochs=2", "training.dropout=0.1"]
    options.append("augment=word_swap")  # draws of its own, beside those of dropout
    options += ["training.averaging=ema", "training.unfreeze=gradual", "training.layer_decay=0.9"]
    sets = [part for option in options for part in ("--set", option)]
    arguments = ["run", str(data), "--target", "label", "--out", str(out), "--quiet", "--json", *sets]
    environment = os.environ | {"TUNEWRIGHT_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return [sys.executable, "-c", CODE, *arguments], environment


def digest(out: Path) -> str:
    return str(json.loads((out / "model.json").read_text())["digest"])


@pytest.fixture(scope="module")
def undisturbed(tiny_model, make_rows, tmp_path_factory):
    """Data, home, and the weights digest and seconds of a run in peace."""
    folder = tmp_path_factory.mktemp("kill")
    data = folder / "rows.csv"
    make_rows("text", 120, 0).rename({"y": "label"}).drop("part").write_csv(data)
    arguments, environment = command(tiny_model, data, folder / "calm", folder / "home")
    start = time.monotonic()
    subprocess.run(arguments, env=environment, check=True, capture_output=True)
    return data, folder, digest(folder / "calm"), time.monotonic() - start


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("first checkpoint", marks=pytest.mark.slow),
        "later checkpoint",
        pytest.param("model written", marks=pytest.mark.slow),
    ],
)
def test_killed_and_continued_ends_at_the_same_weights(undisturbed, tiny_model, moment):
    data, folder, expected, seconds = undisturbed
    out = folder / moment.replace(" ", "-")
    arguments, environment = command(tiny_model, data, out, folder / "home")
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reached = {
        "first checkpoint": lambda: any((out / "checkpoints").glob("step-*")),
        "later checkpoint": lambda: any(int(p.name[5:]) >= 8 for p in (out / "checkpoints").glob("step-*")),
        "model written": lambda: (out / "model.json").exists(),
    }[moment]
    limit = time.monotonic() + 60 + 5 * seconds
    while not reached() and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    assert "finished" not in [entry.event for entry in read_entries(out / "journal.jsonl")]
    done = subprocess.run(arguments, env=environment, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout)["run"] == str(out)
    assert digest(out) == expected
