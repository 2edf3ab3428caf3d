"""What each tracker wrote, read back by its own reader; and that nothing left this machine for it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.errors import MissingExtra, PlanError, RunError
from tunewright.events import Event
from tunewright.runfolder import read_json
from tunewright.trackers import TRACKERS, tracking
from tunewright.trackers import base as base_module

KINDS = ("tensorboard", "trackio", "mlflow")
# MLflow maps its tables in a way that SQLAlchemy 2.1 has begun to advise against.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    """Trackers write where the test is, and the environment names no server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


RUN = """
import socket, sys
allowed = {"127.0.0.1", "::1", "localhost"}
real = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in allowed:
        print("CONNECTED", address, flush=True)
        raise OSError("no network here")
    return real(self, address)
socket.socket.connect = connect
def resolve(host, *more, **options):
    if host not in allowed and host is not None:
        print("RESOLVED", host, flush=True)
        raise OSError("no network here")
    return found(host, *more, **options)
found, socket.getaddrinfo = socket.getaddrinfo, resolve
import tunewright as tw
data, model, *trackers = sys.argv[1:]
tw.run(data, target="y", out="run", track=trackers, columns={"message": "text"},
       model={"name": model, "train": "full"}, training={"epochs": 2, "learning_rate": 2e-3},
       splits={"part": "part"}, audit={"apply": "none"})
"""


@pytest.fixture(scope="module")
def tracked(tmp_path_factory, tiny_model, make_rows):
    """(kind) to the folder in which a run was tracked by it, in a process of its own that has no network."""
    place = tmp_path_factory.mktemp("tracked")
    make_rows("text").write_csv(place / "rows.csv")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "TRACKIO_"))}
    # A token lies about, as on many machines, and no test environment is named that would switch telemetry off.
    clean = {
        name: value for name, value in clean.items() if name not in ("PYTEST_CURRENT_TEST", "CI", "GITHUB_ACTIONS")
    }
    clean |= {"TUNEWRIGHT_HOME": str(place / "home"), "TRACKIO_DIR": str(place / "trackio"), "OMP_NUM_THREADS": "1"}
    clean |= {"HF_HOME": str(place / "hf"), "HF_TOKEN": "hf_nobody"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, "rows.csv", str(tiny_model), *KINDS],
        cwd=place,
        env=clean,
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr
    assert "CONNECTED" not in done.stdout and "RESOLVED" not in done.stdout, done.stdout
    return place


def expected(place):
    """(final test scores with their ends, updates planned) as the run folder has them."""
    summary = read_json(place / "run" / "summary.json")
    ends = {"": "value", "/low": "low", "/high": "high"}
    finals = {
        f"final/{part}/{name}{suffix}": score[end]
        for part, scores in summary["metrics"].items()
        for name, score in scores.items()
        for suffix, end in ends.items()
        if score[end] is not None
    }
    history = read_json(place / "run" / "model.json")["history"]
    return finals, history


def test_tensorboard_reads_it_back(tracked):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    finals, history = expected(tracked)
    found = EventAccumulator(str(tracked / "run" / "tensorboard"), size_guidance={"scalars": 0})
    found.Reload()
    tags = set(found.Tags()["scalars"])
    assert {"train/loss", "validation/loss", *finals} <= tags
    for name, value in finals.items():
        assert math.isclose(found.Scalars(name)[-1].value, value, rel_tol=1e-6), name
    losses = found.Scalars("validation/loss")
    assert math.isclose(losses[-1].value, history[-1]["validation_loss"], rel_tol=1e-6)
    (plan,) = found.Tensors("plan/text_summary")
    assert b"| training.epochs | 2 |" in plan.tensor_proto.string_val[0]
    (report,) = found.Tensors("report/text_summary")
    assert report.tensor_proto.string_val[0].endswith(b"run/report.html")


def test_trackio_has_it_in_its_database(tracked):
    import sqlite3

    finals, history = expected(tracked)
    (path,) = (tracked / "trackio").glob("tunewright*.db")
    with sqlite3.connect(path) as rows:
        metrics = rows.execute("select step, run_name, metrics from metrics order by step").fetchall()
        (config,) = rows.execute("select config from configs").fetchone()
    rows.close()
    import orjson

    logged = {}
    for step, name, text in metrics:
        assert name == "run"
        for key, value in orjson.loads(text).items():
            logged.setdefault(key, []).append((step, value))
    for name, value in finals.items():
        assert math.isclose(logged[name][-1][1], value, rel_tol=1e-9), name
    assert logged["validation/loss"][-1][1] == history[-1]["validation_loss"]
    found = orjson.loads(config)
    assert found["training.epochs"] == 2 and found["report"].endswith("run/report.html")


def test_mlflow_answers_for_it(tracked):
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient

    finals, _ = expected(tracked)
    client = MlflowClient(tracking_uri=f"sqlite:///{tracked}/mlflow.db")
    experiment = client.get_experiment_by_name("tunewright")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.info.run_name == "run"
    assert run.data.params["training.epochs"] == "2"
    assert run.data.tags["report"] == str(tracked / "run" / "report.html")
    for name, value in finals.items():
        assert math.isclose(run.data.metrics[name], value, rel_tol=1e-9), name
    steps = [one.step for one in client.get_metric_history(run.info.run_id, "validation/loss")]
    assert len(steps) == len(set(steps)) >= 2


def test_no_text_of_a_row_is_in_any_of_them(tracked, make_rows):
    texts = [cell.encode() for cell in make_rows("text")["message"].to_list()]
    files = [*(tracked / "run" / "tensorboard").iterdir(), *(tracked / "trackio").iterdir(), tracked / "mlflow.db"]
    for path in files:
        data = path.read_bytes()
        assert not any(text in data for text in texts), path


def opened(folder, *, id="abc"):
    data = {"folder": str(folder), "name": "n", "id": id, "finished": False}
    return Event(station="run", what="opened", data=data)


def step(done, epoch, total=10):
    numbers = {"train_loss": 0.5, "validation_loss": 0.6, "metric": 0.7, "metric_name": "accuracy"}
    return Event(station="train", what="progress", data={"done": done, "total": total, "epoch": epoch} | numbers)


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_sitting_goes_on_with_the_log_of_the_first(kind, tmp_path, monkeypatch):
    if kind == "trackio":
        from trackio import sqlite_storage

        monkeypatch.setattr(sqlite_storage, "TRACKIO_DIR", tmp_path / "trackio")
    folder = tmp_path / "run"
    folder.mkdir()
    for ends, steps in ((KeyboardInterrupt, (2, 4)), (None, (6, 10))):
        try:
            with tracking([kind], parameters={"seed": 3}) as hear:
                hear(opened(folder))
                for done in steps:
                    hear(step(done, 0 if done < 5 else 1))
                if ends is not None:
                    raise ends
                hear(Event(station="run", what="finished", data={"metric": "accuracy", "best": {"score": 0.9}}))
        except KeyboardInterrupt:
            assert ends is not None
    assert logged(kind, folder, "train/loss") == [2, 4, 6, 10]
    assert len(logged(kind, folder, "final/validation/accuracy")) == 1


def logged(kind, folder, name):
    """Steps under which a number was logged, by the tracker's own reader."""
    if kind == "tensorboard":
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = EventAccumulator(str(folder / "tensorboard"), size_guidance={"scalars": 0})
        found.Reload()
        return [one.step for one in found.Scalars(name)]
    if kind == "trackio":
        from trackio.sqlite_storage import SQLiteStorage

        rows = SQLiteStorage.get_logs("tunewright", "run")
        return [row["step"] for row in rows if name in row]
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{Path('mlflow.db').resolve()}")
    (run,) = client.search_runs([client.get_experiment_by_name("tunewright").experiment_id])
    assert run.info.status == "FINISHED"
    return sorted(one.step for one in client.get_metric_history(run.info.run_id, name))


def test_a_wrong_name_is_refused_with_those_there_are(call_tracking):
    with pytest.raises(PlanError, match="tensorboard, trackio, mlflow"):
        call_tracking("wandb")
    with pytest.raises(PlanError, match="runs on this machine"), tracking(["mlflow"], parameters={}, on="ray"):
        pass


@pytest.fixture
def call_tracking():
    def call(*names):
        with tracking(names, parameters={}):
            pass

    return call


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_package_is_named_with_what_installs_it(kind, call_tracking, monkeypatch):
    monkeypatch.setattr(base_module, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=rf"pip install 'tunewright\[{kind}\]'"):
        call_tracking(kind)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("trackio", "TRACKIO_SPACE_ID", "me/space"),
        ("trackio", "TRACKIO_SERVER_URL", "http://tracking.example"),
        ("mlflow", "MLFLOW_TRACKING_URI", "https://tracking.example"),
        ("mlflow", "MLFLOW_TRACKING_URI", "databricks"),
    ],
)
def test_no_environment_sends_it_away(kind, name, value, call_tracking, monkeypatch):
    monkeypatch.setenv(name, value)
    with pytest.raises(PlanError, match=f"{name} names another place"):
        call_tracking(kind)


def test_a_log_that_cannot_be_opened_ends_the_run_before_it_begins(tmp_path):
    (tmp_path / "tensorboard").write_text("in the way")
    heard = []
    with (
        pytest.raises(RunError, match="must be able to write its log"),
        tracking(["tensorboard"], parameters={}) as hear,
    ):
        hear(opened(tmp_path))
        heard.append("went on")
    assert not heard


def test_a_log_that_fails_later_costs_its_lines_and_is_told_at_the_end(tmp_path, monkeypatch):
    from tunewright.trackers import following
    from tunewright.trackers.tensorboard import _Events

    def broken(self, measures):
        raise OSError("No space left on device")

    monkeypatch.setattr(following, "PAUSE", 0.0)
    monkeypatch.setattr(_Events, "measured", broken)
    done = []
    with pytest.raises(RunError, match="No space left"), tracking(["tensorboard"], parameters={}) as hear:
        hear(opened(tmp_path))
        hear(step(2, 0))
        done.append("the run has ended")
    assert done


def test_the_table_has_one_of_each_kind():
    assert [one.kind for one in TRACKERS] == list(KINDS)
