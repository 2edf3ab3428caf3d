"""Rows 9, 10, 11: rows a second, one request at a time and goodput, beside sentence-transformers, litserve, infinity.

In process: our exports through the predictor beside sentence-transformers in float32 and on openvino in int8. Over
HTTP: our server beside litserve and infinity-emb, all under our own open-loop load. With --soak: our server alone,
under four fifths of its peak for minutes, and what it holds in memory.
"""

from __future__ import annotations

import sys
import tempfile
from typing import NamedTuple

from common import ALL_OPTIONS, options, report, run_ours
from serving_arms import PROBLEMS, Arms, served, why
from serving_notes import http_notes, process_notes, soak_notes
from serving_tables import best_of, in_process, keeping, over_http, soaked
from sets import texts_file
from settings import plan_of

FORMATS = ("auto", "onnx-int8", "openvino-int8", "torch-bf16")
SHARE = 0.8  # of the peak, in a soak
SHORTEST = 3  # minutes of a soak: the first fifth of them, at least one, is warm-up


class Best(NamedTuple):
    """Our exports that are the best in process: for many rows, for single ones, and whether they keep the accuracy."""

    many: str
    alone: str
    kept: bool


def measured(arms, pairs, tell):
    """What each arm gave, pair by pair, and why others gave nothing; an arm that failed once is not tried again."""
    found, failed = {}, {}
    for pair in range(pairs):
        for name, measure in arms.items():
            if name in failed:
                continue
            try:
                found.setdefault(name, []).append(measure(pair))
            except PROBLEMS as problem:
                failed[name] = why(problem)
                print(f"{name}: {failed[name]}", file=sys.stderr)
        found = {name: results for name, results in found.items() if name not in failed}
        tell(found, failed)
    return found


def measure_in_process(arms, made, given):
    """Rows 9 and 10 in process; returns which of our exports are the best."""

    def tell(found, failed):
        if found:
            report(in_process(found, failed, made["accuracy"]), process_notes(found, made, given), given, "in process")

    found = measured(arms.in_process(made["made"], peers=not given.only_ours), given.pairs, tell)
    ours = [name for name in made["made"] if name in found]
    if not ours:
        sys.exit("None of our exports answered.")
    kept = keeping(found, made["accuracy"])
    return Best(*best_of(found, kept or ours), bool(kept))


def measure_over_http(arms, made, given, best):
    """Rows 10 and 11 over HTTP."""
    own = {served(best.many), served(best.alone)}

    def tell(found, failed):
        if not own <= found.keys():
            sys.exit("Our own server could not be measured.")
        report(over_http(found, failed, best), http_notes(found, made, given, best), given, "over HTTP")

    chosen = {name: made["made"][name] for name in dict.fromkeys((best.many, best.alone))}
    measured(arms.over_http(chosen, seconds=given.seconds, peers=not given.only_ours), given.pairs, tell)


def measure_soak(arms, made, given):
    """Memory of our server by the minute."""
    name, path = next(iter(made["made"].items()))
    result = arms.soak(path, seconds=given.seconds, minutes=given.soak, share=SHARE)
    lines, flat = soaked(result, warm=max(1, given.soak // 5))
    report(lines, soak_notes(result, made, given, name, flat), given, "soak")


def main():
    """Train, export, measure and write the sections."""
    parser = options(__doc__, *ALL_OPTIONS)
    parser.add_argument("--set", default="clinc150", choices=("clinc150", "snips"))
    parser.add_argument("--train", default="head", help="what of the backbone trains: head (as the peers'), layers:N")
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=FORMATS, help="exports to measure")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each level of load")
    parser.add_argument("--only-ours", action="store_true", help="no peers (a trial, not a result)")
    parser.add_argument("--soak", type=int, metavar="MINUTES", help="only this: memory under load by the minute")
    given = parser.parse_args()
    if given.soak is not None and given.soak < SHORTEST:
        parser.error(f"--soak must be {SHORTEST} minutes or more")
    with tempfile.TemporaryDirectory() as folder:
        data = texts_file(given.set, given.rows)
        plan = plan_of(data, train=given.train)
        made = run_ours("serving_exports", {"plan": plan, "data": str(data), "formats": given.formats, "out": folder})
        if not made["made"]:
            sys.exit(f"Nothing could be exported: {made['refused']}")
        arms = Arms(data, use_cache=not given.no_cache)
        if given.soak is not None:
            measure_soak(arms, made, given)
        else:
            measure_over_http(arms, made, given, measure_in_process(arms, made, given))


if __name__ == "__main__":
    main()
