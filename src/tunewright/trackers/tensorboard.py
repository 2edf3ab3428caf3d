"""TensorBoard: event files in the run folder. `tensorboard --logdir runs` then shows all runs side by side."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from tunewright.trackers.base import Log, Measure, Opening, Status

FOLDER = "tensorboard"


@dataclass(frozen=True, slots=True)
class TensorBoard:
    """Scalars by update, the plan as text and as hyperparameters, final scores beside them."""

    kind: ClassVar[str] = "tensorboard"
    package: ClassVar[str] = "tensorboard"
    remote: ClassVar[tuple[str, ...]] = ()

    def begin(self, run: Opening) -> Log:
        """Begin an event file; those of earlier sittings lie beside it and are read together."""
        from torch.utils.tensorboard import SummaryWriter

        writer = SummaryWriter(log_dir=str(run.folder / FOLDER))
        writer.add_text("plan", _table(run.parameters))
        writer.add_text("report", html.escape(run.report))
        writer.flush()
        return _Events(writer, dict(run.parameters))


class _Events:
    def __init__(self, writer: Any, parameters: dict[str, Any]) -> None:
        self._writer, self._parameters = writer, parameters
        self._step = 0

    def measured(self, measures: Sequence[Measure]) -> None:
        for name, value, step in measures:
            self._writer.add_scalar(name, value, step)
            self._step = max(self._step, step)
        self._writer.flush()

    def close(self, status: Status, scores: Mapping[str, float]) -> None:
        if status == "finished" and scores:
            # "." is the folder itself: hyperparameters and curves are then one run in the dashboards.
            self._writer.add_hparams(self._parameters, dict(scores), run_name=".", global_step=self._step)
        self._writer.close()


def _table(parameters: Mapping[str, Any]) -> str:
    """Parameters as a table in the Markdown that TensorBoard shows; cells stay text."""
    cells = ((key, html.escape(str(value)).replace("|", "\\|").replace("\n", " ")) for key, value in parameters.items())
    return "\n".join(["| key | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in cells)])
