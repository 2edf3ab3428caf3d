"""The run folder: what lies where in it, and how a run is opened, continued or started over."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tunewright.errors import RunError
from tunewright.runfolder import atomic, disk
from tunewright.runfolder.journal import Entry, Journal, read_entries
from tunewright.runfolder.lock import NAME as LOCK

ARTEFACTS: Final = (
    "plan.yaml",
    "audit.json",
    "split.json",
    "study.json",
    "best.yaml",
    "improvement.json",
    "model.json",
    "evaluation.json",
    "analysis.json",
    "mistakes.json",
    "answers",
    "explanation.json",
    "summary.json",
    "report.html",
    "progress.jsonl",
    "tensorboard",
    "checkpoints",
    "bundle",
)
"""What a run may leave in its folder beside the lock and the journal; `fresh` removes these and nothing else."""

_JOURNAL = "journal.jsonl"
_OPENED, _READY, _FINISHED = "opened", "ready", "finished"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run's artefacts lie; asking for a path touches nothing.

    >>> RunFolder(Path("runs/tickets")).split_json.as_posix()
    'runs/tickets/split.json'
    """

    path: Path

    @property
    def plan_yaml(self) -> Path:
        """The resolved plan, from which alone the run can be repeated."""
        return self.path / "plan.yaml"

    @property
    def journal(self) -> Path:
        """The run's memory, to be opened with `Journal` by its writer and `read_entries` by others."""
        return self.path / _JOURNAL

    @property
    def audit_json(self) -> Path:
        """The findings about the data."""
        return self.path / "audit.json"

    @property
    def split_json(self) -> Path:
        """The `Split`."""
        return self.path / "split.json"

    @property
    def study_json(self) -> Path:
        """The `Study`, where hyperparameters were searched for."""
        return self.path / "study.json"

    @property
    def improvement_json(self) -> Path:
        """The `Improvement`, where rounds were asked for."""
        return self.path / "improvement.json"

    @property
    def best_yaml(self) -> Path:
        """The plan with the values that a search found, in the folder of `tune`."""
        return self.path / "best.yaml"

    @property
    def model_json(self) -> Path:
        """The `TrainedModel`."""
        return self.path / "model.json"

    @property
    def evaluation_json(self) -> Path:
        """The `Evaluation`."""
        return self.path / "evaluation.json"

    @property
    def analysis_json(self) -> Path:
        """The `Analysis`."""
        return self.path / "analysis.json"

    @property
    def explanation_json(self) -> Path:
        """The `Explanation`: what the model looks at."""
        return self.path / "explanation.json"

    @property
    def mistakes_json(self) -> Path:
        """Rows of the validation and the test part that the model answers wrongly, by number."""
        return self.path / "mistakes.json"

    @property
    def answers(self) -> Path:
        """The folder of the model's answers for the test rows, by which runs are compared."""
        return self.path / "answers"

    @property
    def summary_json(self) -> Path:
        """What `run --json` printed."""
        return self.path / "summary.json"

    @property
    def report_html(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def progress_jsonl(self) -> Path:
        """What the run told while it worked, for whoever looks on; see `told`."""
        return self.path / "progress.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The folder that `save_state` and `load_state` work in."""
        return self.path / "checkpoints"

    @property
    def bundle(self) -> Path:
        """The finished model."""
        return self.path / "bundle"

    @property
    def finished(self) -> bool:
        """Whether the journal holds the event `finished`; a folder without a journal is not finished."""
        return any(entry.event == _FINISHED for entry in read_entries(self.journal))


def open_run(path: str | os.PathLike[str], *, plan_text: str, digest: str, fresh: bool = False) -> RunFolder:
    """Open a run folder to start a run in it or to continue the one that is there; hold its `RunLock` while you do.

    Args:
        path: the folder, made where it does not exist.
        plan_text: the resolved plan, written to `plan.yaml`.
        digest: what names the run (plan and data); a folder belongs to one digest.
        fresh: start over: remove the artefacts of the run that is there. Other files stay.

    Raises:
        RunError: the folder cannot be written (found out before anything else), holds a run of another digest, or holds
            files under our names that no run of ours wrote.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     run = open_run(Path(parent, "run"), plan_text="seed: 0", digest="abc")
    ...     run.plan_yaml.read_text(), run.finished
    ('seed: 0', False)
    """
    run = RunFolder(Path(path))
    _probe(run.path)
    atomic.sweep(run.path)
    _refuse_foreign(run, fresh=fresh)
    if fresh or not run.journal.exists():
        _begin(run, digest)
    with Journal(run.journal) as journal:
        _refuse_other(run, journal.entries(), digest)
        if not any(entry.event == _READY for entry in journal.entries()):
            _set_up(run, plan_text)
            journal.append(_READY)
    atomic.settle_folder(run.bundle)
    if not run.plan_yaml.exists():
        atomic.write_text(run.plan_yaml, plan_text)
    return run


def _probe(folder: Path) -> None:
    """Find out now, not at the first checkpoint, that the folder takes files."""
    with disk.refusals_named(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = disk.sibling(folder / "probe")
        try:
            disk.create(probe, b"tunewright")
        finally:
            probe.unlink(missing_ok=True)


def _refuse_foreign(run: RunFolder, *, fresh: bool) -> None:
    """Refuse to write over, or clear, what no run of ours put there."""
    names = {entry.name for entry in run.path.iterdir()} - {LOCK, ".bundle.old"}
    ours = {_JOURNAL, *ARTEFACTS}
    if _JOURNAL in names and ("plan.yaml" in names or _begins_as_ours(run.journal)):
        return
    clash = sorted(names if fresh else names & ours)
    if clash:
        raise RunError(
            f"A run needs a folder of its own. {run.path} is not a run's but holds {', '.join(clash[:5])}. "
            "Choose another --out, or remove what is there."
        )


def _begin(run: RunFolder, digest: str) -> None:
    """Put a journal with its first line in place of whatever is there, in one step.

    From here on the folder is a run that is being set up, so a kill cannot leave an old journal beside half of what it
    tells of.
    """
    temporary = disk.sibling(run.journal)
    with Journal(temporary) as journal:
        journal.append(_OPENED, {"digest": digest})
    with disk.refusals_named(run.journal):
        disk.rename(temporary, run.journal)
        disk.fsync_folder(run.path)


def _begins_as_ours(journal: Path) -> bool:
    try:
        entries = read_entries(journal)
    except RunError:
        return False
    return bool(entries) and entries[0].event == _OPENED


def _refuse_other(run: RunFolder, entries: list[Entry], digest: str) -> None:
    if not entries or entries[0].event != _OPENED:
        raise RunError(
            f"A run's journal must begin with how the run was opened. {run.journal} does not. "
            "Restore it, start over with --fresh, or choose another --out."
        )
    there = entries[0].data.get("digest")
    if there != digest:
        raise RunError(
            f"A run folder belongs to one plan and one set of data. {run.path} holds a run of another "
            f"({str(there)[:12]}, this one is {digest[:12]}). Add --fresh to start over there, or choose another --out."
        )


def _set_up(run: RunFolder, plan_text: str) -> None:
    with disk.refusals_named(run.path):
        for name in (*ARTEFACTS, ".bundle.old"):
            disk.remove(run.path / name)
    atomic.write_text(run.plan_yaml, plan_text)
