"""What every test shares: a home of its own, and a tiny encoder in the standard layout."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings

# Before anything loads torch: tiny models lose more to threads that wait for each other than they gain.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

SYLLABLES = ("ba", "ko", "li", "mu", "ra", "se", "ti", "vo", "ne", "da", "fi", "gu")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Caches and the ledger of looks never leave the test."""
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session", autouse=True)
def few_single_rows():
    """A second of single rows tells what a model costs; in hundreds of runs that nobody reads, the fewest will do."""
    from tunewright.evaluation import efficiency

    efficiency.SECONDS = 0.0


@pytest.fixture(scope="module", autouse=True)
def few_objects_to_visit():
    """Where memory ends, cycles are looked for: not, hundreds of times, among all that was there before the tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def traced_once():
    """A network becomes one graph however many tests export it, for tracing takes seconds; gives what really traces."""
    from tunewright.export import onnx_graph
    from tunewright.learning.fit import weights_digest

    trace, made = onnx_graph._trace, {}

    def once(model, opset):
        inputs = tuple((name, tuple(value.shape)) for name, value in onnx_graph._example(model).items())
        key = weights_digest(model.network), str(model.network), inputs, opset
        if key not in made:
            made[key] = trace(model, opset)
        return made[key]

    with mock.patch.object(onnx_graph, "_trace", once):
        yield trace


@pytest.fixture(scope="session")
def tiny_words() -> list[str]:
    """144 invented words, all of them known to the tiny model's tokenizer."""
    return [a + b for a in SYLLABLES for b in SYLLABLES]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory, tiny_words) -> Path:
    """A folder with a BERT of 2 layers and width 32, random but always the same, and a WordPiece tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, BertTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("tiny-model")
    # The vocabulary is written down, not trained: training breaks ties another way in every process.
    signs = "abcdefghijklmnopqrstuvwxyz0123456789.,!?|"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *signs, *(f"##{sign}" for sign in signs), *tiny_words, "good", "bad", "the", "and"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=True).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder


def _texts(rng, words, targets, classes):
    """Each class has ten words of its own; every text mixes three of them with common ones."""
    own = [words[c * 10 : c * 10 + 10] for c in range(classes)]
    common = words[100:]
    return [
        " ".join(rng.permutation([*rng.choice(own[t], 3), *rng.choice(common, n)]))
        for t, n in zip(targets, rng.integers(1, 8, len(targets)), strict=True)
    ]


def _frame(kind, words, rows, seed):
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 3, rows)
    number = rng.normal(size=rows)
    if kind == "text":
        columns = {"message": _texts(rng, words, targets, 3), "y": [f"team {t}" for t in targets]}
    elif kind == "pair":
        a = [rng.choice(words, 6, replace=False) for _ in range(rows)]
        shared = rng.integers(0, 7, rows)
        b = [[*one[:n], *rng.choice(words, 6 - n)] for one, n in zip(a, shared, strict=True)]
        columns = {
            "first": map(" ".join, a),
            "second": map(" ".join, b),
            "y": shared / 6 + rng.normal(size=rows) * 0.05,
        }
    elif kind == "multilabel":
        second = rng.integers(0, 3, rows)
        texts = zip(_texts(rng, words, targets, 3), _texts(rng, words, second, 3), strict=True)
        labels = [sorted({["red", "green", "blue"][i] for i in pair}) for pair in zip(targets, second, strict=True)]
        columns = {"message": [" ".join(pair) for pair in texts], "y": ["|".join(one) for one in labels]}
    elif kind == "table":
        amount = np.where(rng.random(rows) < 0.1, None, number)
        plan = rng.choice(["free", "pro", "team"], rows)
        yes = (np.where(amount == None, -1, number) > 0.3) | (plan == "team")  # noqa: E711
        columns = {"amount": amount, "plan": plan, "y": np.where(yes, "yes", "no")}
    else:
        columns = {"message": _texts(rng, words, targets, 3), "amount": number * 10, "y": [f"c{t}" for t in targets]}
        columns["y"] = [y if n < 1 else "c9" for y, n in zip(columns["y"], number, strict=True)]
        columns["worth"] = rng.integers(1, 4, rows)
    return pl.DataFrame({name: pl.Series(name, list(cells), strict=False) for name, cells in columns.items()})


KINDS = {
    "text": {"message": "text"},
    "pair": {"first": "text", "second": "text"},
    "multilabel": {"message": "text", "y": "multilabel"},
    "table": {"amount": "number", "plan": "category"},
    "mixed": {"message": "text", "amount": "number"},
}


@pytest.fixture(scope="session")
def make_rows(tiny_words):
    """(kind, rows, seed) to a small learnable table; three fifths of its `part` are train."""
    import polars as pl

    def make(kind, rows=200, seed=0):
        parts = ["train", "train", "validation", "train", "test"]
        return _frame(kind, tiny_words, rows, seed).with_columns(part=pl.Series([parts[i % 5] for i in range(rows)]))

    return make


@pytest.fixture(scope="session")
def learn(tiny_model):
    """(kind, frame, run=None, **plan) to (prepared, judging, fitted), by way of the stories' own stations."""
    from tunewright.learning.balance import make_balance
    from tunewright.learning.fit import fit
    from tunewright.learning.judging import Judging
    from tunewright.learning.recipes import choose
    from tunewright.plan import read_plan
    from tunewright.runfolder.context import RunContext
    from tunewright.stories.prepare import load_rows, pose, prepare

    def in_float32(name, make):  # which precision pays is measured, and a tiny model's time is all noise
        return {"precision": "float32", "why": "a test says so"} if name == "precision" else make()

    def do(kind, frame, run=None, **sections):
        data = {"target": "y", "columns": KINDS[kind], "pair": ["first", "second"] if kind == "pair" else "none"}
        defaults = {
            "model": {"name": str(tiny_model), "train": "full"},
            "training": {"epochs": 2, "learning_rate": 2e-3},
            "splits": {"part": "part"},
            "augment": {},
            "knowledge": {"weights": "worth"} if kind == "mixed" else {},
        }
        plan = read_plan(data=data, **{name: value | sections.get(name, {}) for name, value in defaults.items()})
        prepared = prepare(load_rows(plan, frame), plan)
        problem = pose(prepared, plan)
        metric = prepared.objective.metric
        balance = make_balance(plan.balance, problem.task, problem.targets["train"], metric=metric, seed=plan.seed)
        judging = Judging(problem, balance, metric)
        choices = choose(problem, plan.model, plan.training, plan.augment)
        return prepared, judging, fit(judging, choices, run or RunContext(decide=in_float32))

    return do


@pytest.fixture(scope="session")
def learned(learn, make_rows):
    """(kind) to (prepared, judging, fitted), made once."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = learn(kind, make_rows(kind))
        return made[kind]

    return get


FOLLOWER = """
import os, sys
from datetime import timedelta
import torch
from torch.distributed import TCPStore
from tunewright.training.parallel.follower import follow
import transformers.models.bert.modeling_bert
torch.set_num_threads(1)
port, rank, world, patience, signalled = map(int, sys.argv[1:])
asked = 0
def stop():
    global asked
    asked += 1
    return 15 if signalled and asked > signalled else None
store = TCPStore("127.0.0.1", port, is_master=False)
store.set(f"ready/{rank}", "")
follow(store, rank, world, observe=lambda event: None, stop=stop, patience=timedelta(seconds=patience))
"""


@dataclass
class Led:
    """A crew and its followers' processes."""

    crew: Any
    processes: list
    spec: Any
    codes: list = field(default_factory=list)

    def encoder(self, *, width=32, other=None, **options):
        """The tiny model on every rank; `other`: what its description should say instead."""
        return self.crew.encoder(replace(self.spec, **(other or {})), width=width, **options)


@contextmanager
def lead_followers(folder, *, world=2, patience=120, signalled=0, clean=True):
    """A crew of `world` ranks, led by the test; `signalled`: each follower has a signal from that update on."""
    import torch
    from torch.distributed import TCPStore

    from tunewright.models.backbone import locate
    from tunewright.training.parallel.crew import Crew
    from tunewright.training.parallel.spec import Spec

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", FOLLOWER, *map(str, (store.port, r, world, patience, signalled))],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for r in range(1, world)
    ]
    spec = Spec(backbone=str(folder), digest=locate(str(folder)).digest, pooling="mean", precision="float32")
    led = Led(Crew(store, world, timedelta(seconds=patience)), processes, spec)
    try:
        store.wait([f"ready/{rank}" for rank in range(1, world)], timedelta(seconds=100))
        yield led
        led.crew.close()
        said = [process.communicate(timeout=30)[0] for process in processes]
        led.codes = [process.returncode for process in processes]
        if clean:
            assert led.codes == [0] * (world - 1), said
            assert not any(said), said
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


@pytest.fixture(scope="session")
def lead():
    """(folder, world=2, ...) to a context with followers in processes of their own; the test's process leads them."""
    return lead_followers


@pytest.fixture(scope="session")
def s3_server():
    """The endpoint of moto's S3 server in this process, on a free port of the loopback interface."""
    import logging

    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


S3_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test-key",
    "AWS_SECRET_ACCESS_KEY": "test-secret-of-nobody",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture
def s3(s3_server, monkeypatch):
    """Credentials in the environment, as a person would give them; a new bucket's URL."""
    import fsspec
    from s3fs import S3FileSystem

    for name, value in {**S3_ENVIRONMENT, "AWS_ENDPOINT_URL": s3_server}.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    fs = fsspec.filesystem("s3", use_listings_cache=False)
    bucket = f"bucket-{len(fs.ls(''))}"
    fs.mkdir(bucket)
    yield f"s3://{bucket}"
    S3FileSystem.clear_instance_cache()


RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "30",  # a busy machine starts a client's server slowly
    # The head forks a server for each client; gRPC's own threads do not always survive that.
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True)
class RayNodes:
    """Address for drivers of this machine, address for clients, folder of both nodes."""

    address: str
    client: str
    base: Path


@pytest.fixture(scope="session")
def ray_nodes(s3_server):
    """A Ray cluster on this machine: two nodes of one CPU, each with a home and a directory of its own."""
    from tunewright.remote.cluster import connected

    base = Path(tempfile.mkdtemp(prefix="tw-ray-", dir="/tmp"))  # sockets lie in it: their paths must be short
    started = []
    port, client = free_port(), free_port()
    head = ["--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false"]
    head += ["--disable-usage-stats", f"--temp-dir={base}"]
    for name, options in (("a", head), ("b", [f"--address=127.0.0.1:{port}"])):
        (base / name / "work").mkdir(parents=True)
        own = {"TUNEWRIGHT_HOME": str(base / name / "home"), "TMPDIR": str(base / name)}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        environment |= {**S3_ENVIRONMENT, "AWS_ENDPOINT_URL": s3_server, **RAY_ENVIRONMENT, **own}
        command = [Path(sys.executable).with_name("ray"), "start", "--block", "--node-ip-address=127.0.0.1"]
        command += ["--num-cpus=1", "--num-gpus=0", "--object-store-memory=100000000", *options]
        with (base / f"{name}.log").open("w") as log:
            kept = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
            started.append(subprocess.Popen(command, env=environment, cwd=base / name / "work", **kept))
        wait_for(lambda: answers(port), 120)
    address = f"127.0.0.1:{port}"
    with mock.patch.dict(os.environ, {"RAY_ADDRESS": address}), connected("ray") as ray:
        wait_for(lambda: sum(node["Alive"] for node in ray.nodes()) == 2, 120)
    yield RayNodes(address, f"ray://127.0.0.1:{client}", base)
    for process in reversed(started):
        process.terminate()
        process.wait(60)
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def ray_cluster(ray_nodes, monkeypatch):
    """The same, as what `--on ray` finds."""
    monkeypatch.setenv("RAY_ADDRESS", ray_nodes.address)
    return ray_nodes


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.05)
