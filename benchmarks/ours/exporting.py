"""Ours: a run, its bundle exported to every format, each scored on the test rows and timed turn by turn.

Keys of the configuration: `plan` (sections of the plan), `formats`, `rounds` (of timing).
One JSON line out.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import polars as pl
from watch import walk

import tunewright as tw
from tunewright.errors import ExportError, MissingExtra
from tunewright.export.measuring import measure_speeds, size_mb
from tunewright.metrics import difference
from tunewright.records import Split, from_json, to_json


def test_rows(predictor, run):
    """Typed test rows of the run, with their targets."""
    frame = pl.read_parquet(json.loads((run / "data.json").read_text())["train"])
    split = from_json(Split, json.loads((run / "split.json").read_text()))
    return predictor.model.preprocessor.conform(frame[list(split.test)], require_target=True)


def exported(predictor, folder, config):
    """{format: (folder, parity) or the reason}; `as trained` is the bundle itself."""
    found = {}
    for name in config["formats"]:
        try:
            made = predictor.export(name, folder / name)
            found[name] = (Path(made.path), to_json(made.parity))
        except (ExportError, MissingExtra) as problem:
            found[name] = str(problem)
    return found


def main(config):
    """Run, export, score, time, tell."""
    with tempfile.TemporaryDirectory() as folder:
        walk(config["plan"], folder)
        run = Path(folder, "run")
        (run / "data.json").write_text(json.dumps({"train": config["plan"]["data"]["train"]}))
        trained = tw.load(run / "bundle")
        rows, metric = test_rows(trained, run), trained.model.metric
        made = exported(trained, Path(folder), config)
        kept = {name: one for name, one in made.items() if not isinstance(one, str)}
        predictors = {"as trained": trained, **{name: tw.load(one[0]) for name, one in kept.items()}}
        outcomes = {name: one.outcome_of(rows) for name, one in predictors.items()}
        speeds = measure_speeds([one.model for one in predictors.values()], rows, rounds=config["rounds"])
        answer = {"metric": metric, "rows": rows.height, "precision": trained.model.precision, "formats": {}}
        for (name, one), speed in zip(predictors.items(), speeds, strict=True):
            against = difference(metric, outcomes[name], outcomes["as trained"]).difference
            where = run / "bundle" if name == "as trained" else kept[name][0]
            answer["formats"][name] = {
                "test": to_json(one.evaluate(rows).get(metric)),
                "difference": to_json(against),
                "parity": None if name == "as trained" else kept[name][1],
                "rows_per_second": speed.rows_per_second,
                "latency_ms": speed.latency_ms,
                "size_mb": size_mb(where),
            }
        answer["refused"] = {name: one for name, one in made.items() if isinstance(one, str)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
