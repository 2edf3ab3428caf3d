"""Peer: sentence-transformers' own export to openvino in int8, its scales fixed on train texts. One JSON line out.

Keys of the configuration: `data` (parquet with `part` and `text`), `model` (folder), `out` (folder). What comes out is
`folder`, which sentence-transformers loads, and `file`, the quantised graph in it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FILE = "openvino_model_qint8_quantized.xml"


def main(config):
    """Export, quantise."""
    out = Path(config["out"])
    texts, folder = out / "texts", out / "model"
    texts.mkdir(parents=True, exist_ok=True)
    os.environ["HF_HOME"] = str(out / "cache")  # the helper copies the texts to where this says when it is imported

    import polars as pl
    from sentence_transformers import SentenceTransformer, export_static_quantized_openvino_model

    frame = pl.read_parquet(config["data"]).filter(pl.col("part") == "train")
    frame.select("text").write_parquet(texts / "train.parquet")
    model = SentenceTransformer(config["model"], device="cpu", backend="openvino", model_kwargs={"export": True})
    model.save_pretrained(str(folder))
    export_static_quantized_openvino_model(
        model,
        None,
        str(folder),
        dataset_name=str(texts),
        dataset_config_name="default",
        dataset_split="train",
        column_name="text",
    )
    if not (folder / "openvino" / FILE).exists():
        raise SystemExit(f"The helper wrote no {FILE}.")
    print(json.dumps({"folder": str(folder), "file": FILE}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
