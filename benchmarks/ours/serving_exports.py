"""Ours: a run and its bundle exported to formats, for whoever measures them afterwards. One JSON line out.

Keys of the configuration: `plan` (sections of the plan), `data` (its parquet file), `formats`, `out` (folder; the
exports lie in it when this ends).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
from watch import walk

import tunewright as tw
from tunewright.errors import ExportError, MissingExtra

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
from st_inference_clock import test_rows


def exported(trained, config):
    """What each format gave, and why others were not written; `auto` is known by the format that it chose."""
    made, refused, chosen = {}, {}, None
    for name in config["formats"]:
        try:
            found = trained.export(name, Path(config["out"], name))
        except (ExportError, MissingExtra) as problem:
            refused[name] = str(problem)
            continue
        made.setdefault(found.format, found.path)
        if name == "auto":
            chosen = {"format": found.format, "why": found.why}
    return {"made": made, "refused": refused, "auto": chosen}


def main(config):
    """Run, export, tell."""
    walk(config["plan"], config["out"])
    trained = tw.load(Path(config["out"], "run", "bundle"))
    found = exported(trained, config)
    texts, labels = test_rows(config["data"])
    said = trained.predict(pl.DataFrame({"text": texts}))["prediction"].to_numpy()
    answer = {"accuracy": float(np.mean(said.astype(str) == labels)), "precision": trained.model.precision, **found}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
