"""No finding repeats a secret that stands in the cells (FAULTS 30), whichever detector names them."""

import random

import polars as pl
import pytest

from tunewright.detectors import detect

SECRETS = {
    "address": "clara.oswald@tardis-mail.example",
    "card": "4556737586899855",
    "key": "sk-Zq81LmNfT0vWc4RyXbKd72Hs",
}
WORDS = ["one", "two", "three", "four", "five", "six", "house", "tree", "road", "river", "stone", "cloud", "water"]
ROWS = 400


def frames(secret):
    """Tables in which the secret is what a detector would name."""
    draw = random.Random(1)
    texts = [" ".join(draw.choices(WORDS, k=9)) for _ in range(ROWS)]
    labels = ["ab"[n % 2] for n in range(ROWS)]
    numbers = [str(draw.randrange(99)) for _ in range(ROWS)]

    def table(text=texts, label=labels, **more):
        return pl.DataFrame({"t": text, **more, "y": label})

    def where(cells, marked, new):
        return [new if marked(n) else cell for n, cell in enumerate(cells)]

    yield table(label=where(labels, lambda n: n in (5, 9, 13), secret))  # a rare class
    yield table(label=where(labels, lambda n: n % 2, secret), c=numbers)  # the largest class
    yield table(label=where(where(labels, lambda n: n % 2, secret), lambda n: n % 16 == 1, f"{secret.upper()}."))
    yield table(c=where(numbers, lambda n: n % 60 == 0, secret))  # among numbers
    yield table(c=where([f"2024-01-{1 + n % 28:02d}" for n in range(ROWS)], lambda n: n % 50 == 0, secret))
    yield table(c=where(["x"] * ROWS, lambda n: n % 4 == 3, secret))  # in one part only
    yield table(c=where([secret] * ROWS, lambda n: n == 7, "other"))  # nearly constant
    yield table(text=[f"{text} {secret}" if n % 6 == 1 else text for n, text in enumerate(texts)])
    yield table(text=[f"café {secret}" if n % 40 == 0 else t for n, t in enumerate(texts)])  # damaged
    yield table(text=where(texts, lambda n: n % 10 == 0, f"always the same words {secret}"))
    yield table(c=where([("yes", "no", "N")[n % 3] for n in range(ROWS)], lambda n: n % 90 == 0, secret))


@pytest.mark.parametrize("sort", SECRETS)
def test_no_finding_repeats_a_secret(pose, sort):
    secret, kinds = SECRETS[sort], set()
    for frame in frames(secret):
        for finding in detect(pose(frame)):
            assert secret[2:14].lower() not in finding.evidence.lower(), finding
            kinds.add(finding.kind)
    assert kinds >= {"rare_class", "class_imbalance", "label_format", "missing_values", "split_shift", "sensitive"}
