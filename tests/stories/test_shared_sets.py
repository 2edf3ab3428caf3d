"""Real public data through the whole road with the embedded model; `benchmarks/quality.py` does it at full size."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import polars as pl
import pytest

import tunewright as tw

SHARED = Path(__file__).parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared public data sets are not beside the checkout"),
]


def test_titanic_mixed_columns(tmp_path):
    done = tw.run(SHARED / "titanic/train.csv", target="Survived", out=tmp_path / "run", model={"train": "head"})
    score = done.summary["metrics"]["test"]["accuracy"]
    assert score["value"] > 0.74 and score["low"] < score["value"] < score["high"]
    assert score["value"] > done.summary["baselines"]["majority"]["accuracy"]["high"]
    assert {"majority", "tfidf", "boosting", "probe"} <= set(done.summary["baselines"])


@pytest.mark.slow
def test_snips_intents_from_few_rows(tmp_path):
    rows = []
    for path in sorted((SHARED / "snips").glob("train_*.json.gz")):
        intent = path.name.split("_")[1]
        items = json.loads(gzip.decompress(path.read_bytes()).decode("latin-1"))[intent][:40]
        rows += [{"text": "".join(piece["text"] for piece in item["data"]), "intent": intent} for item in items]
    done = tw.run(pl.DataFrame(rows), target="intent", out=tmp_path / "run", model={"train": "head"})
    assert done.summary["metrics"]["test"]["accuracy"]["value"] > 0.88
    answer = done.predictor().predict([{"text": "will it rain in Oslo tomorrow"}])
    assert answer["prediction"].to_list() == ["GetWeather"]


@pytest.mark.slow
def test_sts_pairs_are_seen_as_pairs_and_scored(tmp_path):
    text = gzip.decompress((SHARED / "sts_captions_forums/dev.csv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(text.splitlines()))
    frame = pl.DataFrame(rows[:400])
    done = tw.run(frame, target="similarity_score", out=tmp_path / "run", model={"train": "head"})
    assert json.loads((tmp_path / "run/audit.json").read_text())["table"]["pair"] == ["sentence1", "sentence2"]
    assert done.summary["metric"] == "spearman"
    assert done.summary["metrics"]["test"]["spearman"]["value"] > 0.6
    assert "cosine" in done.summary["baselines"]
