"""Secrets planted in the data (FAULTS 30): in no log, journal, finding, error, card or name that Tunewright writes."""

import csv
import random
from pathlib import Path

import pytest

EMAIL = "clara.oswald@tardis-mail.example"
CARD = "4556737586899855"
KEY = "sk-Zq81LmNfT0vWc4RyXbKd72Hs"
SECRETS = (EMAIL, CARD, KEY)
# Words and categories of train rows are what a model is made of; the card says so to whoever shares a bundle.
VOCABULARIES = {"lexical.json", "tunewright.json"}


def plant(path: Path, words, rows=200):
    """A learnable table with secrets inside texts, as whole cells of every kind, in damaged and in unlabelled rows."""
    draw = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "size", "contact", "channel", "since", "label"])
        for row in range(rows):
            text = " ".join([words[row % 2 if draw.random() < 0.9 else 1], *draw.choices(words[12:], k=7)])
            if row % 10 == 3:
                text += f" write to {EMAIL} card {CARD} key {KEY}"
            size = CARD if row % 50 == 7 else draw.randrange(1000)
            contact = EMAIL if row % 20 == 0 else f"user{row}@mail.example"
            channel = KEY if row % 40 == 11 else draw.choice(["mail", "web", "phone"])
            label = "" if row % 67 == 5 else ("green", "red")[row % 2]
            writer.writerow([text, size, contact, channel, f"2024-01-{1 + row % 28:02d}", label])
        file.write(f"{KEY},{CARD}\n{EMAIL},1,caf\0,{KEY},x,red\n")
    return path


@pytest.fixture(scope="module")
def planted(tmp_path_factory, tiny_words):
    return plant(tmp_path_factory.mktemp("planted") / "rows.csv", tiny_words)


@pytest.fixture(scope="module")
def walked(planted, quick, call, tmp_path_factory):
    """(examples shown or not) to the run's folder, its home, and what was printed."""
    made = {}

    def walk(examples):
        if examples not in made:
            place = tmp_path_factory.mktemp("walked")
            options = (*quick, "--set", f"report.examples={examples}", "--set", "splits.group=contact")
            out, home = place / "run", place / "home"
            said = call("run", planted, "--target", "label", *options, "--out", out, home=home)
            assert said.code == 0, said.err
            made[examples] = (out, home, said)
        return made[examples]

    return walk


def holding(folder: Path) -> set[str]:
    """Names of the files that hold a secret; a secret in a name is found at once."""
    found = set()
    for path in folder.rglob("*"):
        assert not any(secret in path.name for secret in SECRETS)
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in SECRETS):
            found.add(path.name)
    return found


def test_the_data_does_hold_them(planted):
    assert all(secret in planted.read_text() for secret in SECRETS)


def test_without_examples_nothing_of_a_run_holds_a_secret(walked):
    folder, home, said = walked("false")
    assert holding(folder) <= VOCABULARIES
    assert holding(home) == set()
    assert not any(secret in text for secret in SECRETS for text in (said.out, said.err))


def test_examples_stand_in_the_report_and_nowhere_else(walked):
    folder, home, said = walked("true")
    assert holding(folder) <= VOCABULARIES | {"report.html", "analysis.json"}
    assert holding(home) == set()
    assert not any(secret in text for secret in SECRETS for text in (said.out, said.err))


def test_the_audit_names_what_it_found_without_repeating_it(planted, quick, call, tmp_path):
    said = call("audit", planted, "--target", "label", *quick, "--out", tmp_path / "audit")
    assert said.code == 0
    assert "e-mail addresses" in said.out and "payment card numbers" in said.out and "keys" in said.out
    assert holding(tmp_path / "audit") == set()
    assert not any(secret in text for secret in SECRETS for text in (said.out, said.err))


def headless(path, words):
    path.write_text("\n".join(plant(path, words).read_text().splitlines()[4:]))
    return ("audit", path, "--target", "label")


def twice(path, words):
    path.write_text(f"{EMAIL},{EMAIL},{KEY},{KEY},label\n" + "a,b,c,d,e\n" * 30)
    return ("audit", path, "--target", "label")


def ragged(path, words):
    path.write_text("text,label\n" + f"{EMAIL} {CARD} {KEY}\n" * 10 + "words,a\nother,b\n" * 20)
    return ("audit", path, "--target", "label")


def odd_target(path, words):
    path.write_text("text,label\n" + "".join(f"words {n},{KEY}{n}\n" for n in range(40)))
    return ("audit", path, "--target", "label")


def no_number(path, words):
    path.write_text("text,label\n" + "".join(f"words {n},{EMAIL}\nmore {n},{CARD}\n" for n in range(40)))
    return ("audit", path, "--target", "label", "--set", "data.columns={label: number}")


def broken_json(path, words):
    path = path.with_suffix(".jsonl")
    path.write_text(f'{{"text": "{EMAIL} {CARD}", "label": "{KEY}\n' * 10)
    return ("audit", path, "--target", "label")


@pytest.mark.parametrize("case", [headless, twice, ragged, odd_target, no_number, broken_json])
@pytest.mark.parametrize("as_json", [False, True])
def test_no_refusal_repeats_one(call, quick, tmp_path, tiny_words, case, as_json):
    said = call(*case(tmp_path / "rows.csv", tiny_words), *quick, *(["--json"] if as_json else []))
    assert said.code in (2, 3), said.out
    assert not any(secret in text for secret in SECRETS for text in (said.out, said.err))


def test_no_refusal_of_a_bundle_repeats_one(call, finished, tmp_path, tiny_words):
    path = tmp_path / "rows.csv"
    path.write_text(f"{EMAIL},{CARD},{KEY}\n" + "a,b,c\n" * 30)
    for verb in ("predict", "evaluate"):
        said = call(verb, finished.bundle, path)
        assert said.code == 3
        assert not any(secret in said.err for secret in SECRETS)
