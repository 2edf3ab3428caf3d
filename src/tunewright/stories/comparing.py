"""`compare`: two runs on the test rows they share, or two models on the labelled rows of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.data import read
from tunewright.errors import DataError
from tunewright.evaluation.answers import Answers
from tunewright.evaluation.comparing import compare_answers
from tunewright.records import Compared, Evaluation, from_json
from tunewright.runfolder import RunFolder, read_json
from tunewright.stories.answering import answers_of_bundle, kept_answers

if TYPE_CHECKING:
    import polars as pl


def compare_story(a: Path, b: Path, data: Any = None, *, metric: str | None = None, seed: int = 0) -> Compared:
    """Compare two models on the same rows.

    Args:
        a: a run folder, or with `data` also a bundle.
        b: the other; the difference is positive where a is better.
        data: labelled rows both answer; None: the test rows that the two runs share.
        metric: that decides; default: that of a.
        seed: of the bootstraps.

    Raises:
        DataError: no common rows, other tasks, or rows that cannot be read.
        PlanError: a metric that does not fit the task.
        RunError, ModelError: no run, no bundle, or a damaged one.
    """
    names = _names(a, b)
    if data is None:
        return _runs(a, b, names=names, metric=metric, seed=seed)
    raw = read(data).frame
    found: list[Answers] = []
    decides, looks = metric, 1
    for folder in (_bundle(a), _bundle(b)):
        answers, own, looks = _asked(folder, raw)
        decides = decides or own
        found.append(answers)
    assert decides is not None
    tried = max(looks - 1, 1)
    return compare_answers(found[0], found[1], metric_name=decides, names=names, tried=tried, seed=seed)


def _runs(a: Path, b: Path, *, names: tuple[str, str], metric: str | None, seed: int) -> Compared:
    folders = [_run(path) for path in (a, b)]
    answers = [kept_answers(folder.answers) for folder in folders]
    judged = [from_json(Evaluation, read_json(folder.evaluation_json)) for folder in folders]
    # Each further run on these test rows is one more chance for luck to look like progress.
    tried = max(max(one.looks for one in judged) - 1, 1)
    decides = metric or judged[0].metric
    return compare_answers(answers[0], answers[1], metric_name=decides, names=names, tried=tried, seed=seed)


def _run(path: Path) -> RunFolder:
    folder = RunFolder(path)
    if not folder.journal.is_file():
        raise DataError(
            f"Without a file of labelled rows, two runs are compared. {path} is no run folder. "
            "Give run folders, or two bundles and a file: compare A B DATA."
        )
    return folder


def _bundle(path: Path) -> Path:
    """The bundle of a run folder, or the folder itself."""
    return RunFolder(path).bundle if RunFolder(path).journal.is_file() else path


def _asked(folder: Path, raw: pl.DataFrame) -> tuple[Answers, str, int]:
    """A bundle's answers, its metric, and how many models have now looked at these rows."""
    from tunewright.bundle.predictor import Predictor
    from tunewright.bundle.reading import SUMS
    from tunewright.seal import count_look

    predictor = Predictor.load(folder)
    looks = count_look(raw, by=(folder / SUMS).read_text("utf-8"))
    return answers_of_bundle(predictor, raw), predictor.model.metric, looks


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Folder names; paths where the names are one."""
    short = [path.parent.name if path.name == "bundle" else path.name for path in (a.resolve(), b.resolve())]
    return (short[0], short[1]) if short[0] != short[1] else (str(a), str(b))
