"""The public functions: `run`, `audit`, `tune`, `load`, `compare`. Everything else is a method of what they return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.events import Observer, silent, to_all
from tunewright.plan import read_plan
from tunewright.remote import is_url, place

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.records import Audit, Compared, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run.

    Args:
        folder: the run folder; of a run at a URL the copy on this machine, without the bundle.
        summary: verdict, metrics, baselines, findings: what `tunewright run --json` prints.
    """

    folder: Path
    summary: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The verdict in a sentence or two."""
        return str(self.summary["verdict"]["text"])

    def report(self) -> Path:
        """Path of the HTML report."""
        return self.folder / "report.html"

    def predictor(self) -> Predictor:
        """The model, loaded from the run's bundle."""
        bundle = self.summary["bundle"]
        return load(bundle if is_url(bundle) else self.folder / "bundle")


def run(
    data: Any = None,
    *,
    target: str | None = None,
    validation: str | Path | None = None,
    test: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    plan: str | Path | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    observe: Observer = silent,
    on: str | None = None,
    track: Sequence[str] = (),
    **sections: Any,
) -> Run:
    """Walk the whole road from data to a bundle and a report.

    Args:
        data: a path, a URL, anything with `__arrow_c_stream__` (pandas, polars, pyarrow, HF datasets), or a list of
            dicts.
        target: the column to predict.
        validation: path or URL of a table with the rows to choose on, or None to split them off.
        test: path or URL of a table with the rows to test on, or None to split them off.
        columns: kind by column name, where the inference should be overruled.
        plan: path or URL of a plan file; `sections` and the other arguments go over it.
        out: the run folder, a path or a URL; default `runs/<data>-<digest>`.
        fresh: start over where the folder already holds a run.
        observe: hears events.
        on: a Ray cluster for the run, `ray` or `ray://HOST:PORT`; None: this machine.
        track: trackers to log to as well, of `tensorboard`, `trackio`, `mlflow`.
        **sections: sections of the plan as Python values, such as `training={"epochs": 2}`.

    Raises:
        PlanError: the plan is wrong; all problems at once.
        DataError: the data cannot be used.

    Returns:
        The finished run.
    """
    from tunewright.records import to_json
    from tunewright.stories.placing.sending import run_where_asked
    from tunewright.stories.walk import Request
    from tunewright.trackers import tracking

    files = {part: None if path is None else str(path) for part, path in (("validation", validation), ("test", test))}
    source, given = _where(data, target, columns=columns, **files)
    resolved = read_plan(place(plan) if plan is not None else None, data=given, **sections)
    with tracking(track, parameters=to_json(resolved), on=on) as tracked:
        folder, summary = run_where_asked(
            Request(
                plan=resolved,
                source=source,
                out=None if out is None else place(out),
                fresh=fresh,
                observe=to_all(observe, tracked),
                on=on,
            )
        )
    return Run(folder=folder.path, summary=summary)


def audit(
    data: Any = None, target: str | None = None, *, plan: str | Path | None = None, deep: bool = True, **sections: Any
) -> Audit:
    """Say what is wrong with data: which rows, how sure, and which remedy would act on it. Nothing is written.

    Args:
        data: a path, a URL, or anything with `__arrow_c_stream__`, or a list of dicts.
        target: the column to predict.
        plan: path or URL of a plan file; `sections` and the other arguments go over it.
        deep: whether to encode texts and learn from them, which finds doubtful labels and odd texts.
        **sections: sections of the plan as Python values.

    Raises:
        PlanError: the plan is wrong; all problems at once.
        DataError: the data cannot be used.
    """
    from tunewright.stories.auditing.inspect import inspect

    source, given = _where(data, target)
    resolved = read_plan(place(plan) if plan is not None else None, data=given, **sections)
    return inspect(resolved, source, deep=deep).audit


def tune(
    data: Any = None,
    target: str | None = None,
    *,
    plan: str | Path | None = None,
    out: str | Path | None = None,
    fresh: bool = False,
    observe: Observer = silent,
    on: str | None = None,
    track: Sequence[str] = (),
    **sections: Any,
) -> Study:
    """Search for hyperparameters on validation rows; what `tunewright tune` does.

    Args:
        data: a path, a URL, or anything with `__arrow_c_stream__`, or a list of dicts.
        target: the column to predict.
        plan: path or URL of a plan file; `sections` and the other arguments go over it.
        out: the folder of the search, a path or a URL; default `studies/<data>-<digest>`.
        fresh: start over where the folder already holds a search.
        observe: hears events.
        on: a Ray cluster for the trials, `ray` or `ray://HOST:PORT`; None: this machine.
        track: trackers to log to as well, of `tensorboard`, `trackio`, `mlflow`.
        **sections: sections of the plan as Python values, such as `search={"trials": 30}`.

    Raises:
        PlanError: the plan is wrong, or the budget too small for one trial.
        DataError: the data cannot be used.
        TrainingError: every trial failed.
    """
    from tunewright.records import Study, from_json, to_json
    from tunewright.runfolder import read_json
    from tunewright.stories.training.studying import study_story
    from tunewright.stories.walk import Request
    from tunewright.trackers import tracking

    source, given = _where(data, target)
    resolved = read_plan(place(plan) if plan is not None else None, data=given, **sections)
    with tracking(track, parameters=to_json(resolved), on=on) as tracked:
        request = Request(
            plan=resolved,
            source=source,
            out=None if out is None else place(out),
            fresh=fresh,
            observe=to_all(observe, tracked),
            on=on,
        )
        folder = study_story(request)[0]
    return from_json(Study, read_json(folder.study_json))


def load(bundle: str | Path) -> Predictor:
    """Load a bundle from a folder or a URL; from there it is fetched once, into the cache.

    Raises:
        ModelError: not a bundle, or a file in it is missing, changed or hostile.
    """
    from tunewright.bundle.fetching import local_bundle
    from tunewright.bundle.predictor import Predictor
    from tunewright.stories.deploying.exporting import exporter_of
    from tunewright.stories.judging.explaining import explainer_of

    here = local_bundle(bundle)
    predictor = Predictor.load(here)
    predictor.explainer = explainer_of(predictor, Path(bundle))
    predictor.exporter = exporter_of(predictor, here)
    return predictor


def compare(
    a: str | Path | Run, b: str | Path | Run, data: Any = None, *, metric: str | None = None, seed: int = 0
) -> Compared:
    """Say whether model a is better than model b on the same rows; what `tunewright compare` does.

    Args:
        a: a run or its folder; with `data` also a bundle folder.
        b: the other; the difference is positive where a is better, losses included.
        data: labelled rows for both, a path or anything that `run` takes; None: the test rows that the two runs share.
        metric: that decides; default: that of a.
        seed: of the bootstraps.

    Raises:
        DataError: no common rows, other tasks, or rows that cannot be read.
        PlanError: a metric that does not fit the task.
        RunError, ModelError: no run, no bundle, or a damaged one.
    """
    from tunewright.stories.judging.comparing import compare_story

    one, other = (Path(which.folder) if isinstance(which, Run) else Path(which) for which in (a, b))
    return compare_story(one, other, data, metric=metric, seed=seed)


def _where(data: Any, target: str | None, **more: Any) -> tuple[Any, dict[str, Any]]:
    """Data in memory, or None; and what the plan's `data` section gets."""
    in_memory = data is not None and not isinstance(data, str | Path)
    given = {"train": None if in_memory or data is None else str(data), "target": target, **more}
    return data if in_memory else None, {name: value for name, value in given.items() if value is not None}
