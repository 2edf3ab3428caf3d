"""Bundles that cost nothing: files with the right digests, whose weights nobody loads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.living.registry import Registry
from tunewright.records import Against, Compared, Score


def sign(folder: Path) -> None:
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def write_fake(folder: Path, *, weights: bytes = b"w", target: str = "team", task: str = "multiclass") -> Path:
    """What a registry looks at of a bundle."""
    folder.mkdir(parents=True)
    about = {
        "metric": "accuracy",
        "preprocessing": {"table": {"target": target, "task": task}},
        "data_fingerprint": hashlib.sha256(b"rows").hexdigest(),
        "plan_digest": "p" * 64,
        "weights_digest": hashlib.sha256(weights).hexdigest(),
    }
    (folder / "tunewright.json").write_text(json.dumps(about))
    (folder / "head.safetensors").write_bytes(weights)
    (folder / "README.md").write_text("# card\n")
    sign(folder)
    return folder


@pytest.fixture
def bundle(tmp_path):
    """(weights, …) to the folder of a new bundle."""

    def make(weights: bytes = b"w", **options) -> Path:
        made = len(list(tmp_path.glob("bundle-*")))
        return write_fake(tmp_path / f"bundle-{made}", weights=weights, **options)

    return make


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path / "registry", patience=0.2)


def compared(verdict="better", **changes) -> Compared:
    """A comparison of two models on 400 rows."""
    score = Score(value=0.9, low=0.87, high=0.93, n=400)
    made = Compared(
        metric="accuracy",
        a="m@2",
        b="m@1",
        rows=400,
        left_out=0,
        scores={"accuracy": (score, score)},
        difference=Score(value=0.03, low=0.01, high=0.05, n=400),
        p_value=0.004,
        tried=1,
        p_adjusted=0.004,
        verdict=verdict,
        text=f"m@2 is {verdict}.",
    )
    return replace(made, **changes)


@pytest.fixture
def against():
    """(version, verdict) to a comparison with that version."""
    return lambda version, verdict="better": Against(digest=version.digest, compared=compared(verdict))


@pytest.fixture
def signed():
    """(folder) gives it digests that fit, as somebody who tampers would."""
    return sign


@pytest.fixture
def fake():
    """(folder, …) makes a bundle there."""
    return write_fake
