"""`tunewright bench`: how many requests a bundle's server answers, how fast, and where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption


def verb(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle, a run folder, or a URL.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="FILE", help="Rows to ask about. Default: texts are made up.")
    ] = None,
    limit_ms: Annotated[float, typer.Option("--limit-ms", min=1, help="What an answer may take.")] = 50,
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, help="Of each level of load.")] = 5,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes of the server.")] = 1,
    rates: Annotated[
        str | None,
        typer.Option("--rates", metavar="N,N,…", help="Requests per second. Default: up to 3 times what is reached."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the chart goes (.html).")] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Start a server for BUNDLE, ask it at rising rates, and say how many answers came within the limit.

    Requests are sent when they are due, answered or not, and their times count from then: waiting is not hidden.
    """
    from tunewright.cli.progress import shown
    from tunewright.stories.deploying.benching import BenchOptions, bench_story

    if out is not None and out.suffix.lower() != ".html":
        raise typer.BadParameter(f"must end in .html. Got {out}.", param_hint="--out")
    options = BenchOptions(limit=limit_ms / 1000, seconds=seconds, workers=workers, rates=_rates(rates))
    with shown(quiet=quiet) as show:
        found = bench_story(bundle, data=data, options=options, out=out, observe=show)
    return Answer(value=found, text=_text(found))


def _rates(text: str | None) -> tuple[float, ...]:
    if text is None:
        return ()
    try:
        rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        rates = (0.0,)
    if not all(0 < rate < 1e6 for rate in rates):
        raise typer.BadParameter(f"must be numbers above 0, as in 50,100,200. Got {text}.", param_hint="--rates")
    return tuple(sorted(rates))


def _text(found: Mapping[str, Any]) -> str:
    from tunewright.cli.text import table

    rows: list[tuple[str, ...]] = [("offered/s", "in time/s", "refused/s", "p50 ms", "p95 ms", "p99 ms")]
    for one in found["levels"]:
        times = [f"{one[name]:.1f}" for name in ("p50", "p95", "p99")]
        rows.append((f"{one['rate']:.0f}", f"{one['goodput']:.0f}", f"{one['refused']:.0f}", *times))
    latency = found["latency_ms"]
    return "\n".join(
        [
            table(rows),
            "",
            f"One row at a time: {latency['p50']} ms, 99 % within {latency['p99']} ms.",
            f"{found['rows_per_second']:,.0f} rows/s in requests of many rows.",
            f"{found['goodput']:,.0f} requests/s within {found['limit_ms']:g} ms at best; {found['memory_mb']} MB.",
            *([f"The chart: {found['chart']}"] if "chart" in found else []),
        ]
    )
