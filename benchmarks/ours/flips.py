"""Wrong labels put into a text set, by means that share nothing with the ranking that has to find them.

What is confused with what is told by naive Bayes on words, out of fold; the ranking knows sentence vectors only.
"""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.naive_bayes import MultinomialNB

KINDS = ("uniform", "class-conditional", "near-boundary")
FOLDS = 5
PARTNERS = 3  # most similar classes, one of which a class is mistaken for


def word_probabilities(texts, labels):
    """(n, K) out-of-fold probabilities of naive Bayes on words."""
    words = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    fold = np.random.default_rng(7).permutation(len(labels)) % FOLDS
    found = np.zeros((len(labels), labels.max() + 1))
    for held in range(FOLDS):
        fit = MultinomialNB(alpha=0.1).fit(words[fold != held], labels[fold != held])
        found[np.ix_(fold == held, fit.classes_)] = fit.predict_proba(words[fold == held])
    return found


def flip(kind, labels, probabilities, *, rate, seed):
    """(n,) labels of which about `rate` are wrong."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    wrong = {"uniform": _uniform, "class-conditional": _by_class, "near-boundary": _near}[kind]
    rows, to = wrong(labels, probabilities, rate, rng)
    flipped = labels.copy()
    flipped[rows] = to
    return flipped


def _uniform(labels, probabilities, rate, rng):
    """Any row, any other class."""
    rows = rng.choice(len(labels), round(rate * len(labels)), replace=False)
    classes = probabilities.shape[1]
    return rows, (labels[rows] + rng.integers(1, classes, len(rows))) % classes


def _by_class(labels, probabilities, rate, rng):
    """Each class has a partner among its three most similar ones, and a rate of its own, nought to twice the mean."""
    classes = probabilities.shape[1]
    similar = np.stack([probabilities[labels == k].mean(0) for k in range(classes)])
    np.fill_diagonal(similar, -1)
    nearest = np.argsort(-similar, axis=1)[:, : min(PARTNERS, classes - 1)]
    partner = nearest[np.arange(classes), rng.integers(0, nearest.shape[1], classes)]
    share = rng.uniform(0, 2 * rate, classes)[labels]
    rows = np.flatnonzero(rng.random(len(labels)) < share * rate / share.mean())
    return rows, partner[labels[rows]]


def _near(labels, probabilities, rate, rng):
    """Rows of the half with the smaller margins, the smallest most often, to the best other class."""
    rest = probabilities.copy()
    own = rest[np.arange(len(labels)), labels].copy()
    rest[np.arange(len(labels)), labels] = -1
    near = np.argsort(own - rest.max(1), kind="stable")[: len(labels) // 2]
    weight = np.linspace(1, 0, len(near))
    rows = rng.choice(near, round(rate * len(labels)), replace=False, p=weight / weight.sum())
    return rows, rest[rows].argmax(1)
