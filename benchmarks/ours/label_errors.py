"""Ours: out-of-fold probabilities of sets with wrong labels, written to files; and the ranking of such files.

Keys of the configuration: `do` ("probabilities" or "rank"), `folder` (of the files); for probabilities `sets` (name to
a parquet file with `text` and `label`), `cells` (kind of flip, rate), `seeds`; for rank `repeats`. One JSON line out. A
file holds `probabilities` (n, K), `given` (n,) and, where they are known, `wrong` (n,).
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl


def encode(texts):
    """Frozen vectors by the product's encoder, in the precision that pays here, from its cache where it has them."""
    from tunewright.learning.encode import FrozenEncoder, encoder_key
    from tunewright.learning.frozen import decide_precision, load_encoder
    from tunewright.models.backbone import locate
    from tunewright.models.precision import pick_device
    from tunewright.models.tokens import TextTokenizer
    from tunewright.runfolder.context import RunContext

    posed = SimpleNamespace(backbone=locate("minilm"))
    precision, pooling = decide_precision(posed, RunContext()), posed.backbone.pooling
    encoder = FrozenEncoder(
        key=encoder_key(weights=posed.backbone.digest, pooling=pooling, precision=precision),
        load=cache(lambda: load_encoder(posed, pooling, precision)),
        device=pick_device(),
    )
    tokens = TextTokenizer(posed.backbone.folder)(texts, posed.backbone.max_length)
    return encoder.encode([tokens], lambda event: None)[0][0]


def learned(x, given, *, seed):
    """Out-of-fold probabilities by the product's own learning."""
    from tunewright.learning.learned import learn
    from tunewright.tasks import Classification

    rows = np.arange(len(x))
    task = Classification(labels=tuple(f"{k:04d}" for k in range(given.max() + 1)))
    everything = {"rows": rows, "features": x, "width": x.shape[1], "fitted": np.ones(len(x), bool), "clusters": rows}
    found = learn(task, targets=given, seed=seed, **everything).probabilities.astype(np.float64)
    return found / found.sum(1, keepdims=True)


def write_probabilities(config):
    """One file per set, kind of flip, rate and seed, and one to start from scratch per set; seconds of learning."""
    from flips import flip, word_probabilities

    folder, seconds = Path(config["folder"]), {}
    for name, path in config["sets"].items():
        frame = pl.read_parquet(path)
        x = encode(frame["text"].to_list())
        labels = np.unique(frame["label"].to_numpy(), return_inverse=True)[1]
        if name == "imdb":
            np.savez(folder / "imdb votes 0.npz", probabilities=learned(x, labels, seed=0), given=labels)
            continue
        words = word_probabilities(frame["text"].to_list(), labels)
        for kind, rate in config["cells"]:
            for seed in config["seeds"]:
                given = flip(kind, labels, words, rate=rate, seed=seed)
                started = time.perf_counter()
                said = learned(x, given, seed=seed)
                seconds.setdefault(name, []).append(time.perf_counter() - started)
                stem = f"{name} {kind} {rate} {seed}"
                np.savez(folder / f"{stem}.npz", probabilities=said, given=given, wrong=given != labels)
        np.savez(folder / f"scratch {name}.npz", x=x, given=given, wrong=given != labels)
    return {"seconds": {name: statistics.median(some) for name, some in seconds.items()}}


def rank(config):
    """Score every file, count its errors, list them worst first; milliseconds of the median repeat."""
    from tunewright.learning.doubt import doubt

    folder, told = Path(config["folder"]), {}
    for path in sorted(folder.glob("* [0-9].npz")):
        held = np.load(path)
        p, given, seconds = held["probabilities"], held["given"], []
        for _ in range(config["repeats"]):
            started = time.perf_counter()
            found = doubt(p, given)
            likely = np.flatnonzero(found.odds >= 1)
            listed = likely[np.argsort(-found.score[likely])][: round(found.errors)]
            seconds.append(time.perf_counter() - started)
        np.save(folder / f"ours {path.stem}.npy", found.score)
        told[path.stem] = {"ms": statistics.median(seconds) * 1000, "listed": len(listed)}
    return {"files": told}


if __name__ == "__main__":
    given_config = json.loads(sys.argv[1])
    print(json.dumps({"probabilities": write_probabilities, "rank": rank}[given_config["do"]](given_config)))
