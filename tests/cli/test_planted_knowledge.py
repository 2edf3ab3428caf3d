"""Secrets in what the expert hands in (FAULTS 30): a behaviours file and a reviewed sheet never reach the journal."""

import polars as pl
import pytest

EMAIL = "clara.oswald@tardis-mail.example"
CARD = "4556737586899855"
KEY = "sk-Zq81LmNfT0vWc4RyXbKd72Hs"
SECRETS = (EMAIL, CARD, KEY)


@pytest.fixture
def walk(call, quick, rows_csv, tmp_path):
    def walked(*more):
        return call("run", rows_csv, "--target", "label", *quick, *more, "--out", tmp_path / "run")

    return walked


def repeats(said, folder):
    """Where a secret was repeated: the journal, what else names or holds the run, or the terminal."""
    journal = (folder / "journal.jsonl").read_bytes().decode()
    plan = (folder / "plan.yaml").read_text()
    return [secret for secret in SECRETS for text in (journal, plan, said.out, said.err) if secret in text]


def test_a_behaviours_file_stays_out_of_the_journal(walk, tmp_path):
    tests = tmp_path / "behaviours.yaml"
    tests.write_text(
        f"- {{name: a, kind: must, examples: [{{text: 'mail {EMAIL} card {CARD}'}}], label: green}}\n"
        f"- {{name: b, kind: must, examples: [{{text: 'mail {EMAIL} card {CARD}'}}], label: red}}\n"
        f"- {{name: c, kind: invariance, apply_to: 'size > 10', set: {{text: '{KEY}'}}}}\n"
        f"- {{name: d, kind: invariance, examples: [{{text: '{KEY} and more'}}], swaps: {{from: '{KEY}', to: [it]}}}}\n"
    )
    said = walk("--set", f"knowledge.tests={tests}")
    assert said.code == 0, said.err
    assert repeats(said, tmp_path / "run") == []


def test_a_reviewed_sheet_stays_out_of_the_journal(walk, call, quick, rows_csv, tmp_path):
    sheet = tmp_path / "review.csv"
    said = call("audit", rows_csv, "--target", "label", *quick, "--out", tmp_path / "audit", "--review", sheet)
    assert said.code == 0, said.err
    lines = pl.read_csv(sheet, infer_schema=False)
    assert lines.height > 2
    first = pl.int_range(pl.len()) == 0
    lines = lines.with_columns(
        decision=pl.when(first).then(pl.lit("drop")).otherwise(pl.lit("keep")),
        comment=pl.lit(f"they wrote {EMAIL}, {CARD}"),
        who=pl.lit(KEY),
        text=pl.lit(f"{EMAIL} {CARD} {KEY}"),
    )
    lines.write_csv(sheet)
    said = walk("--set", f"audit.corrections={sheet}")
    assert said.code == 0, said.err
    kept = (tmp_path / "run" / "audit.json").read_text()
    assert KEY in kept and EMAIL in kept  # who and why are kept, where they belong
    assert repeats(said, tmp_path / "run") == []


@pytest.mark.parametrize("place", ["decision", "new_label", "row"])
def test_a_sheet_that_is_refused_shows_no_more_than_what_is_wrong(walk, call, quick, rows_csv, tmp_path, place):
    sheet = tmp_path / "review.csv"
    call("audit", rows_csv, "--target", "label", *quick, "--out", tmp_path / "audit", "--review", sheet)
    lines = pl.read_csv(sheet, infer_schema=False)
    filled = {"decision": "relabel", "comment": f"{EMAIL} {KEY}", "who": CARD, "text": KEY} | {place: "nonsense"}
    lines.with_columns(pl.lit(cell).alias(name) for name, cell in filled.items()).write_csv(sheet)
    said = walk("--set", f"audit.corrections={sheet}")
    assert said.code in (2, 3) and "nonsense" in said.err
    assert not any(secret in said.err + said.out for secret in SECRETS)
