"""`explain`: why rows got their answers, with neighbours from where the training rows are; and the model as a whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tunewright.data import read
from tunewright.data.names import listed, suggest
from tunewright.errors import DataError, TunewrightError
from tunewright.plan import Plan
from tunewright.records import Explained, Explanation, MethodCheck, from_json, to_json
from tunewright.runfolder import RunFolder
from tunewright.stories.living.bundle_rows import learned_rows, run_of

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel
    from tunewright.bundle.predictor import Predictor
    from tunewright.explain.asking import Asker
    from tunewright.explain.neighbours import Pool
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained

MOST = 100  # rows of a file that are explained unless more are asked for
CHECKED = 12  # rows that methods are checked on where the bundle does not say how they did


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Explanations of rows, and what the method is worth.

    Args:
        rows: one per row.
        checks: of every method, on this model.
        method: that was used; None where none may be shown.
        notes: about all rows.
    """

    rows: tuple[Explained, ...]
    checks: tuple[MethodCheck, ...]
    method: str | None
    notes: tuple[str, ...] = ()


def explain_run(prepared: Prepared, trained: Trained, plan: Plan) -> Explanation:
    """What the kept model looks at; by validation rows, which it did not learn from, or by test rows with folds."""
    from tunewright.explain.concepts.sample import Learned
    from tunewright.explain.whole import explain_model

    problem = trained.rows.problem
    part = "validation" if trained.crossed is None else "test"
    return explain_model(
        trained.fitted.model,
        problem.typed[part],
        problem.targets[part],
        metric=prepared.objective.metric,
        part=part,
        expect=plan.knowledge.expect,
        examples=plan.report.examples,
        seed=plan.seed,
        learned=Learned(
            typed=problem.typed["train"],
            rows=prepared.split.train,
            vectors=trained.rows.frozen.get("train"),
        ),
    )


def explaining_json(explanation: Explanation) -> dict[str, Any]:
    """What a bundle keeps: which method is the best, and what all were found to be worth; no word of a row."""
    return {"method": explanation.method, "checks": to_json(explanation.checks)}


def explainer_of(predictor: Predictor, folder: Path) -> Callable[..., Explained | list[Explained]]:
    """`Predictor.explain` for the bundle in that folder: a text or a dict gives one explanation, a table a list."""

    def explain(what: Any, **options: Any) -> Explained | list[Explained]:
        rows = explain_story(predictor, folder, what, **options).rows
        return rows[0] if isinstance(what, str | Mapping) else list(rows)

    return explain


def explain_story(
    predictor: Predictor,
    folder: Path,
    what: Any,
    *,
    data: Any = None,
    label: str | None = None,
    method: str | None = None,
    most: int = MOST,
    neighbours: bool = True,
) -> Told:
    """Explain a text, a row or the rows of a table.

    Args:
        predictor: the model.
        folder: its bundle; inside a run folder, neighbours come from the run's train rows.
        what: a text, a row as a dict, or a path or table that `read` takes.
        data: labelled rows to look for neighbours in, in place of the run's.
        label: to explain in place of the label said.
        method: to use in place of the best that passed.
        most: rows that are explained, the first ones.
        neighbours: whether to look for rows like them.

    Raises:
        DataError: rows that cannot be read or lack a column; a label or method that does not exist.
    """
    from tunewright.explain.asking import Asker
    from tunewright.explain.local import explain_rows
    from tunewright.explain.methods import EXPLAINERS, explainer

    kinds = [one.kind for one in EXPLAINERS]
    if method is not None and method not in kinds:
        raise DataError(f"A method must be one of {', '.join(kinds)}. Got {method!r}.{suggest(method, kinds)}")
    typed = predictor.model.preprocessor.conform(_raw(predictor.model, what))
    notes = [f"The first {most:,} of {typed.height:,} rows are explained."] if typed.height > most else []
    typed = typed.head(most)
    asker = Asker(predictor.model)
    pool, about = _pool(asker, folder, data) if neighbours else (None, ())
    checks = _checks(asker, folder, typed, pool, method)
    chosen, why = _method(checks if method is not None else _usable(checks, predictor.model), method)
    rows = explain_rows(asker, typed, explainer(chosen) if chosen else None, label=label, pool=pool)
    return Told(rows=tuple(rows), checks=checks, method=chosen, notes=(why, *notes, *about))


def rows_of_text(model: FittedModel, text: str) -> Mapping[str, Any]:
    """The row that a text on the command line stands for: the one text column, or a JSON object with all columns.

    Raises:
        DataError: the model reads more than one text, and the text is no JSON object.
    """
    table = model.preprocessor.table
    names = [column.name for column in table.columns if column.role == "feature" and not column.derived]
    if text.lstrip().startswith("{"):
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict) and {*row} & {*names}:
            return row
    texts = table.features("text")
    if len(names) == 1 and len(texts) == 1:
        return {texts[0]: text}
    example = json.dumps(dict.fromkeys(names[:3], "…"), ensure_ascii=False)
    raise DataError(
        f"A text alone can be explained where a model reads one text and nothing else. This one reads {listed(names)}. "
        f"Give a row as a JSON object, as in '{example}', or a data file."
    )


def _raw(model: FittedModel, what: Any) -> pl.DataFrame:
    if isinstance(what, str):
        what = rows_of_text(model, what)
    return read([what] if isinstance(what, Mapping) else what).frame


def _checks(
    asker: Asker, folder: Path, typed: pl.DataFrame, pool: Pool | None, asked: str | None
) -> tuple[MethodCheck, ...]:
    """As the run measured them; what it did not measure is measured now, where it is asked for or nothing else is.

    Rows are those of the pool, which are the model's own kind and as many as it takes; without one, the given rows.
    """
    from tunewright.bundle.reading import read_explaining_of
    from tunewright.explain.methods import explainer
    from tunewright.explain.whole import check_cases, until_one_passes

    rows = (typed if pool is None else pool.typed).head(CHECKED)
    held = read_explaining_of(_bundle(folder))
    if held is None:
        return check_cases(asker, rows) if asked is not None else until_one_passes(asker, rows)
    checks = tuple(from_json(MethodCheck, one) for one in held["checks"])
    if asked is None or any(one.method == asked for one in checks):
        return checks
    return (*checks, *check_cases(asker, rows, methods=(explainer(asked),)))


def _method(checks: Sequence[MethodCheck], asked: str | None) -> tuple[str | None, str]:
    """Which method to use, and the sentence that says why."""
    from tunewright.explain.sanity import best

    failed = " ".join(f"{one.method} is not shown: {one.why}." for one in checks if not one.passed)
    chosen = best(checks) if asked is None else next((o.method for o in checks if o.method == asked and o.passed), None)
    if chosen is None:
        return None, f"No weights are shown. {failed}" if failed else "No weights are shown: no method was checked."
    why = next(one.why for one in checks if one.method == chosen)
    head = f"Weights are {chosen}'s" + ("" if asked else ", the best of what passed its checks")
    return chosen, " ".join([f"{head}: {why}.", *([failed] if failed else [])])


def _usable(checks: Sequence[MethodCheck], model: FittedModel) -> tuple[MethodCheck, ...]:
    """Checks of the methods that work on this model: an exported one answers, but has no gradients."""
    from tunewright.explain.methods import explainer

    return tuple(one for one in checks if model.has_network or not explainer(one.method).needs_network)


def _bundle(folder: Path) -> Path:
    return RunFolder(folder).bundle if RunFolder(folder).journal.is_file() else folder


def _pool(asker: Asker, folder: Path, data: Any) -> tuple[Pool | None, tuple[str, ...]]:
    """Rows to look for neighbours in, or the reason why there are none."""
    from tunewright.explain.neighbours import make_pool

    if not asker.model.has_network:
        kind = asker.model.engine.kind
        return None, (f"No neighbours: this bundle was exported to {kind}, which gives answers and no vectors.",)
    if data is not None:
        raw = read(data).frame
        typed = asker.model.preprocessor.conform(raw, require_target=True)
        called = f"labelled rows of {Path(data).name}" if isinstance(data, str | os.PathLike) else "labelled rows given"
        pool = make_pool(asker, typed, range(raw.height), examples=True, where=called)
        return pool, pool.notes if pool is not None else ("No neighbours: no row of the data has a label.",)
    run = run_of(folder)
    if run is None:
        return None, (
            "No neighbours: a bundle holds no rows. Explain the run folder, or name the training file as data.",
        )
    try:
        return _pool_of_run(asker, run)
    except TunewrightError as problem:
        return None, (f"No neighbours: the run's rows cannot be read again: {problem}",)


def _pool_of_run(asker: Asker, run: RunFolder) -> tuple[Pool | None, tuple[str, ...]]:
    from tunewright.explain.neighbours import make_pool

    preprocessor = asker.model.preprocessor
    found = learned_rows(run, preprocessor.table.fingerprint)
    plan, train = found.plan, list(found.split.train)
    typed = preprocessor.conform(found.raw[train], require_target=True)
    pool = make_pool(asker, typed, train, examples=plan.report.examples, where="train rows of the run", seed=plan.seed)
    return pool, pool.notes if pool is not None else ("No neighbours: no train row has a label.",)
