"""Who is measured by `serving.py`: our exports, sentence-transformers and the servers, each as a call that measures it.

Every call takes the number of the pair and runs one process to its end. What a peer needs beforehand (its regression,
its quantised graph) is made once and kept under `.peers/serving`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

from common import Failed, backbone, digest, run_ours, run_peer
from to_accuracy import REGRESSION
from venvs import PEERS, python_of

ST, ST_OPENVINO, LITSERVE, INFINITY = "sentence-transformers", "sentence-transformers-openvino", "litserve", "infinity"
FLOAT, INT8 = "sentence-transformers, float32", "sentence-transformers, openvino int8"
SIZES = (32, 64, 128)  # rows of a batch; the first is sentence-transformers' default
CLOCK = {"timed": 1024, "singles": 500, "rounds": 3}
# Requests of a batch, and seconds that the first of them waits for others: none, and two that 50 ms leave room for.
LITSERVE_SETTINGS = {"one by one": (1, 0.0), "batches of 16": (16, 0.005), "batches of 64": (64, 0.01)}
LIMIT = 0.05  # seconds
START = 300.0  # seconds that a server may take to start
FOLDER = PEERS / "serving"
PROBLEMS = (Failed, subprocess.CalledProcessError, OSError)


class Arms:
    """The arms of one set.

    Args:
        data: parquet file of `texts_file`.
        use_cache: whether a peer's earlier result counts where nothing about it changed.
    """

    def __init__(self, data, *, use_cache):
        self.data, self.use_cache = str(data), use_cache
        self.head, self.graph = once(self._head), once(self._graph)
        self.litserve = once(partial(python_of, LITSERVE))

    def in_process(self, made, *, peers):
        """{arm: pair number to its result} of the exports and of sentence-transformers."""
        clock = {"data": self.data, **CLOCK}

        def ours(path, pair):
            return run_ours("serving_inference", {**clock, "bundle": path})

        def theirs(peer, pair, **more):
            config = {**clock, "model": backbone(), "head": self.head(), "sizes": SIZES, **more}
            return run_peer(peer, "st_inference", config, pair=pair, use_cache=self.use_cache)

        def quantised(pair):
            return theirs(ST_OPENVINO, pair, openvino=self.graph())

        arms = {name: partial(ours, path) for name, path in made.items()}
        return arms | ({FLOAT: partial(theirs, ST), INT8: quantised} if peers else {})

    def over_http(self, made, *, seconds, peers):
        """{arm: pair number to its result} of our server with each of these exports, and of the others."""
        load = {"data": self.data, "limit": LIMIT, "seconds": seconds, "start": START, "head": None}
        arms = {served(name): partial(ours_with, path, load) for name, path in made.items()}
        if peers:
            arms |= {f"litserve, {name}": partial(self._litserve, one, load) for name, one in LITSERVE_SETTINGS.items()}
            arms["infinity-emb"] = partial(self._infinity, load)
        return {name: lambda pair, make=make: run_ours("serving_load", make()) for name, make in arms.items()}

    def soak(self, path, *, seconds, minutes, share):
        """Our server with an export under a share of its peak for minutes."""
        load = {"data": self.data, "limit": LIMIT, "seconds": seconds, "start": START, "head": None}
        return run_ours("serving_load", ours_with(path, load) | {"minutes": minutes, "share": share})

    def _head(self):
        config = {"data": self.data, "model": backbone(), "C": REGRESSION["float32"], "out": str(FOLDER)}
        return kept(ST, "st_head", config, lambda found: found["head"], use_cache=self.use_cache)["head"]

    def _graph(self):
        out = FOLDER / f"openvino-{digest(Path(self.data))[:12]}"
        config = {"data": self.data, "model": backbone(), "out": str(out)}

        def file_of(found):
            return Path(found["folder"], "openvino", found["file"])

        found = kept(ST_OPENVINO, "st_openvino", config, file_of, use_cache=self.use_cache)
        return {name: found[name] for name in ("folder", "file")}

    def _litserve(self, setting, load):
        batch, wait = setting
        config = {"model": backbone(), "head": self.head(), "port": "{port}", "batch": batch, "wait": wait}
        script = Path(__file__).with_name("peers") / "litserve_server.py"
        return {**load, "kind": "litserve", "command": [str(self.litserve()), str(script), json.dumps(config)]}

    def _infinity(self, load):
        tool = python_of(INFINITY).with_name("infinity_emb")
        command = [str(tool), "v2", "--model-id", backbone(), "--served-model-name", "served", "--engine", "torch"]
        command += ["--device", "cpu", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning"]
        return {**load, "kind": "infinity", "command": command, "head": self.head()}


def ours_with(path, load):
    """Configuration of our server with an export."""
    command = [sys.executable, "-m", "tunewright", "serve", f"served={path}", "--port", "{port}", "--no-explain"]
    return {**load, "kind": "tunewright", "command": [*command, "--limit-ms", f"{1000 * load['limit']:g}"]}


def served(name):
    """Our server's name in the table."""
    return f"tunewright serve, {name}"


def kept(peer, script, config, file_of, *, use_cache):
    """What a peer's script made: as it was made before, or anew where that file is gone."""
    found = run_peer(peer, script, config, pair=0, use_cache=use_cache)
    if not Path(file_of(found)).exists():
        found = run_peer(peer, script, config, pair=0, use_cache=False)
    return found


def once(call):
    """The call as one that is made once: everybody gets what it gave, or meets its failure again."""
    outcome = []

    def remembered():
        if not outcome:
            try:
                outcome.append((call(), None))
            except PROBLEMS as problem:
                outcome.append((None, problem))
        value, problem = outcome[0]
        if problem is not None:
            raise problem
        return value

    return remembered


def why(problem):
    """The last line of what a failed process said; of pip, which ends in advice, the first of its errors."""
    said = getattr(problem, "stderr", None) or str(problem)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else type(problem).__name__)
