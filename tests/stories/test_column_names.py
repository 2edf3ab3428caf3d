"""What columns are called must not matter: names that the code gives to its own helpers are names like any other."""

import numpy as np
import polars as pl
import pytest

import tunewright as tw

OURS = ("n", "side", "0", "1", "count", "index", "row", "literal", "part", "parts", "w", "x", "value", "len", "label")
ROWS = 400


def table():
    """A table with a finding or a repair in every column; `place` names the parts."""
    rng = np.random.default_rng(0)
    place = np.array(["train", "train", "validation", "test"])[np.arange(ROWS) % 4]
    agreed = np.where(np.arange(ROWS) % 10 == 3, "Y", rng.choice(["yes", "no"], ROWS))
    return pl.DataFrame(
        {
            "sort": np.where(place == "test", "a", rng.choice(["a", "b", "c"], ROWS)),
            "agreed": agreed,
            "amount": rng.normal(size=ROWS) * 10 + np.where(place == "test", 30, 0),
            "colour": rng.choice(["red", "Red ", "blue", "?"], ROWS),
            "message": [f"a few ordinary words about matter {row} of many" for row in range(ROWS)],
            "target": np.where(rng.random(ROWS) < 0.03, "rare", rng.choice(["one", "two"], ROWS)),
            "place": place,
        }
    )


def told(names):
    """Findings and repairs of the table with its columns renamed, in terms of the old names."""
    audit = tw.audit(table().rename(names), target=names["target"], splits={"part": names["place"]}, deep=False)
    old = {new: name for name, new in names.items()}
    findings = [(f.kind, f.severity, sorted(old[name] for name in f.columns), f.rows) for f in audit.findings]
    return sorted(findings), sorted((one.remedy, old[one.column], one.cells) for one in audit.repairs)


@pytest.fixture(scope="module")
def plain():
    return told({name: name for name in table().columns})


def test_the_table_shows_what_counts_values(plain):
    findings, repairs = plain
    shifted = [columns for kind, _, columns, _ in findings if kind == "split_shift"]
    assert shifted and "sort" in shifted[0]
    assert {remedy for remedy, column, _ in repairs if column in ("agreed", "colour")} == {
        "unify_spellings",
        "parse_missing",
        "impute",
    }


@pytest.mark.parametrize("start", range(len(OURS)))
def test_an_audit_finds_the_same_whatever_columns_are_called(plain, start):
    columns = table().columns
    names = {name: OURS[(start + place) % len(OURS)] for place, name in enumerate(columns)}
    assert told(names) == plain


def test_a_run_with_such_names_ends_with_a_model(tmp_path):
    names = dict(zip(["sort", "agreed", "amount", "colour", "target", "place"], OURS, strict=False))
    frame = table().drop("message").rename(names)
    run = tw.run(frame, target=names["target"], out=tmp_path / "run", splits={"part": names["place"]})
    assert run.predictor().predict(frame.head(3)).height == 3
