"""Ours: `tunewright audit` of a file, station by station. One JSON object in, one JSON line out.

Keys of the configuration: `data`, `target`, `deep`, `limit_gb` (the process ends itself above it: the machine is
others' too), `columns`. A station's peak is the process's so far.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from tunewright import detectors
from tunewright.plan import read_plan
from tunewright.splits import making
from tunewright.stories import prepare
from tunewright.stories.auditing import examine as audit
from tunewright.stories.auditing import inspect


class Stations:
    """Seconds and peak memory per station; what a station calls in another one counts there alone."""

    def __init__(self):
        self.seconds, self.peaks, self.inner = {}, {}, [0.0]

    def timed(self, name, work):
        """The same function, watched."""

        def watched(*args, **kwargs):
            started = time.perf_counter()
            self.inner.append(0.0)
            result = work(*args, **kwargs)
            took = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + took - self.inner.pop()
            self.inner[-1] += took
            self.peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            return result

        return watched

    def detect(self, rows):
        """`detectors.detect`, each of them a station."""
        return tuple(
            finding
            for detector in detectors.DETECTORS
            for finding in self.timed(f"detector {detector.kind}", detector.find)(rows)
        )


def guard(limit_gb):
    """End this process before the machine runs out of memory."""
    page = os.sysconf("SC_PAGE_SIZE")

    def watch():
        while True:
            if int(Path("/proc/self/statm").read_text().split()[1]) * page > limit_gb * 2**30:
                print(f"More than {limit_gb} GB of memory: ended.", file=sys.stderr, flush=True)
                os._exit(1)
            time.sleep(0.2)

    threading.Thread(target=watch, daemon=True).start()


def main(config):
    """Audit and tell."""
    guard(config["limit_gb"])
    stations = Stations()
    inspect.load_rows = stations.timed("read the file", inspect.load_rows)
    prepare._describe = stations.timed("infer kinds", prepare._describe)
    prepare.conform = stations.timed("cast", prepare.conform)
    prepare.make_split = stations.timed("split", prepare.make_split)
    making.clusters = stations.timed("copies and near-copies", making.clusters)
    audit.detect = stations.detect
    audit.learn_rows = stations.timed("encode and learn", audit.learn_rows)
    plan = read_plan(data={"train": config["data"], "target": config["target"]})
    started = time.perf_counter()
    inspection = stations.timed("the rest", inspect.inspect)(plan, deep=config["deep"])
    with tempfile.TemporaryDirectory() as folder:
        stations.timed("write audit.json", inspect.write_audit)(inspection, plan, Path(folder), {})
    seconds = time.perf_counter() - started
    kinds = [finding.kind for finding in inspection.audit.findings]
    told = {"seconds": seconds, "stations": stations.seconds, "peaks": stations.peaks, "findings": kinds}
    print(json.dumps({**told, "rows": inspection.audit.rows}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
