"""Pathologies of training, planted: what each changes, and which verdicts count as right; set before any was run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

ROWS = {"train": 300, "validation": 150, "test": 20}
TINY = 2  # rows a class
NOISE = 0.3
GOOD = frozenset({"good"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pathology:
    """One way in which training goes wrong.

    Args:
        name: of it.
        right: verdicts that count as right.
        rate: factor of the learning rate.
        training: what the plan says of training.
        batches: whether the loop's batches are sorted by label.
        spared: how far validation may lie below the healthy run's for "good" to be right too: nothing was harmed.
    """

    name: str
    right: frozenset[str]
    rate: float = 1.0
    training: dict[str, Any] = field(default_factory=dict)
    batches: bool = False
    spared: float = 0.0


PATHOLOGIES = (
    Pathology(name="healthy", right=GOOD),
    Pathology(name="rows sorted by label", right=GOOD),
    Pathology(name="tiny data", right=frozenset({"overfit"}), spared=0.15),
    Pathology(name="shuffled labels", right=frozenset({"learning nothing", "memorising noise"})),
    Pathology(name="learning rate x 100", right=frozenset({"unstable"}), rate=100.0),
    Pathology(name="learning rate / 1000", right=frozenset({"learning nothing", "underfit"}), rate=0.001),
    Pathology(name="batches sorted by label", right=frozenset({"unstable"}), batches=True, spared=0.05),
    Pathology(
        name="label noise 30 %",
        right=frozenset({"memorising noise"}),
        training={"epochs": 10, "early_stopping": 0},
    ),
)


def applies(name: str, one: Pathology) -> bool:
    """Whether a set has a healthy recipe to plant it in: on titanic any head that trains overfits anyhow."""
    return not (one.batches and name == "titanic")


def recipe_of(name: str, one: Pathology) -> dict[str, Any]:
    """Sections of the plan. On a small table of columns only the linear head is healthy: any other overfits it."""
    model: dict[str, Any] = {"train": "full"}
    if name == "titanic":
        model = {"train": "head", "head": "linear" if one.right == GOOD else "mlp"}
    return {"model": model, "training": one.training}


def verdict_is_right(one: Pathology, found: dict[str, Any], healthy: dict[str, Any]) -> bool:
    """Whether a diagnosis is one of the right ones; of a pathology that did no harm, "good" is."""
    if found["verdict"] in one.right:
        return True
    lost = healthy["numbers"]["validation"] - found["numbers"]["validation"]
    return found["verdict"] == "good" and lost <= one.spared > 0


def planted(frame: pl.DataFrame, name: str, seed: int) -> pl.DataFrame:
    """A table with `label` and `part`, with the pathology in its rows, if it is one of rows."""
    rng = np.random.default_rng([seed, 5])
    labels = frame["label"].to_numpy().copy()
    if name == "rows sorted by label":
        return frame.sort("label", maintain_order=True)
    if name == "tiny data":
        train = frame.filter(pl.col("part") == "train").group_by("label", maintain_order=True).head(TINY)
        return pl.concat([train.select(frame.columns), frame.filter(pl.col("part") != "train")])
    if name == "shuffled labels":
        labels = rng.permutation(labels)
    if name == "label noise 30 %":
        known = np.unique(labels)
        wrong = np.flatnonzero(rng.random(len(labels)) < NOISE)
        shift = rng.integers(1, len(known), len(wrong))
        labels[wrong] = known[(np.searchsorted(known, labels[wrong]) + shift) % len(known)]
    return frame.with_columns(label=pl.Series(labels))


def sorted_batches(targets: Any) -> Any:
    """`training_batches` whose batches hold one label after the other."""

    def batches(lengths: Any, *, rows: int, tokens: int, seed: Any) -> list[Any]:
        order = np.argsort(targets, kind="stable")
        return [order[first : first + rows] for first in range(0, len(order), rows)]

    return batches
