"""From a raw table to what the network eats, with everything that was fitted on train rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.data import conform
from tunewright.features.featurizer import Featurizer
from tunewright.features.options import PreprocessOptions
from tunewright.features.text import TextCleaner, segments
from tunewright.models.inputs import Inputs
from tunewright.models.tokens import TextTokenizer, Tokens
from tunewright.records import Table, from_json, to_json

LENGTH_QUANTILE = 0.99
LENGTH_STEP = 8
# Batches are cut by length, so a few long texts cost little: short sets are never cut.
NEVER_CUT_BELOW = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessor:
    """Fitted preprocessing: column kinds, text cleaning, token limit and table features.

    Args:
        table: columns and kinds as seen at training.
        cleaner: text normalisation.
        texts: which columns make which text: none, one, or two for a pair.
        max_length: tokens kept of a text.
        featurizer: the table columns.
        cut_share: share of train texts that lost tokens.
    """

    table: Table
    cleaner: TextCleaner
    texts: tuple[tuple[str, ...], ...]
    max_length: int
    featurizer: Featurizer
    cut_share: float = 0.0

    @classmethod
    def fit(
        cls,
        train: pl.DataFrame,
        table: Table,
        options: PreprocessOptions,
        *,
        tokenizer: TextTokenizer | None,
        max_length: int | None,
        limit: int,
    ) -> Preprocessor:
        """Fit on train rows only.

        Args:
            train: typed train rows, as `conform` gives them.
            table: their columns and kinds.
            options: the plan's `preprocess` block.
            tokenizer: the backbone's, or None without text.
            max_length: tokens to keep, or None to choose: the longest train text up to 64, beyond that the 99 %
                quantile, rounded up to 8.
            limit: the backbone's longest input.
        """
        cleaner = TextCleaner(**to_json(options.text))
        texts = segments(table.features("text"), table.pair)
        chosen, cut = min(max_length or limit, limit), 0.0
        if texts and tokenizer is not None:
            composed = [text for columns in texts for text in cleaner.compose(train, columns)]
            lengths = tokenizer(composed).full_lengths
            if max_length is None:
                wanted = max(float(np.quantile(lengths, LENGTH_QUANTILE)), min(int(lengths.max()), NEVER_CUT_BELOW))
                chosen = min(int(np.ceil(wanted / LENGTH_STEP)) * LENGTH_STEP, limit)
            cut = float((lengths > chosen).mean())
        return cls(
            table=table,
            cleaner=cleaner,
            texts=texts,
            max_length=chosen,
            featurizer=Featurizer.fit(train, table, options),
            cut_share=cut,
        )

    def compose(self, typed: pl.DataFrame) -> list[list[str]]:
        """Cleaned texts of typed rows, one list per segment."""
        return [self.cleaner.compose(typed, columns) for columns in self.texts]

    def inputs(self, typed: pl.DataFrame, tokenizer: TextTokenizer | None) -> Inputs:
        """Typed rows to network inputs."""
        return self.inputs_of(self.compose(typed), typed, tokenizer)

    def inputs_of(self, texts: Sequence[Sequence[str]], typed: pl.DataFrame, tokenizer: TextTokenizer | None) -> Inputs:
        """Composed texts, one list per segment, and the table cells of typed rows to network inputs."""
        tokens: tuple[Tokens, ...] = ()
        if self.texts:
            assert tokenizer is not None
            tokens = tuple(tokenizer(segment, self.max_length) for segment in texts)
        return Inputs(tokens, self.featurizer.transform(typed))

    def conform(self, raw: pl.DataFrame, *, require_target: bool = False) -> pl.DataFrame:
        """Raw rows of a new file, cast to the kinds seen at training.

        Raises:
            DataError: a feature column is missing.
        """
        return conform(raw, self.table, require_target=require_target)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "table": to_json(self.table),
            "cleaner": to_json(self.cleaner),
            "texts": to_json(self.texts),
            "max_length": self.max_length,
            "features": self.featurizer.to_json(),
            "cut_share": self.cut_share,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Preprocessor:
        """Rebuild from `to_json`."""
        return cls(
            table=from_json(Table, value["table"]),
            cleaner=from_json(TextCleaner, value["cleaner"]),
            texts=tuple(tuple(columns) for columns in value["texts"]),
            max_length=value["max_length"],
            featurizer=Featurizer.from_json(value["features"]),
            cut_share=value["cut_share"],
        )
