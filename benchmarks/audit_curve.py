"""How the audit grows with the rows: seconds and peak memory of the whole public path, station by station."""

from __future__ import annotations

import math
import sys
from collections import Counter

from common import HERE, median, options, pace, report, run_json, run_ours, spread
from venvs import PEERS

SIZES = (10_000, 100_000, 1_000_000)
SHORT, LONG = (12, 40), (40, 40)  # words: least and most
DEEP = 10_000
MEMORY_GB = 24
SHOWN = 0.01  # stations that take less than this share at every size are added up


def table_of(rows, words):
    """The file with so many rows; made once."""
    path = PEERS / "data" / f"curve-{rows}-{words[0]}-{words[1]}.csv"
    if not path.exists():
        print(f"Making {path.name} (once) ...", file=sys.stderr)
        path.parent.mkdir(parents=True, exist_ok=True)
        run_json([sys.executable, HERE / "curve_table.py", rows, *words, path], {})
    return path


def audited(rows, words, given, *, deep=False):
    """Results of some runs over one file, each in a process of its own, nothing cached."""
    config = {"data": str(table_of(rows, words)), "target": "label", "deep": deep, "limit_gb": given.limit_gb}
    return [run_ours("audit", config) for _ in range(given.runs)]


def exponent(small, large, rows):
    """Growth between two sizes: 1 is linear."""
    return f"{math.log(max(large, 1e-3) / max(small, 1e-3)) / math.log(rows[1] / rows[0]):.2f}"


def totals(arms):
    """One line per arm; growth against the arm of the same texts before it."""
    lines, before = [], {}
    for (rows, words, deep), runs in arms.items():
        line = {
            "rows": f"{rows:,}",
            "words per text": f"{words[0]} to {words[1]}" if words[0] < words[1] else f"{words[0]}",
            "audit": "deep" if deep else "shallow",
            "seconds": spread(runs, "seconds"),
            "rows/s": f"{rows / median(runs, 'seconds'):,.0f}",
            "peak MB": spread(runs, "peak_mb", 0),
            "exponent of time": "",
            "findings": ", ".join(
                f"{kind} {count}" if count > 1 else kind for kind, count in sorted(Counter(runs[0]["findings"]).items())
            ),
        }
        last = before.get((words, deep))
        if last is not None:
            line["exponent of time"] = exponent(median(last[1], "seconds"), median(runs, "seconds"), (last[0], rows))
        before[words, deep] = rows, runs
        lines.append(line)
    return lines


def stations(arms):
    """One line per station: seconds at each size, growth between neighbours, the peak after it at the largest."""
    arms = {rows: runs for (rows, words, deep), runs in arms.items() if words == SHORT and not deep}
    sizes, total = sorted(arms), {rows: median(runs, "seconds") for rows, runs in arms.items()}
    names = list(dict.fromkeys(name for runs in arms.values() for name in runs[0]["stations"]))
    took = {
        name: [median([{"s": run["stations"].get(name, 0.0)} for run in arms[rows]], "s") for rows in sizes]
        for name in names
    }
    small = [name for name in names if all(one < SHOWN * total[rows] for one, rows in zip(took[name], sizes))]
    took = {name: some for name, some in took.items() if name not in small} | {
        f"{len(small)} others": [sum(took[name][k] for name in small) for k in range(len(sizes))]
    }
    largest = arms[sizes[-1]]
    lines = []
    for name, some in sorted(took.items(), key=lambda item: -item[1][-1]):
        line = {"station": name, **{f"{rows:,} rows, s": f"{one:.2f}" for rows, one in zip(sizes, some)}}
        for k in range(1, len(sizes)):
            line[f"exponent to {sizes[k]:,}"] = exponent(some[k - 1], some[k], (sizes[k - 1], sizes[k]))
        peaks = [{"mb": run["peaks"][name]} for run in largest if name in run["peaks"]]
        lines.append(line | {"peak MB so far": f"{median(peaks, 'mb'):,.0f}" if peaks else ""})
    return lines


def deep_share(arms):
    """A sentence on what encoding and learning take of the deep audit."""
    deep = [(rows, runs) for (rows, _, is_deep), runs in arms.items() if is_deep]
    if not deep:
        return ""
    rows, runs = deep[0]
    took = [{"s": run["stations"].get("encode and learn", 0.0)} for run in runs]
    return f" Of the deep audit of {rows:,} rows, {spread(took, 's')} s are encoding the texts and learning from them."


def main():
    """Measure and write the sections."""
    parser = options(__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="rows of short texts")
    parser.add_argument(
        "--long", type=int, default=SIZES[-1], help="rows of texts of 40 words, about 50 tokens; 0: none"
    )
    parser.add_argument("--deep", type=int, default=DEEP, help="rows to audit with encoding too; 0: none")
    parser.add_argument("--runs", type=int, default=1, help="how often each is run")
    parser.add_argument("--limit-gb", type=float, default=20, help="a run that needs more memory is ended")
    given = parser.parse_args()
    arms = {(rows, SHORT, False): audited(rows, SHORT, given) for rows in sorted(given.sizes)}
    if given.long:
        arms[given.long, LONG, False] = audited(given.long, LONG, given)
    if given.deep:
        arms[given.deep, SHORT, True] = audited(given.deep, SHORT, given, deep=True)
    runs = [run for some in arms.values() for run in some]
    peak = max(run["peak_mb"] for run in runs) / 1024
    notes = [
        "The whole public path: a csv file is read, kinds inferred, rows compared and split, every detector run, "
        "`audit.json` with all rows written; a fresh process for each. Shallow is `tunewright audit --shallow`: no "
        "text is encoded, nothing learned.",
        "Rows: a text of phrases from five real sets put together anew (1 % nearly repeat another row, 0.5 % do so to "
        "the letter), two numbers, two categories, a date, an id, a label (3 % flipped). An exponent of 1 is linear.",
        f"Largest peak {peak:.1f} GB of {MEMORY_GB}.{deep_share(arms)}",
        pace(runs),
    ]
    report(totals(arms), notes, given)
    report(
        stations(arms),
        ["Shallow audit of the short texts; a station's peak is the process's so far."],
        given,
        "stations",
    )


if __name__ == "__main__":
    main()
