"""MLflow: its SQLite store on this disk, `mlflow.db` where the run is started. `mlflow ui` there shows it.

`MLFLOW_TRACKING_URI` may name another SQLite file. MLflow's own telemetry is switched off in this process.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tunewright.trackers.base import EXPERIMENT, Log, Measure, Opening, Status

STORE = "mlflow.db"
TAG = "tunewright.run"
MOST = 90  # parameters or metrics of a request; the store takes 100 and 1,000
STATUS: Mapping[Status, str] = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


@dataclass(frozen=True, slots=True)
class MLflow:
    """Metrics by update in the experiment `tunewright`, the plan as parameters, report and folder as tags."""

    kind: ClassVar[str] = "mlflow"
    package: ClassVar[str] = "mlflow"
    remote: ClassVar[tuple[str, ...]] = ("MLFLOW_TRACKING_URI",)

    def begin(self, run: Opening) -> Log:
        """Begin a run, or go on with that of an earlier sitting."""
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # asked at every event; set before the package is loaded
        from mlflow import MlflowClient
        from mlflow.entities import Param

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # its store tells of every table it makes
        logging.getLogger("alembic").setLevel(logging.WARNING)
        here = f"sqlite:///{Path(STORE).resolve()}"
        client = MlflowClient(tracking_uri=os.environ.get("MLFLOW_TRACKING_URI") or here)
        found = client.get_experiment_by_name(EXPERIMENT)
        experiment = client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
        earlier = client.search_runs([experiment], filter_string=f"tags.`{TAG}` = '{run.id}'", max_results=1)
        if earlier:
            number = earlier[0].info.run_id
            client.update_run(number, status="RUNNING")
            return _Run(client, number)
        tags = {TAG: run.id, "folder": str(run.folder), "report": run.report}
        number = client.create_run(experiment, run_name=run.name, tags=tags).info.run_id
        params = [Param(key, str(value)) for key, value in run.parameters.items()]
        for start in range(0, len(params), MOST):
            client.log_batch(number, params=params[start : start + MOST])
        return _Run(client, number)


class _Run:
    def __init__(self, client: Any, number: str) -> None:
        self._client, self._number = client, number
        self._step = 0

    def measured(self, measures: Sequence[Measure]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, step) for name, value, step in measures]
        for start in range(0, len(metrics), MOST):
            self._client.log_batch(self._number, metrics=metrics[start : start + MOST])
        self._step = max(self._step, *(one.step for one in measures))

    def close(self, status: Status, scores: Mapping[str, float]) -> None:
        if scores:
            self.measured([Measure(name, value, self._step) for name, value in scores.items()])
        self._client.set_terminated(self._number, status=STATUS[status])
