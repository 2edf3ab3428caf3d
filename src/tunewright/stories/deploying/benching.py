"""`bench`: a bundle behind a real server, asked at rising rates."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tunewright.bundle.predictor import Predictor
from tunewright.data import read
from tunewright.errors import ServingError
from tunewright.events import Event, Observer, silent
from tunewright.records import to_json
from tunewright.runfolder import write_text
from tunewright.serving.example import example_row
from tunewright.serving.levels import Level, knee, level_of, quantiles
from tunewright.serving.load import Target, keep_busy, offer, one_by_one
from tunewright.serving.refusals import Refused
from tunewright.serving.schema import Schema
from tunewright.stories.deploying.serving import Source, bundle_at

SHARES = (0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.25, 1.5, 3.0)  # of the most that single rows reached
MANY, CLIENTS = 32, 8  # rows of a request and clients at once, where only rows per second count
SINGLES = 300  # requests one after the other
ROWS = 200  # that are made up, or taken of the data
SYLLABLES = ("al", "be", "con", "der", "en", "for", "ing", "la", "men", "no", "per", "ra", "sta", "ti", "un", "ver")
_ADDRESS = re.compile(r" at http://([^\s:]+):(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """How to measure.

    Args:
        limit: seconds that an answer may take, from when its request was due.
        seconds: of each level.
        workers: processes of the server.
        rates: requests per second, rising; empty: shares of the most that single rows reach.
        start: seconds that the server may take to start.
    """

    limit: float = 0.05
    seconds: float = 5.0
    workers: int = 1
    rates: tuple[float, ...] = ()
    start: float = 180.0


def bench_story(
    bundle: str,
    *,
    data: Any = None,
    options: BenchOptions | None = None,
    out: Path | None = None,
    observe: Observer = silent,
) -> dict[str, Any]:
    """Start a server of its own for a bundle, and measure it.

    Args:
        bundle: a bundle or a run folder; a path or a URL.
        data: rows to ask about; None: rows are made up, of words that mean nothing.
        options: how.
        out: where the chart goes (HTML), or None.
        observe: hears how far it is.

    Returns:
        What `bench --json` prints.

    Raises:
        ModelError: not a bundle.
        DataError: the data cannot be read, or no row of it fits the bundle.
        ServingError: the server does not start.
    """
    chosen = options or BenchOptions()
    rows = _rows(Predictor.load(bundle_at(Source(name="bench", where=bundle))), data)
    with _server(bundle, chosen) as (target, memory):
        found = asyncio.run(_measure(target, rows, chosen, observe))
        peak = memory.peak()
    found |= {"memory_mb": round(peak / 1e6, 1), "rows": "made up" if data is None else "given"}
    if out is not None:
        from tunewright.report.bench import render_bench

        write_text(out, render_bench(Path(bundle).name, found))
        found["chart"] = str(out)
    return found


async def _measure(
    target: Target, rows: Sequence[dict[str, Any]], options: BenchOptions, observe: Observer
) -> dict[str, Any]:
    singles = [json.dumps({"rows": [row]}).encode() for row in rows]
    many = [json.dumps({"rows": [rows[(at + n) % len(rows)] for n in range(MANY)]}).encode() for at in range(len(rows))]

    def tell(text: str, done: int, total: int) -> None:
        observe(Event(station="bench", what="note", text=text, data={"done": done, "total": total}))

    await one_by_one(target, singles, 20)
    alone = [one.seconds for one in await one_by_one(target, singles, SINGLES) if one.status == 200]
    if not alone:
        raise ServingError("A server must answer its own bundle's rows. It did not. Give rows with --data.")
    p50, _, p99 = quantiles(alone)
    tell(f"One row at a time: {1000 * p50:.1f} ms, 99 % within {1000 * p99:.1f} ms.", 0, 0)
    per_second = MANY * await keep_busy(target, many, CLIENTS, options.seconds)
    tell(f"{per_second:,.0f} rows/s in requests of {MANY}.", 0, 0)
    most = await keep_busy(target, singles, 64, min(options.seconds, 3.0))
    rates = options.rates or tuple(share * most for share in SHARES)
    levels = []
    for number, rate in enumerate(rates):
        sent = await offer(target, singles, rate, options.seconds, seed=number)
        level = level_of(sent, rate=rate, seconds=options.seconds, limit=options.limit)
        levels.append(level)
        tell(_said(level, options.limit), number + 1, len(rates))
        await asyncio.sleep(0.5)  # queues are empty again
    return _told(alone, per_second, levels, options)


def _told(alone: Sequence[float], per_second: float, levels: Sequence[Level], options: BenchOptions) -> dict[str, Any]:
    p50, p95, p99 = quantiles(alone)
    best = max(levels, key=lambda one: one.goodput)
    at_knee = knee(levels)
    return {
        "rows_per_second": round(per_second, 1),
        "latency_ms": {"p50": _ms(p50), "p95": _ms(p95), "p99": _ms(p99)},
        "goodput": round(best.goodput, 1),
        "limit_ms": _ms(options.limit),
        "knee": None if at_knee is None else round(at_knee, 1),
        "kept_in_overload": round(levels[-1].goodput / best.goodput, 3) if best.goodput else None,
        "levels": [{**to_json(one), "p50": _ms(one.p50), "p95": _ms(one.p95), "p99": _ms(one.p99)} for one in levels],
        "workers": options.workers,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _said(level: Level, limit: float) -> str:
    return (
        f"{level.rate:,.0f} requests/s offered: {level.goodput:,.0f} answered within {1000 * limit:g} ms, "
        f"{level.refused:,.0f} refused; p99 {1000 * level.p99:.0f} ms."
    )


def _rows(predictor: Predictor, data: Any) -> list[dict[str, Any]]:
    """Rows that the bundle can answer."""
    preprocessor = predictor.model.preprocessor
    schema = Schema.of(preprocessor)
    if data is None:
        example = example_row(schema, preprocessor)
        return [_made_up(schema, example, Random(number)) for number in range(ROWS)]
    names = [one.name for one in schema.inputs]
    frame = read(data).frame
    preprocessor.conform(frame)  # tells which columns are missing
    kept = []
    for row in frame.select([name for name in names if name in frame.columns]).head(10 * ROWS).to_dicts():
        plain = {
            name: cell if isinstance(cell, str | int | float | bool | None) else str(cell) for name, cell in row.items()
        }
        try:
            schema.of_rows([plain])
        except Refused:
            continue
        kept.append(plain)
    if not kept:
        raise ServingError("Rows to ask about must fit the bundle. None of the data's does. Give other rows, or none.")
    return kept[:ROWS]


def _made_up(schema: Schema, example: dict[str, Any], draw: Random) -> dict[str, Any]:
    """The example with texts of words that mean nothing, between 3 words and as many as the model reads."""
    row = dict(example)
    for one in schema.inputs:
        if one.kind == "text":
            count = draw.randint(3, max(4, min(schema.max_length // 3, 40)))
            row[one.name] = " ".join("".join(draw.choices(SYLLABLES, k=draw.randint(1, 3))) for _ in range(count))
    return row


class _Memory:
    """The most memory that a process and its children held together, in bytes."""

    def __init__(self, process: int) -> None:
        self._process = psutil.Process(process)
        self._most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self._look()

    def _look(self) -> None:
        try:
            family = [self._process, *self._process.children(recursive=True)]
            self._most = max(self._most, sum(one.memory_info().rss for one in family))
        except psutil.Error:  # one of them has just ended
            return

    def peak(self) -> int:
        """The most, and an end of watching."""
        self._look()
        self._done.set()
        self._thread.join()
        return self._most


@contextmanager
def _server(bundle: str, options: BenchOptions) -> Iterator[tuple[Target, _Memory]]:
    """A server in processes of its own, as anybody would start it."""
    command = [sys.executable, "-m", "tunewright", "serve", f"bench={bundle}", "--port", "0", "--no-explain"]
    command += ["--limit-ms", str(options.limit * 1000), "--workers", str(options.workers)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    heard: list[str] = []
    ready = threading.Event()

    def listen() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            heard.append(line)
            if sum(text.startswith("Serving") for text in heard) >= options.workers:
                ready.set()
        ready.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        end = time.monotonic() + options.start
        ready.wait(max(end - time.monotonic(), 0.0))
        found = _ADDRESS.search("".join(heard))
        if process.poll() is not None or found is None:
            said = "".join(heard[-3:]).strip() or "It said nothing"
            raise ServingError(f"The server to measure must start. It did not. {said}")
        yield Target(host=found[1], port=int(found[2])), _Memory(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        thread.join(5)
        if process.stderr is not None:
            process.stderr.close()
