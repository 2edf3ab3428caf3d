"""The lexical part: a linear model over TF-IDF n-grams, added to the network's outputs.

A frozen or lightly tuned sentence vector forgets single words; a linear model over words forgets everything else.
Adding the outputs of both, with a weight that validation chooses, keeps what each knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
NGRAMS = (1, 2)
TOKEN = r"(?u)\b\w+\b|[^\w\s]"


@dataclass(frozen=True, slots=True, eq=False)
class Lexical:
    """A fitted linear model over n-grams and the table columns beside them.

    Args:
        vocabulary: V n-grams, each in the column of its place.
        idf: (V,) inverse document frequencies of the train rows.
        weight: (K, I) float32; I is V for one text, 2V + 1 for a pair, plus the dense features.
        bias: (K,) float32.
    """

    vocabulary: tuple[str, ...]
    idf: Array
    weight: Array
    bias: Array

    def size(self) -> int:
        """Bytes of its files."""
        arrays = (self.idf, self.weight, self.bias)
        return sum(4 * array.size for array in arrays) + sum(len(word.encode()) + 4 for word in self.vocabulary)

    def outputs(self, segments: Sequence[Sequence[str]], dense: Array) -> Array:
        """(n, K) float32 outputs.

        Args:
            segments: cleaned texts, one list of n per segment.
            dense: (n, F) fitted features.
        """
        fitted, weight_IK = _ready(self)
        return np.asarray(lexical_features(fitted, segments, dense) @ weight_IK + self.bias, np.float32)


@lru_cache(maxsize=4)
def _ready(lexical: Lexical) -> tuple[Any, Array]:
    """The vectorizer and the weights as a sparse product takes them: making both takes longer than a row does."""
    return vectorizer(lexical.vocabulary, lexical.idf), np.ascontiguousarray(lexical.weight.T)


def vectorizer(vocabulary: Sequence[str] | None, idf: Array | None, **limits: Any) -> Any:
    """scikit-learn's TF-IDF vectorizer: unfitted without a vocabulary, ready to transform with one."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    made = TfidfVectorizer(
        ngram_range=NGRAMS,
        sublinear_tf=True,
        token_pattern=TOKEN,
        dtype=np.float32,
        vocabulary=None if vocabulary is None else {word: place for place, word in enumerate(vocabulary)},
        **limits,
    )
    if idf is not None:
        made.idf_ = idf
    return made


def lexical_features(fitted: Any, segments: Sequence[Sequence[str]], dense: Array) -> Any:
    """Sparse (n, I) features: one text, or |u−v|, u⊙v and the cosine of two; dense columns beside them."""
    from scipy import sparse

    found = [fitted.transform(segment) for segment in segments]
    if len(found) == 2:
        product = found[0].multiply(found[1]).tocsr()
        found = [abs(found[0] - found[1]), product, sparse.csr_matrix(product.sum(1))]
    return sparse.hstack([*found, sparse.csr_matrix(dense)]).tocsr()
