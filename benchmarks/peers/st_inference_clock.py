"""How fast something answers, ours and every peer by the same clock: many texts at once, and one at a time.

It needs numpy and polars alone, as every arm has them.
"""

from __future__ import annotations

import time

import numpy as np
import polars as pl

WARM = 20  # single rows that are not counted


def test_rows(path):
    """Texts and labels of the test rows, in an order that is random and always the same."""
    frame = pl.read_parquet(path).filter(pl.col("part") == "test")
    order = np.random.default_rng(0).permutation(len(frame)).tolist()
    return frame["text"].to_numpy()[order].tolist(), frame["label"].to_numpy()[order].astype(str)


def measure(answers, config):
    """What the settings of an arm give on the test rows.

    Args:
        answers: per name of a setting, a function from texts to their labels; the first is the default.
        config: `data` (parquet), `timed` (rows answered together), `singles` (rows answered alone), `rounds`.

    Returns:
        `accuracy` of the default on all test rows, `rows_per_second` of the fastest setting and which that was,
        `p50_ms` and `p99_ms` of single rows.
    """
    texts, labels = test_rows(config["data"])
    default = next(iter(answers.values()))
    accuracy = float(np.mean(np.asarray(default(texts)).astype(str) == labels))
    speeds = {name: at_once(answer, texts[: config["timed"]], config["rounds"]) for name, answer in answers.items()}
    fastest = max(speeds, key=speeds.get)
    return {
        "accuracy": accuracy,
        "tested": len(texts),
        "rows_per_second": speeds[fastest],
        "setting": fastest,
        **alone(default, texts, config["singles"]),
    }


def at_once(answer, texts, rounds):
    """Rows per second of the fastest round, after one that only warms up."""
    seconds = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        answer(texts)
        seconds.append(time.perf_counter() - start)
    return len(texts) / min(seconds[1:])


def alone(answer, texts, count):
    """Milliseconds of rows that are answered one after the other."""
    seconds = []
    for number in range(WARM + count):
        text = [texts[number % len(texts)]]
        start = time.perf_counter()
        answer(text)
        seconds.append(time.perf_counter() - start)
    p50, p99 = np.quantile(seconds[WARM:], [0.5, 0.99]).tolist()
    return {"p50_ms": 1000 * p50, "p99_ms": 1000 * p99}
