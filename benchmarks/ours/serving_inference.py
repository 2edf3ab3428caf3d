"""Ours: an exported bundle, answering test rows through the predictor. One JSON object in, one JSON line out.

Keys of the configuration: `data`, `timed`, `singles`, `rounds` (see `st_inference_clock.py`), `bundle` (folder).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl

import tunewright as tw

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
from st_inference_clock import measure


def main(config):
    """Load, answer, tell."""
    predictor = tw.load(config["bundle"])

    def answer(texts):
        return predictor.predict(pl.DataFrame({"text": texts}))["prediction"].to_numpy()

    print(json.dumps(measure({"its own batches": answer}, config)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
