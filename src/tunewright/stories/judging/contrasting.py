"""`report A B C`: several finished runs beside each other, each paired with the first on common test rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, PlanError, RunError
from tunewright.evaluation.answers import Answers
from tunewright.evaluation.comparing import compare_answers
from tunewright.plan import read_plan
from tunewright.records import (
    Compared,
    Contrast,
    Evaluation,
    Paired,
    RunLine,
    TrainedModel,
    from_json,
    to_json,
)
from tunewright.report.several import render_several
from tunewright.runfolder import RunFolder, read_json, write_text
from tunewright.stats import rounded
from tunewright.stories.judging.answering import kept_answers

LONGEST = 200  # signs of a value that is shown


def report_several(paths: Sequence[Path], *, out: Path | None = None) -> tuple[Path, Contrast]:
    """Write one page about several runs.

    Args:
        paths: run folders, two or more; the first is what the others are held against.
        out: the page; default: `comparison-DIGEST.html` beside the first run's folder.

    Returns:
        Where the page is, and what it shows.

    Raises:
        RunError: a folder that holds no finished run.
    """
    found = contrast(paths)
    digest = hashlib.sha256("\n".join(str(path.resolve()) for path in paths).encode()).hexdigest()[:8]
    page = out or paths[0].resolve().parent / f"comparison-{digest}.html"
    write_text(page, render_several(found))
    return page, found


def contrast(paths: Sequence[Path]) -> Contrast:
    """Hold several runs beside each other; nothing is computed but the comparisons.

    Raises:
        RunError: a folder that holds no finished run.
    """
    folders = [_finished(path) for path in paths]
    names = _names(paths)
    judged = [from_json(Evaluation, read_json(folder.evaluation_json)) for folder in folders]
    metric = judged[0].metric
    # Each of them is one more chance for luck to look like progress; so is every run that looked at these rows before.
    tried = max(len(folders) - 1, max(one.looks for one in judged) - 1, 1)
    lines = tuple(_line(folder, name, one, metric) for folder, name, one in zip(folders, names, judged, strict=True))
    paired = tuple(_paired(folders, names, metric, tried))
    plans = [dict(_flat(to_json(read_plan(folder.plan_yaml)))) for folder in folders]
    return Contrast(
        metric=metric,
        runs=lines,
        paired=paired,
        plan=_differing(plans),
        tried=tried,
        text=_text(names[0], paired, metric),
    )


def _finished(path: Path) -> RunFolder:
    folder = RunFolder(path)
    if not folder.journal.is_file() or not folder.finished or not folder.evaluation_json.is_file():
        raise RunError(
            f"Runs that are compared must be finished run folders. {path} is none. Give folders such as runs/NAME; the "
            "command that started a run continues it to the end."
        )
    return folder


def _names(paths: Sequence[Path]) -> list[str]:
    """Folder names; paths where two names are one."""
    short = [path.resolve().name for path in paths]
    if len(set(short)) == len(short):
        return short
    long = [str(path) for path in paths]
    return long if len(set(long)) == len(long) else [f"{name} ({place})" for place, name in enumerate(long, start=1)]


def _line(folder: RunFolder, name: str, judged: Evaluation, metric: str) -> RunLine:
    summary, trained = read_json(folder.summary_json), from_json(TrainedModel, read_json(folder.model_json))
    score = judged.metrics.get("test", {}).get(metric)
    return RunLine(
        name=name,
        task=summary["task"],
        metric=judged.metric,
        score=score,
        verdict=judged.verdict,
        rows={part: summary["data"][part] for part in ("train", "validation", "test")},
        data=summary["digests"]["data"],
        looks=judged.looks,
        model=_base(summary["model"]["name"]),
        method=trained.method,
        kept=trained.kept,
        trainable=trained.trainable,
        seconds=summary["seconds"]["total"],
        efficiency=judged.efficiency,
        history=trained.history,
        best_epoch=trained.best_epoch,
    )


def _base(name: str) -> str:
    """A backbone by its name; of a folder its last part."""
    return Path(name).name if Path(name).is_absolute() else name


def _paired(folders: Sequence[RunFolder], names: Sequence[str], metric: str, tried: int) -> Iterator[Paired]:
    """Every other run against the first; where that cannot be, the reason."""
    first: Answers | str
    try:
        first = kept_answers(folders[0].answers)
    except RunError as problem:
        first = str(problem)
    for folder, name in zip(folders[1:], names[1:], strict=True):
        if isinstance(first, str):
            yield Paired(name=name, compared=None, why=first)
            continue
        try:
            found = compare_answers(
                kept_answers(folder.answers), first, metric_name=metric, names=(name, names[0]), tried=tried
            )
            yield Paired(name=name, compared=found)
        except (DataError, PlanError, RunError) as problem:
            yield Paired(name=name, compared=None, why=str(problem))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Keys of a plan with dots between, and their values as they are written."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif path:
        yield path, _written(value)


def _written(value: Any) -> str:
    """A value of a plan as it is written, cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _differing(plans: Sequence[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Keys that are not the same in all plans, with each plan's value; a dash where a plan has no such key."""
    keys = dict.fromkeys(key for plan in plans for key in plan)
    found = {key: tuple(plan.get(key, "–") for plan in plans) for key in keys}
    return {key: values for key, values in found.items() if len(set(values)) > 1}


def _text(first: str, paired: Sequence[Paired], metric: str) -> str:
    """Which runs are better or worse than the first, and of which nothing is shown."""
    said = []
    for verdict, words in (("better", "better than"), ("worse", "worse than")):
        found = [_short(one.name, one.compared) for one in paired if one.compared and one.compared.verdict == verdict]
        if found:
            said.append(f"{words.capitalize()} {first} by {metric}: {', '.join(found)}.")
    level = [one.name for one in paired if one.compared and one.compared.verdict == "no evidence"]
    apart = [one.name for one in paired if one.compared is None]
    if level:
        said.append(f"No evidence of a difference from {first}: {', '.join(level)}.")
    if apart:
        said.append(f"Not comparable row by row with {first}: {', '.join(apart)}.")
    return " ".join(said)


def _short(name: str, found: Compared) -> str:
    return f"{name} ({rounded(found.difference, beside=0.0).replace(' (', ', ', 1)}"
