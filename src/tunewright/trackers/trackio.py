"""trackio: its SQLite database on this disk. `trackio show --project tunewright` shows it.

Rows are put into its storage directly. Its `init` would ask the hub who is logged in, wherever a token lies about,
would print, start threads and log the machine besides; none of that is wanted beside a training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from tunewright.trackers.base import EXPERIMENT, Log, Measure, Opening, Status


@dataclass(frozen=True, slots=True)
class Trackio:
    """Numbers by update in the project `tunewright`, the plan as the run's configuration."""

    kind: ClassVar[str] = "trackio"
    package: ClassVar[str] = "trackio"
    remote: ClassVar[tuple[str, ...]] = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")

    def begin(self, run: Opening) -> Log:
        """Begin a run in trackio's own folder (`TRACKIO_DIR`), or go on with that of an earlier sitting."""
        from trackio.sqlite_storage import SQLiteStorage

        config = {**run.parameters, "folder": str(run.folder), "report": run.report}
        SQLiteStorage.init_db(EXPERIMENT)  # now, not when the first number comes
        return _Rows(SQLiteStorage, run, config)


class _Rows:
    def __init__(self, storage: Any, run: Opening, config: dict[str, Any]) -> None:
        self._storage, self._run = storage, run
        self._config = {**config, "_Username": None, "_Group": None, "_Created": datetime.now(UTC).isoformat()}
        self._step = 0

    def write(self, rows: list[dict[str, float]], steps: list[int]) -> None:
        self._storage.bulk_log(
            project=EXPERIMENT,
            run=self._run.name,
            run_id=self._run.id,
            metrics_list=rows,
            steps=steps,
            config=self._config,
        )

    def measured(self, measures: Sequence[Measure]) -> None:
        by_step: dict[int, dict[str, float]] = {}
        for name, value, step in measures:
            by_step.setdefault(step, {})[name] = value
        self._step = max(self._step, *by_step)
        self.write(list(by_step.values()), list(by_step))

    def close(self, status: Status, scores: Mapping[str, float]) -> None:
        if scores:
            self.write([dict(scores)], [self._step])
