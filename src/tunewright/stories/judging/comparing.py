"""`compare`: two runs on the test rows they share, or two models on the labelled rows of a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.data import read
from tunewright.errors import DataError
from tunewright.evaluation.answers import FEWEST_ROWS
from tunewright.evaluation.comparing import compare_answers
from tunewright.records import Compared, Evaluation, from_json
from tunewright.runfolder import RunFolder, read_json
from tunewright.stories.judging.answering import answers_of_bundle, kept_answers

if TYPE_CHECKING:
    import polars as pl


def compare_story(
    a: Path,
    b: Path,
    data: Any = None,
    *,
    metric: str | None = None,
    names: tuple[str, str] | None = None,
    seed: int = 0,
) -> Compared:
    """Compare two models on the same rows.

    Args:
        a: a run folder, or with `data` also a bundle.
        b: the other; the difference is positive where a is better.
        data: labelled rows both answer; None: the test rows that the two runs share.
        metric: that decides; default: that of a.
        names: what to call the two; default: the names of their folders.
        seed: of the bootstraps.

    Raises:
        DataError: no common rows, other tasks, rows that cannot be read, or hardly any that neither model knows.
        PlanError: a metric that does not fit the task.
        RunError, ModelError: no run, no bundle, or a damaged one.
    """
    names = names or _names(a, b)
    if data is None:
        return _runs(a, b, names=names, metric=metric, seed=seed)
    return _on_file(a, b, read(data).frame, names=names, metric=metric, seed=seed)


def _on_file(a: Path, b: Path, raw: pl.DataFrame, *, names: tuple[str, str], metric: str | None, seed: int) -> Compared:
    """Two bundles on rows that neither has learned from or was chosen on."""
    from tunewright.bundle.predictor import Predictor
    from tunewright.bundle.reading import SUMS
    from tunewright.seal import count_look

    folders = [_bundle(path) for path in (a, b)]
    predictors = [Predictor.load(folder) for folder in folders]
    known = predictors[0].has_seen(raw) | predictors[1].has_seen(raw)
    fresh = raw.filter(~known)
    if fresh.height < FEWEST_ROWS:
        raise DataError(
            f"A comparison needs at least {FEWEST_ROWS} rows that neither model has learned from. Got {fresh.height} "
            f"of {raw.height}; the others would flatter whoever knows them. Give other labelled rows."
        )
    looks = max(count_look(fresh, by=(folder / SUMS).read_text("utf-8")) for folder in folders)
    answers = [answers_of_bundle(predictor, fresh) for predictor in predictors]
    found = compare_answers(
        answers[0],
        answers[1],
        metric_name=metric or predictors[0].model.metric,
        names=names,
        tried=max(looks - 1, 1),
        seed=seed,
    )
    return replace(found, left_out=found.left_out + raw.height - fresh.height)


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


def _names(a: Path, b: Path) -> tuple[str, str]:
    """Folder names; paths where the names are one."""
    short = [path.parent.name if path.name == "bundle" else path.name for path in (a.resolve(), b.resolve())]
    return (short[0], short[1]) if short[0] != short[1] else (str(a), str(b))
