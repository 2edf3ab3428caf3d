"""What each export format gives up on test rows, and what it gains: rows a second, milliseconds a row, megabytes."""

from __future__ import annotations

from common import options, pace, report, run_ours
from sets import SETS, data_file

KINDS = ("snips", "sts_captions_forums", "googleplay")
FORMATS = ("onnx", "safetensors-merged", "torch-bf16", "onnx-int8", "openvino-int8", "small")
ROUNDS = 7


def plan_for(name, rows):
    """Sections of a plan that trains the top layers for an epoch, on at most so many train rows."""
    one = next(found for found in SETS if found.name == name)
    frame = one.load()
    if rows is not None:
        frame = frame.sample(min(rows, len(frame)), seed=0)
    plan = {
        "data": {"train": str(data_file(frame, f"export-{name}-{rows or 'all'}")), "target": one.target},
        "model": {"train": "layers:2"},
        "training": {"epochs": 1},
        "audit": {"apply": "none"},
    }
    return {**plan, "splits": {"part": "part"}} if one.has_parts and "part" in frame.columns else plan


def line_of(name, found, kind, one):
    """One format on one set."""
    parity, fall = one["parity"], one["difference"]
    return {
        "set": name,
        "format": kind,
        "metric": f"{found['metric']} {one['test']['value']:.4f}",
        "beside as trained": f"{fall['value']:+.4f} ({fall['low']:+.4f} to {fall['high']:+.4f})",
        "answers that agree": "" if parity is None else f"{parity['label_agreement']:.2%}",
        "largest difference": "" if parity is None else f"{parity['max_probability_difference']:.1e}",
        "rows/s": f"{one['rows_per_second']:,.0f}",
        "ms, one row": f"{one['latency_ms']:.2f}",
        "MB": f"{one['size_mb']:.1f}",
    }


def main():
    """Measure every set and write the section."""
    parser = options(__doc__, "rows")
    parser.add_argument("--sets", nargs="+", default=list(KINDS), choices=[one.name for one in SETS])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS)
    given = parser.parse_args()
    table, results, refused = [], [], []
    for name in given.sets:
        config = {"plan": plan_for(name, given.rows), "formats": given.formats, "rounds": ROUNDS}
        found = run_ours("exporting", config)
        results.append(found)
        table += [line_of(name, found, kind, one) for kind, one in found["formats"].items()]
        refused += [f"{name}, {kind}: {why}" for kind, why in found["refused"].items()]
    precision = ", ".join(sorted({one["precision"] for one in results}))
    notes = [
        "Top two layers trained for an epoch; every format held to the trained model on validation and difficult rows "
        "before it was written. Metric and differences are of the test rows, which took no part in that.",
        f"Timed turn by turn in one process, {ROUNDS} rounds: up to 512 test rows at once (fastest round), and single "
        f"rows (median), preprocessing, words and trees included. As trained computes in {precision}.",
        *(f"Not written: {one}" for one in refused),
        pace(results),
    ]
    report(table, notes, given)


if __name__ == "__main__":
    main()
