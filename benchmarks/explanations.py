"""What explanations are worth: deletion and insertion against random orders, shuffled weights, planted shortcuts.

Small models (a head on the frozen backbone, words and trees where validation chose them) on 1,000 rows of each set.
"""

from __future__ import annotations

from common import cached, digest, options, pace, report, run_ours
from quality import source_digest
from sets import SETS, data_file
from venvs import PEERS

ROWS = {"train": 600, "validation": 200, "test": 200}
NAMES = ("snips", "sms_spam", "titanic")
METRICS = {"sms_spam": "f1_macro"}
SHARE = 0.5  # of the class's texts that have the planted mark
HOME = PEERS / "home"


def drawn(name, seed):
    """The file of one draw, with `label` and `part`; as many rows as there are where they are fewer than wanted."""
    import polars as pl

    one = next(found for found in SETS if found.name == name)
    frame = one.load().rename({one.target: "label"}).drop("part", "PassengerId", strict=False)
    others = [column for column in frame.columns if column != "label"]
    frame = frame.unique(others, keep="first", maintain_order=True)
    frame = frame.sample(min(sum(ROWS.values()), len(frame)), seed=seed)
    sizes = {**ROWS, "train": len(frame) - ROWS["validation"] - ROWS["test"]}
    parts = [part for part, rows in sizes.items() for _ in range(rows)]
    return data_file(
        frame.with_columns(pl.col("label").cast(pl.String), part=pl.Series(parts)), f"explain-{name}-{seed}"
    )


def measure(name, seed, given, source):
    """One set and seed."""
    data = drawn(name, seed)
    plan = {
        "data": {"train": str(data), "target": "label"},
        "objective": {"metric": METRICS.get(name, "accuracy")},
        "splits": {"part": "part"},
        "model": {"train": "head"},
        "seed": seed,
    }
    config = {"data": str(data), "plan": plan, "text": name != "titanic", "share": SHARE, "checked": given.checked}
    shown = {**config, "data": digest(data), "plan": {**plan, "data": {}}}
    key = {"config": shown, "source": source}
    return cached(
        "explanations", key, lambda: run_ours("explanations", config, home=str(HOME)), use_cache=not given.no_cache
    )


def interval(score, digits=3):
    """A value with its interval; a dash where it could not be measured."""
    if score is None:
        return "–"
    return f"{score['value']:+.{digits}f} ({score['low']:+.{digits}f} to {score['high']:+.{digits}f})"


def section(results):
    """Table and notes."""
    table = []
    for (name, seed), result in results.items():
        for check in result["checks"]:
            table.append(
                {
                    "set": name,
                    "seed": seed,
                    "beside the network": " and ".join(result["beside"]) or "nothing",
                    "method": check["method"],
                    "rows": check["rows"],
                    "deletion against random": interval(check["deletion"]),
                    "insertion against random": interval(check["insertion"]),
                    "rank correlation, shuffled weights": interval(check["shuffled"], 2),
                    "completeness gap": "–" if check["gap"] is None else f"{check['gap']:.1e}",
                    "ms a row": f"{1000 * check['seconds_per_row']:.0f}",
                    "passed": "yes" if check["passed"] else "no",
                }
            )
    return table, [*_planted(results), *_costs(results), pace(list(results.values()))]


def _planted(results):
    notes = []
    for (name, seed), result in results.items():
        one, clean = result["planted"], result["clean"]["expectations"]
        alarms = sum(found["verdict"] == "rules undeclared" for found in clean)
        if one["flagged"] is None:
            notes.append(f"{name} {seed}: the planted column is number {one['rank']} by importance.")
        else:
            notes.append(
                f"{name} {seed}: a word planted in {SHARE:.0%} of one class is number {one['rank'] or 'none'} of the "
                f"class's words, number {one['linear'] or 'none'} in the words model, "
                f"{'flagged' if one['flagged'] else 'not flagged'} as ruling undeclared; {alarms} flagged without it."
            )
    return notes


def _costs(results):
    spent = [result["clean"]["seconds"] for result in results.values()]
    cpu = [result["cpu_seconds"] for result in results.values()]
    return [
        "Areas: of the label's probability over six steps, words and cells out (deletion) or in (insertion) by falling "
        "weight, against the mean of four random orders; positive is better than chance; paired intervals over rows.",
        f"The global explanation at the end of a run took {min(spent):.1f} to {max(spent):.1f} s, "
        f"{min(cpu):.1f} to {max(cpu):.1f} s of them on the processor.",
    ]


def main():
    """Measure set after set and rewrite the section after each."""
    parser = options(__doc__, "no-cache")
    parser.add_argument("--sets", nargs="*", default=list(NAMES), choices=list(NAMES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--checked", type=int, default=60, help="test rows that methods are measured on")
    given = parser.parse_args()
    source, results = source_digest(), {}
    for name in given.sets:
        for seed in given.seeds:
            results[name, seed] = measure(name, seed, given, source)
            report(*section(results), given)


if __name__ == "__main__":
    main()
