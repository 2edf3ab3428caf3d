"""Words that mark an end: against SciPy's test, and never a word that all texts hold."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from tunewright.explain.concepts.naming import TextWords, likelihood_ratio, name_of
from tunewright.records import ConceptWord


def texts_of(rng, rows, chances):
    """Texts of words that each come with their own chance, in random order."""
    return [
        " ".join(rng.permutation([word for word, chance in chances.items() if rng.random() < chance] or ["x"]))
        for _ in range(rows)
    ]


@pytest.fixture(scope="module")
def made():
    """A hundred texts at the end, four hundred others."""
    rng = np.random.default_rng(0)
    common = {f"w{n}": 0.3 for n in range(20)} | {"The": 0.9}
    inside = texts_of(rng, 100, common | {"card": 0.6, "PIN": 0.2, "w0": 0.35})
    outside = texts_of(rng, 400, common | {"card": 0.03, "rain": 0.4})
    return [*inside, *outside], np.arange(500) < 100


def test_words_of_the_end_come_first_and_common_ones_not_at_all(made):
    texts, end = made
    found = TextWords(texts).marking(end)
    assert [one.text for one in found] == ["card", "pin"]
    card = [text.split().count("card") > 0 for text in texts]
    assert found[0].rows == sum(card[:100]) and found[0].inside == found[0].rows / 100
    assert found[0].outside == sum(card[100:]) / 400


def test_the_other_side_is_marked_by_what_is_missing_here(made):
    texts, end = made
    assert [one.text for one in TextWords(texts).marking(~end)] == ["rain"]


def test_surprise_is_scipys():
    rng = np.random.default_rng(1)
    sizes = np.array([40, 90])
    held = np.stack([rng.integers(1, 40, 30), rng.integers(1, 90, 30)])
    for word, surprise in enumerate(likelihood_ratio(held, sizes)):
        table = np.stack([held[:, word], sizes - held[:, word]])
        wanted = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert surprise == pytest.approx(wanted, abs=1e-9)


def test_texts_by_chance_at_the_end_have_no_words():
    rng = np.random.default_rng(2)
    texts = texts_of(rng, 400, {f"w{n}": rng.uniform(0.02, 0.5) for n in range(150)})
    words = TextWords(texts)
    false = [words.marking(rng.random(400) < 0.2) for _ in range(40)]
    assert sum(bool(one) for one in false) <= 5  # 5 % of 40 is 2, and more than 5 come in one of 70 draws


@pytest.mark.parametrize("inside", [0, 6])
def test_an_end_of_none_or_all_has_no_words(inside):
    assert TextWords(["a b", "a c"] * 3).marking(np.arange(6) < inside) == ()
    assert TextWords(["", "!"]).marking(np.array([True, False])) == ()


def test_a_name_is_words_or_the_first_text():
    words = [ConceptWord(text=text, inside=0.5, outside=0.0, rows=9) for text in ("a", "b", "c", "d")]
    assert name_of(words, ["a b"]) == "a, b, c"
    assert name_of([], ["one\n two" + " more" * 50, "other"]) == f"“{('one two' + ' more' * 50)[:59]}…”"
