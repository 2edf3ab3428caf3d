"""The shared public data sets as tables, the way a user would bring them; `part` (train, validation, test) if given."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from venvs import PEERS

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """A data set: its table, its target, the metric by which it is judged, columns only later issues would find."""

    name: str
    load: Callable[[], pl.DataFrame]
    target: str
    metric: str
    ignore: tuple[str, ...] = ()

    @property
    def has_parts(self) -> bool:
        return self.name in {"clinc150", "snips", "goemotions", "emobank", "sts_captions_forums"}


def _open(path: str) -> str:
    data = gzip.decompress((SHARED / path).read_bytes()) if path.endswith(".gz") else (SHARED / path).read_bytes()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def clinc150() -> pl.DataFrame:
    """In-scope part of data_full: 15,000 / 3,000 / 4,500 rows, 150 intents."""
    data = json.loads(_open("clinc150/data_full.json.gz"))
    names = {"train": "train", "val": "validation", "test": "test"}
    rows = [(text, label, part) for key, part in names.items() for text, label in data[key]]
    return pl.DataFrame(rows, schema=["text", "intent", "part"], orient="row")


def snips() -> pl.DataFrame:
    """13,784 train rows of 7 intents; the 700 validate rows are the test part, the product splits validation off."""
    rows = []
    for path in sorted((SHARED / "snips").glob("*.json.gz")):
        part, _, rest = path.name.partition("_")
        intent = rest.split("_")[0].split(".")[0]
        for item in json.loads(_open(f"snips/{path.name}"))[intent]:
            text = "".join(piece["text"] for piece in item["data"])
            rows.append((text, intent, "train" if part == "train" else "test"))
    return pl.DataFrame(rows, schema=["text", "intent", "part"], orient="row")


def sms_spam() -> pl.DataFrame:
    lines = [line.split("\t", 1) for line in _open("sms_spam/SMSSpamCollection.gz").splitlines() if "\t" in line]
    return pl.DataFrame([(text, label) for label, text in lines], schema=["text", "label"], orient="row")


def goemotions() -> pl.DataFrame:
    labels = _open("goemotions/labels.txt").split()
    rows = []
    for key, part in (("train", "train"), ("dev", "validation"), ("test", "test")):
        for line in _open(f"goemotions/{key}.tsv.gz").splitlines():
            text, numbers, _ = line.split("\t")
            rows.append((text, "|".join(labels[int(number)] for number in numbers.split(",")), part))
    return pl.DataFrame(rows, schema=["text", "emotions", "part"], orient="row")


def emobank() -> pl.DataFrame:
    """Valence; A and D are other targets of the same annotation and are left out."""
    rows = list(csv.DictReader(_open("emobank/emobank.csv.gz").splitlines()))
    parts = {"train": "train", "dev": "validation", "test": "test"}
    return pl.DataFrame(
        [(r["text"], float(r["V"]), parts[r["split"]]) for r in rows], schema=["text", "V", "part"], orient="row"
    )


def sts_captions_forums() -> pl.DataFrame:
    frames = []
    for key, part in (("train", "train"), ("dev", "validation"), ("test", "test")):
        rows = list(csv.DictReader(_open(f"sts_captions_forums/{key}.csv.gz").splitlines()))
        frames.append(pl.DataFrame(rows).with_columns(pl.lit(part).alias("part")))
    return pl.concat(frames).with_columns(pl.col("similarity_score").cast(pl.Float64))


def titanic() -> pl.DataFrame:
    return pl.read_csv(SHARED / "titanic/train.csv", infer_schema=False)


def googleplay() -> pl.DataFrame:
    return pl.read_csv(
        SHARED / "googleplay/googleplaystore.csv.gz", infer_schema=False, truncate_ragged_lines=True
    ).filter(pl.col("Rating").cast(pl.Float64, strict=False).is_between(1, 5))


def california_housing() -> pl.DataFrame:
    return pl.read_csv(SHARED / "california_housing/housing.csv.gz", infer_schema=False)


SETS: tuple[Set, ...] = (
    Set(name="snips", load=snips, target="intent", metric="accuracy"),
    Set(name="titanic", load=titanic, target="Survived", metric="accuracy"),
    Set(name="sts_captions_forums", load=sts_captions_forums, target="similarity_score", metric="spearman"),
    Set(name="goemotions", load=goemotions, target="emotions", metric="f1_macro"),
    Set(name="clinc150", load=clinc150, target="intent", metric="accuracy"),
    Set(name="sms_spam", load=sms_spam, target="label", metric="f1_macro"),
    Set(name="emobank", load=emobank, target="V", metric="pearson"),
    Set(name="googleplay", load=googleplay, target="Rating", metric="r2"),
    Set(name="california_housing", load=california_housing, target="median_house_value", metric="r2"),
)


def texts_file(name: str, rows: int | None = None) -> Path:
    """A shared text set as a parquet file with `text`, `label` and `part`, the same for ours and every peer.

    Where the set brings no validation part, a tenth of its train rows is one.
    """
    one = next(found for found in SETS if found.name == name)
    frame = one.load().rename({one.target: "label"}).select("text", "label", "part")
    if not (frame["part"] == "validation").any():
        train = frame["part"] == "train"
        drawn = pl.Series(np.random.default_rng(0).random(len(frame)) < 0.1)
        frame = frame.with_columns(pl.when(train & drawn).then(pl.lit("validation")).otherwise("part").alias("part"))
    if rows is not None:
        frame = pl.concat(part.sample(min(rows, len(part)), seed=0) for part in frame.partition_by("part"))
    return data_file(frame, f"{name}-{rows or 'all'}")


def data_file(frame: pl.DataFrame, name: str) -> Path:
    """Write a table to `.peers/data/`; returns its path."""
    path = PEERS / "data" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path
