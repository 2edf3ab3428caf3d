"""What an expert's derived columns and the selection of columns give: on the bench that decides, on the sealed test."""

from __future__ import annotations

import polars as pl
from common import options, report, run_ours
from sets import SETS, SHARED, data_file

RUSH = "workingday == 1 and (hour >= 7 and hour <= 9 or hour >= 16 and hour <= 19)"
DERIVED = {
    "bike_sharing": {
        "rush": RUSH,
        "leisure": "workingday == 0 and hour >= 10 and hour <= 18",
        "night": "hour <= 5",
        "pleasant": "feelingTemp * (1 - humidity)",
    },
    "california_housing": {
        "rooms_per_household": "total_rooms / households",
        "bedroom_share": "total_bedrooms / total_rooms",
        "people_per_household": "population / households",
    },
    "titanic": {
        "family": "SibSp + Parch + 1",
        "fare_per_head": "Fare / (SibSp + Parch + 1)",
        "master": "contains(Name, 'Master.')",
        "cabin_known": "not is_missing(Cabin)",
    },
}
METRICS = {"bike_sharing": "r2", "california_housing": "r2", "titanic": "accuracy"}


def bike_sharing():
    """Two years of hours, the day's date left as text; the counts of two groups of riders sum to the target."""
    return pl.read_csv(SHARED / "bike_sharing" / "hour.csv.gz", infer_schema=False)


def measure(name, given):
    """One set: trials on the bench, differences on the test."""
    one = next((found for found in SETS if found.name == name), None)
    frame = bike_sharing() if one is None else one.load()
    if given.rows is not None:
        frame = frame.sample(min(given.rows, len(frame)), seed=0)
    target = "count" if one is None else one.target
    plan = {
        "data": {"train": str(data_file(frame, f"remedies-{name}-{given.rows or 'all'}")), "target": target},
        "objective": {"metric": METRICS[name]},
        "model": {"train": "head"},
        "training": {"epochs": 1},
    }
    return run_ours("remedies", {"plan": plan, "derive": DERIVED[name]})


def shown(score):
    """A difference with its interval; in points where it is accuracy's, as R² in thousandths."""
    return f"{1000 * score['value']:+.1f} ({1000 * score['low']:+.1f} to {1000 * score['high']:+.1f})"


def lines(name, found):
    """One line per derived column, one for all of them, one for the selection."""
    kinds = {"derive", "select_columns"}
    for trial in (trial for trial in found["trials"] if trial["remedy"] in kinds):
        derive = trial["remedy"] == "derive"
        test = found["selected"]["difference"] if not derive and found["selected"] else None
        yield {
            "set": name,
            "metric": found["metric"],
            "what": f"derive {trial['columns'][0]}" if derive else f"leave out {', '.join(trial['columns'])}",
            "bench, 1/1000": shown(trial["effect"]),
            "kept": "asked for" if derive else "yes" if trial["kept"] else "no",
            "sealed test, 1/1000": shown(test) if test else "",
        }
    yield {
        "set": name,
        "metric": found["metric"],
        "what": "all derived columns",
        "bench, 1/1000": "",
        "kept": "asked for",
        "sealed test, 1/1000": shown(found["derived"]["difference"]),
    }


def main():
    """Measure every set and write the table."""
    given = options(__doc__, "rows").parse_args()
    table, notes = [], []
    for name in DERIVED:
        found = measure(name, given)
        table += lines(name, found)
        notes.append(
            f"{name}: {found['rows']:,} rows, {found['test']:,} of them the sealed test; reading, audit and all trials "
            f"took {found['seconds']:.0f} s."
        )
    notes.insert(
        0,
        "Differences are with minus without, in thousandths of the metric, with 95 % intervals: on the bench over 20 "
        "paired splits (Nadeau and Bengio), on the sealed test by a paired bootstrap. The bench is a ridge fit on all "
        "rows but the test, the tested model a head trained on the train part. A selection that was not kept is "
        "tested all the same.",
    )
    report(table, notes, given)


if __name__ == "__main__":
    main()
