"""A server of whoever's making under our open-loop load. One JSON object in, one JSON line out.

Keys of the configuration: `kind` (see `serving_wires.py`), `command` (words of the server; `{port}` stands for its
port), `head` (what an answer with vectors needs, or null), `data` (parquet with test rows), `limit` (seconds),
`seconds` (of a level of load), `start` (seconds that the server may take to start), and for a soak `minutes` and
`share` (of the measured peak).
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from pathlib import Path

from serving_process import NotStarted, free_port, resident_mb, running
from serving_wires import accuracy, answers, wire_of

from tunewright.serving.levels import knee, level_of, quantiles
from tunewright.serving.load import Target, keep_busy, offer, one_by_one

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
from st_inference_clock import test_rows

SHARES = (0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.25)  # of the most that clients who wait for their answers reach
SHARPER = 3  # levels more, between the last that held and the first that did not
OVER = 3.0  # times the peak
CHECKED, SINGLES, FEW, CLIENTS = 500, 500, 8, 64
REST = 0.5  # seconds between levels: queues are empty again


class UnderLoad:
    """One server and what it gave so far.

    Args:
        target: where it listens.
        bodies: of requests, taken in turn.
        config: of this script.
    """

    def __init__(self, target, bodies, config):
        self.target, self.bodies = target, bodies
        self.limit, self.seconds = config["limit"], config["seconds"]
        self.levels = []

    async def level(self, rate):
        """Offer a rate; what came of it, beside the other levels."""
        sent = await offer(self.target, self.bodies, rate, self.seconds, seed=len(self.levels))
        found = level_of(sent, rate=rate, seconds=self.seconds, limit=self.limit)
        self.levels.append(found)
        await asyncio.sleep(REST)
        return found

    async def alone(self):
        """Milliseconds of requests that come one after the other."""
        sent = await one_by_one(self.target, self.bodies, SINGLES)
        if not any(one.status == 200 for one in sent):
            raise ValueError("no request was answered, though one came at a time")
        # What was refused on an idle server took as long as the limit, at least, for whoever waited for it.
        seconds = [one.seconds if one.status == 200 else max(one.seconds, self.limit) for one in sent]
        p50, _, p99 = quantiles(seconds)
        return {"p50_ms": 1000 * p50, "p99_ms": 1000 * p99}

    async def climb(self):
        """The level with the highest rate of which 99 % was answered in time; None where no level had that."""
        busy = min(self.seconds, 3.0)
        # Few clients first: they warm the server up, and one that refuses whoever would be late answers more of them.
        few = await keep_busy(self.target, self.bodies, FEW, busy)
        most = max(few, await keep_busy(self.target, self.bodies, CLIENTS, busy))
        for share in SHARES:
            await self.level(share * max(most, 1.0))
        for _ in range(SHARPER):
            await self.level(next_rate(self.levels))
        return next((one for one in self.levels if one.rate == knee(self.levels)), None)

    async def whole(self):
        """Alone, up to the peak, and beyond it."""
        found = await self.alone()
        held = await self.climb()
        best = held or max(self.levels, key=lambda one: one.goodput)
        beyond = await self.level(OVER * best.rate)
        return found | {
            "goodput": held.goodput if held else 0.0,
            "kept": beyond.goodput / best.goodput if best.goodput else 0.0,
            "beyond": {"rate": beyond.rate, "refused": beyond.refused, "lost": beyond.lost},
            "levels": [[round(one.rate, 1), round(one.goodput, 1), one.lost] for one in self.levels],
        }

    async def soak(self, process, minutes, share):
        """A share of the peak for minutes: what each of them gave, and the memory after it."""
        held = await self.climb()
        if held is None:
            raise ValueError(f"no rate was answered within {1000 * self.limit:g} ms: there is no peak")
        rate, found = share * held.rate, []
        for minute in range(minutes):
            sent = await offer(self.target, self.bodies, rate, 60.0, seed=1000 + minute)
            one = level_of(sent, rate=rate, seconds=60.0, limit=self.limit)
            found.append({"mb": resident_mb(process), "goodput": one.goodput, "refused": one.refused, "lost": one.lost})
            found[-1]["p99_ms"] = 1000 * one.p99
        return {"peak": held.rate, "rate": rate, "minutes": found}


def next_rate(levels):
    """The rate that tells most of where the knee is: midway between the levels around it, by ratio.

    Below the lowest level where none held, above the highest where that one did.
    """
    held = knee(levels)
    if held is None:
        return min(one.rate for one in levels) / 2
    above = [one.rate for one in levels if one.rate > held]
    return math.sqrt(held * min(above)) if above else 1.25 * held


def environment_of(kind):
    """Ours as we are; a peer without our paths. Nobody calls home or looks for models elsewhere."""
    own = kind == "tunewright"
    kept = {name: value for name, value in os.environ.items() if own or not name.startswith("PYTHON")}
    return kept | {"HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0"}


def main(config):
    """Start the server, see that its answers are right, measure, tell."""
    texts, labels = test_rows(config["data"])
    texts, labels = texts[:CHECKED], labels[:CHECKED]
    port, wire = free_port(), wire_of(config["kind"], config["head"])
    load = UnderLoad(Target(host="127.0.0.1", port=port, path=wire.path), [wire.data(text) for text in texts], config)
    command = [word.replace("{port}", str(port)) for word in config["command"]]
    try:
        with running(
            command,
            environment_of(config["kind"]),
            answers=lambda: answers(port, wire, texts[0]),
            seconds=config["start"],
        ) as process:
            found = {"accuracy": accuracy(port, wire, texts, labels), "checked": len(texts)}
            if "minutes" in config:
                found |= asyncio.run(load.soak(process, config["minutes"], config["share"]))
            else:
                found |= asyncio.run(load.whole())
            found["memory_mb"] = resident_mb(process)
    except (NotStarted, ValueError) as problem:
        raise SystemExit(f"The server could not be measured: {problem}") from None
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
