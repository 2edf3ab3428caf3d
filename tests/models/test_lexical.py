"""The lexical part against scikit-learn's own pipeline."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from tunewright.models.lexical import NGRAMS, TOKEN, Lexical, lexical_features, vectorizer

TRAIN = ["the parcel is late", "refund the parcel, please!", "Late again", "please refund"]
FRESH = ["late parcel", "never seen", "", "PLEASE refund the refund"]


@pytest.fixture
def theirs():
    return TfidfVectorizer(ngram_range=NGRAMS, sublinear_tf=True, token_pattern=TOKEN, dtype=np.float32).fit(TRAIN)


def lexical(theirs, width, k=3):
    rng = np.random.default_rng(0)
    weight, bias = rng.normal(size=(k, width)).astype(np.float32), rng.normal(size=k).astype(np.float32)
    return Lexical(tuple(theirs.get_feature_names_out()), theirs.idf_, weight, bias)


def test_one_text_beside_columns_is_scikit_learns_product(theirs):
    dense = np.random.default_rng(1).normal(size=(4, 2)).astype(np.float32)
    model = lexical(theirs, len(theirs.idf_) + 2)
    expected = np.hstack([theirs.transform(FRESH).toarray(), dense]) @ model.weight.T + model.bias
    np.testing.assert_allclose(model.outputs([FRESH], dense), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.outputs([FRESH[:1]], dense[:1]), expected[:1], rtol=1e-5, atol=1e-6)


def test_a_pair_is_difference_product_and_cosine(theirs):
    u, v = theirs.transform(FRESH).toarray(), theirs.transform(FRESH[::-1]).toarray()
    by_hand = np.hstack([np.abs(u - v), u * v, (u * v).sum(1, keepdims=True)])
    model = lexical(theirs, by_hand.shape[1])
    none = np.zeros((4, 0), np.float32)
    fitted = vectorizer(model.vocabulary, model.idf)
    np.testing.assert_allclose(lexical_features(fitted, [FRESH, FRESH[::-1]], none).toarray(), by_hand, atol=1e-6)
    expected = by_hand @ model.weight.T + model.bias
    np.testing.assert_allclose(model.outputs([FRESH, FRESH[::-1]], none), expected, rtol=1e-5, atol=1e-5)


def test_two_models_do_not_answer_for_each_other(theirs):
    none = np.zeros((4, 0), np.float32)
    one = lexical(theirs, len(theirs.idf_))
    other = Lexical(one.vocabulary, one.idf, -one.weight, -one.bias)
    np.testing.assert_allclose(one.outputs([FRESH], none), -other.outputs([FRESH], none), rtol=1e-6)
    assert sparse.issparse(lexical_features(vectorizer(one.vocabulary, one.idf), [FRESH], none))
