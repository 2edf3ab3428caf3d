"""`keep`: watch, adapt, gate and promote in rounds; whatever happens, the champion keeps serving.

Every round is made of steps that may be done twice: a look reads the log from its beginning, an adaptation goes into a
folder named by the new rows and the champion and is continued there, a promotion is one transaction of the registry. A
keeper that is killed anywhere goes on where it was. What it decided stands in `keep.jsonl`, which only grows.
"""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.data import fingerprint, read
from tunewright.errors import DataError, PlanError, TunewrightError
from tunewright.events import Event, Observer, silent
from tunewright.living.address import Located, locate
from tunewright.living.keeping import KeepOptions
from tunewright.living.watching import WatchOptions
from tunewright.records import Adaptation, DriftReport, to_json
from tunewright.runfolder import Journal
from tunewright.runfolder.lock import RunLock
from tunewright.stories.living.adapting import AdaptRequest, adapt_story
from tunewright.stories.living.drifting import watch_story
from tunewright.stories.living.succeeding import run_of, succeed

JOURNAL = "keep.jsonl"
SECONDS = 5.0  # that a webhook may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """Who keeps what.

    Args:
        model: a name in the registry.
        options: what to do.
        folder: of the keeper: its journal, its lock, its adaptations.
        registry: where the model is; None: the usual place.
        who: named in the registry's ledger.
        observe: hears events.
        stop: returns a signal number once one has arrived.
        wait: sleeps so many seconds, and returns early where it should stop.
    """

    model: str
    options: KeepOptions
    folder: Path
    registry: str | None = None
    who: str = "keeper"
    observe: Observer = silent
    stop: Callable[[], int | None] = lambda: None
    wait: Callable[[float], None] = lambda seconds: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did.

    Args:
        number: from 1.
        version: of the champion at its beginning.
        report: of the look; None where there was nothing to look at.
        adaptation: where one was tried.
        why: what was done, and why, in a sentence.
    """

    number: int
    version: int
    why: str
    report: DriftReport | None = None
    adaptation: Adaptation | None = None


def keep_story(keeper: Keeper, *, rounds: int | None = None) -> list[Round]:
    """Go round until told to stop; a round that fails is told, and the next one comes.

    Args:
        keeper: who keeps what.
        rounds: how many at most; None: until a signal.

    Raises:
        PlanError: the model has no name in the registry, or no champion.
        RunError: another keeper has this folder.
    """
    if locate(keeper.model, registry=keeper.registry).name is None:
        raise PlanError(
            f"A keeper promotes, so its model needs a name in the registry. {keeper.model} is a folder. "
            "Add it: tunewright registry add NAME BUNDLE; tunewright registry promote NAME."
        )
    done: list[Round] = []
    with _journal(keeper) as journal:
        while rounds is None or len(done) < rounds:
            number = 1 + sum(entry.event == "round" for entry in journal.entries())
            done.append(_round(keeper, journal, number))
            if keeper.stop() is not None or (rounds is not None and len(done) >= rounds):
                break
            keeper.wait(60 * keeper.options.minutes)
            if keeper.stop() is not None:
                break
    return done


@contextmanager
def _journal(keeper: Keeper) -> Iterator[Journal]:
    with RunLock(keeper.folder), Journal(keeper.folder / JOURNAL) as journal:
        yield journal


def _round(keeper: Keeper, journal: Journal, number: int) -> Round:
    """One round; what goes wrong in it is written down, and the champion serves on."""
    try:
        champion = locate(keeper.model, registry=keeper.registry)
        found = _watched_and_adapted(keeper, journal, champion, number)
    except TunewrightError as problem:
        journal.append("failed", {"round": number, "error": type(problem).__name__, "text": str(problem)})
        found = Round(number=number, version=0, why=f"The round failed, the champion serves on: {problem}")
    journal.append("round", {"number": number, "why": found.why})
    keeper.observe(Event(station="keep", what="note", text=found.why))
    return found


def _watched_and_adapted(keeper: Keeper, journal: Journal, champion: Located, number: int) -> Round:
    options, version = keeper.options, champion.version or 0
    report = _look(keeper, champion, since=_since(journal))
    if report is not None:
        journal.append("looked", {"round": number, "version": version, **_brief(report)})
        if report.alarm:
            _tell(keeper, {"event": "alarm", "model": keeper.model, "version": version, "text": report.text})
    alarm = report is not None and report.alarm
    if not alarm and options.adapt_on == "alarm":
        said = "nothing to look at yet" if report is None else "no alarm"
        return Round(number=number, version=version, report=report, why=f"{keeper.model}@{version} serves on: {said}.")
    fresh = _fresh(champion, options)
    if fresh < options.new_rows:
        said = f"{fresh} new labelled rows, {options.new_rows} are asked for"
        return Round(number=number, version=version, report=report, why=f"{keeper.model}@{version} serves on: {said}.")
    if _known(journal, out := _place(keeper, champion)):
        said = "these rows were tried before"
        return Round(number=number, version=version, report=report, why=f"{keeper.model}@{version} serves on: {said}.")
    adaptation = _adapt(keeper, champion, out)
    logged = _log(options)
    rows = 0 if logged is None else logged.height
    brief = {"round": number, "out": out.name, "log_rows": rows, "adaptation": to_json(adaptation)}
    journal.append("adapted", brief)
    told = {"event": adaptation.decision, "model": keeper.model, "version": adaptation.version, "text": adaptation.why}
    _tell(keeper, told)
    return Round(
        number=number,
        version=version,
        report=report,
        adaptation=adaptation,
        why=f"{keeper.model}@{version}: the challenger was {adaptation.decision}. {adaptation.why}",
    )


def _look(keeper: Keeper, champion: Located, *, since: int) -> DriftReport | None:
    """At the log from where this champion began to serve, or None while that is less than one look's rows."""
    options = keeper.options
    rows = _log(options)
    if rows is None or rows.height - since < options.every_rows:
        return None
    watched = WatchOptions(level=options.level, every=options.every_rows)
    return watch_story(champion.bundle, rows[since:], watched, labels=options.labels, by=options.id)


def _log(options: KeepOptions) -> pl.DataFrame | None:
    """All rows of the log, or None where there is none yet."""
    assert options.log is not None
    path = Path(options.log)
    return read(path).frame if path.is_file() and path.stat().st_size else None


def _since(journal: Journal) -> int:
    """Rows that the log had when the champion that serves was promoted: what came before was another's to answer."""
    promoted = [
        entry.data
        for entry in journal.entries()
        if entry.event == "adapted" and entry.data["adaptation"]["decision"] == "promoted"
    ]
    return int(promoted[-1]["log_rows"]) if promoted else 0


def _fresh(champion: Located, options: KeepOptions) -> int:
    """Labelled rows that the champion has not seen."""
    if options.labelled is None or not Path(options.labelled).is_file():
        return 0
    predictor = Predictor.load(champion.bundle)
    raw = read(options.labelled).frame
    target = predictor.model.preprocessor.table.target
    if target not in raw.columns:
        raise DataError(
            f"Labelled rows must have the target {target!r}. {options.labelled} has not. Rename its column."
        )
    labelled = raw[target].is_not_null().to_numpy()
    return int((labelled & ~predictor.has_seen(raw)).sum())


def _place(keeper: Keeper, champion: Located) -> Path:
    """Where an adaptation goes: the same rows and the same champion always lead to the same folder."""
    assert keeper.options.labelled is not None
    named = f"{champion.version} {fingerprint(read(keeper.options.labelled).frame)}"
    return keeper.folder / "adaptations" / hashlib.sha256(named.encode()).hexdigest()[:12]


def _known(journal: Journal, out: Path) -> bool:
    return any(entry.event == "adapted" and entry.data.get("out") == out.name for entry in journal.entries())


def _adapt(keeper: Keeper, champion: Located, out: Path) -> Adaptation:
    found = adapt_story(
        AdaptRequest(
            champion=champion.bundle,
            run=run_of(champion, registry=keeper.registry),
            new=keeper.options.labelled,
            out=out,
            observe=keeper.observe,
            stop=keeper.stop,
        )
    )
    if not keeper.options.promote:
        return found
    return succeed(found, champion, registry=keeper.registry, who=keeper.who)


def _brief(report: DriftReport) -> dict[str, Any]:
    """What the journal keeps of a look: no cell of a row."""
    drifted = [one.column for one in report.drift if one.drifted]
    return {"rows": report.rows, "alarm": report.alarm, "p_value": report.p_value, "drifted": sorted(set(drifted))}


def _tell(keeper: Keeper, told: Mapping[str, Any]) -> None:
    """Tell a webhook; one that does not answer must not stop a keeper, and is told of in the log instead."""
    if keeper.options.webhook is None:
        return
    request = urllib.request.Request(
        keeper.options.webhook, json.dumps(told).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            pass
    except (OSError, ValueError) as problem:
        keeper.observe(
            Event(station="keep", what="note", text=f"The webhook did not answer: {type(problem).__name__}.")
        )
