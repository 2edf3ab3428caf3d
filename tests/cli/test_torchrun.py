"""`torchrun -m tunewright run`: one folder, one report, one voice; stopped, killed and continued."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tunewright.runfolder.state import load_state

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def start(arguments, home, *, processes):
    launcher = TORCHRUN if processes == 2 else ()
    return subprocess.Popen(
        [sys.executable, *launcher, "-m", "tunewright", *map(str, arguments)],
        env=os.environ | {"TUNEWRIGHT_HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def launch(tmp_path):
    """(arguments, processes=2) to a process; none of its children outlives the test."""
    started = []

    def do(arguments, *, processes=2):
        started.append(start(arguments, tmp_path / "home", processes=processes))
        return started[-1]

    yield do
    for process in started:
        left = children(process) if process.poll() is None else []
        for one in (process, *left):
            one.kill()
        process.communicate()


def children(process):
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def options(tiny_model, *, epochs):
    sets = {
        "model.name": tiny_model,
        "model.train": "full",
        "model.precision": "float32",  # what is measured of a tiny model is chance, and bfloat16 rounds
        "training.epochs": epochs,
        "training.early_stopping": 0,
        "training.learning_rate": 0.002,
    }
    return [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]


@pytest.mark.slow
def test_one_folder_one_report_and_the_metric_of_one_process(tiny_model, rows_csv, tmp_path, launch):
    found = {}
    for processes in (1, 2):
        out = tmp_path / f"by-{processes}"
        arguments = ["run", rows_csv, "--target", "label", *options(tiny_model, epochs=3), "--out", out, "--json"]
        arguments += ["--set", "training.parallel=sharded"]
        said, heard = launch(arguments, processes=processes).communicate(timeout=120)
        found[processes] = json.loads(said)  # exactly one object, from one process
        how = "Training is spread over 2 processes; each keeps the optimiser state of its part."
        assert (how in heard) == (processes == 2)
        assert heard.count("Fitting the baseline tfidf.") == 1
        assert "Rank 1" not in heard and "Traceback" not in heard
        model = json.loads((out / "model.json").read_text())
        found[f"curve {processes}"] = [[e["train_loss"], e["validation_loss"]] for e in model["history"]]
        assert model["best_epoch"] > 0
        assert (out / "report.html").is_file() and (out / "bundle").is_dir()
    files = [{p.relative_to(tmp_path / f"by-{n}") for p in (tmp_path / f"by-{n}").rglob("*")} for n in (1, 2)]
    assert files[0] == files[1]
    assert found["curve 1"] == [pytest.approx(losses, abs=1e-3) for losses in found["curve 2"]]
    for part in ("validation", "test"):
        for name, score in found[1]["metrics"][part].items():
            assert found[2]["metrics"][part][name]["value"] == pytest.approx(score["value"], abs=0.05), name


def wait_for_training(process):
    heard = []
    for line in process.stderr:
        heard.append(line)
        if "train loss" in line:
            return "".join(heard)
    raise AssertionError("".join(heard))


def newest(folder):
    return load_state(folder / "checkpoints").step


@pytest.mark.slow
def test_a_signal_to_the_second_process_is_the_runs_and_one_process_continues(tiny_model, rows_csv, tmp_path, launch):
    out = tmp_path / "run"
    arguments = ["run", rows_csv, "--target", "label", *options(tiny_model, epochs=100000), "--out", out]
    steps = []
    for processes in (2, 1):
        process = launch(arguments, processes=processes)
        wait_for_training(process)
        ranks = children(process)
        followers = [one for one in ranks if one.environ().get("RANK") == "1"]
        assert len(followers) == processes - 1
        (*followers, process)[0].send_signal(signal.SIGTERM)  # to one that does not write
        _, heard = process.communicate(timeout=60)
        assert "The same command continues" in heard
        assert "Rank 1" not in heard
        assert not psutil.wait_procs(ranks, timeout=5)[1]
        steps.append(newest(out))
    assert steps[1] > steps[0] > 0


@pytest.mark.slow
def test_a_killed_rank_ends_the_run_and_the_checkpoint_is_continued(tiny_model, rows_csv, tmp_path, launch):
    out = tmp_path / "run"
    arguments = ["run", rows_csv, "--target", "label", *options(tiny_model, epochs=100000), "--out", out]
    process = launch(arguments)
    wait_for_training(process)
    process.send_signal(signal.SIGTERM)  # which torchrun sends on to every process
    _, heard = process.communicate(timeout=60)
    assert heard.count("saving a checkpoint") == 1
    first = newest(out)

    process = launch(arguments)
    wait_for_training(process)
    ranks = children(process)
    (victim,) = [one for one in ranks if one.environ().get("RANK") == "1"]
    killed = time.monotonic()
    victim.kill()
    _, heard = process.communicate(timeout=60)
    assert time.monotonic() - killed < 40
    assert process.returncode != 0
    assert "All 2 processes of a run must stay until its end." in heard
    assert not psutil.wait_procs(ranks, timeout=5)[1]
    assert newest(out) >= first


@pytest.mark.slow
def test_the_first_process_dies_and_the_others_with_it(tiny_model, rows_csv, tmp_path, launch):
    arguments = ["run", rows_csv, "--target", "label", *options(tiny_model, epochs=100000), "--out", tmp_path / "run"]
    process = launch(arguments)
    wait_for_training(process)
    ranks = children(process)
    (leader,) = [one for one in ranks if one.environ().get("RANK") == "0"]
    leader.kill()
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert not psutil.wait_procs(ranks, timeout=5)[1]


def test_what_needs_no_help_ends_as_it_does_alone(launch, rows_csv):
    for arguments, code in ((["--version"], 0), (["run", rows_csv, "--json"], 1)):
        process = launch(arguments)
        said, heard = process.communicate(timeout=60)
        assert process.returncode == code  # torchrun's own, which tells failures apart in its log
        assert len(said.splitlines()) == 1
        assert "Rank 1" not in heard
    assert json.loads(said)["error"]["type"] == "PlanError"
