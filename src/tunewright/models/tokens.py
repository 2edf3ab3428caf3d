"""Texts as ragged token ids: one flat array and offsets, no padding until a batch is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
UNKNOWN = ("[UNK]", "<unk>")
MASKS = ("[MASK]", "<mask>")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids of n texts.

    Args:
        ids: (total,) int32, all texts one after the other, special tokens included.
        offsets: (n + 1,) int64; text i is `ids[offsets[i]:offsets[i + 1]]`.
        full_lengths: (n,) int64, tokens before anything was cut.

    >>> Tokens(np.array([1, 2, 3], np.int32), np.array([0, 2, 3]), np.array([2, 1])).lengths
    array([2, 1])
    """

    ids: Array
    offsets: Array
    full_lengths: Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Array:
        """(n,) tokens per text after cutting."""
        return np.diff(self.offsets)

    def take(self, rows: Array) -> Tokens:
        """Return the texts at `rows`, in that order."""
        lengths = self.lengths[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
        return Tokens(self.ids[np.repeat(self.offsets[rows], lengths) + within], offsets, self.full_lengths[rows])

    @classmethod
    def concatenate(cls, parts: Sequence[Tokens]) -> Tokens:
        """All texts of the parts, one after the other; at least one part.

        >>> one = Tokens(np.array([1, 2], np.int32), np.array([0, 2]), np.array([2]))
        >>> Tokens.concatenate([one, one]).offsets
        array([0, 2, 4])
        """
        offsets = [parts[0].offsets]
        for tokens in parts[1:]:
            offsets.append(tokens.offsets[1:] + offsets[-1][-1])
        ids, full = (np.concatenate([getattr(one, name) for one in parts]) for name in ("ids", "full_lengths"))
        return cls(ids, np.concatenate(offsets), full)


class TextTokenizer:
    """A backbone's own tokenizer, giving ragged ids.

    `tokenizer.json` is read by the tokenizers library alone, which is what makes a probe on cached vectors start in a
    fraction of a second; a folder without that file goes through transformers once.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        if (folder / "tokenizer.json").is_file():
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        else:
            from transformers import AutoTokenizer

            loaded = AutoTokenizer.from_pretrained(
                folder, use_fast=True, trust_remote_code=False, local_files_only=True
            )
            self._tokenizer = loaded.backend_tokenizer
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def size(self) -> int:
        """Bytes of its files."""
        return len(self._tokenizer.to_str().encode())

    def to_json(self) -> str:
        """The tokenizer as a `tokenizer.json`, without padding and truncation."""
        return str(self._tokenizer.to_str())

    def edges(self) -> tuple[int, int]:
        """How many special tokens it puts before and behind every text."""
        extra = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        word = self._tokenizer.encode("a", add_special_tokens=False)
        first = word.ids[0]
        before = self._tokenizer.post_process(word).ids.index(first)
        return before, extra - before

    def spans(self, text: str, max_length: int | None = None) -> list[tuple[int, int] | None]:
        """Where in the text each token stands (start, end), None for special tokens; cut as `__call__` cuts."""
        one = self._tokenizer.encode(text, add_special_tokens=False)
        extra = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        if max_length is not None:
            one.truncate(max(max_length - extra, 1))
        placed = self._tokenizer.post_process(one)
        return [
            None if special else span for span, special in zip(placed.offsets, placed.special_tokens_mask, strict=True)
        ]

    def unknown(self) -> int | None:
        """Id of the token that stands for what the vocabulary does not hold; None where there is none."""
        return next((found for name in UNKNOWN if (found := self._tokenizer.token_to_id(name)) is not None), None)

    def mask(self) -> int | None:
        """Id of the token that stands for a word left out; None where there is none."""
        return next((found for name in MASKS if (found := self._tokenizer.token_to_id(name)) is not None), None)

    def __call__(self, texts: Iterable[str], max_length: int | None = None) -> Tokens:
        """Tokenise texts; those longer than `max_length` tokens lose their tail, never their closing special token."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        extra = self._tokenizer.num_special_tokens_to_add(is_pair=False)
        full = np.array([len(e.ids) + extra for e in encoded], np.int64)
        if max_length is not None:
            for one in encoded:
                one.truncate(max(max_length - extra, 1))
        ids = [self._tokenizer.post_process(one).ids for one in encoded]
        offsets = np.concatenate([[0], np.cumsum([len(i) for i in ids], dtype=np.int64)]).astype(np.int64)
        flat = np.fromiter((t for i in ids for t in i), np.int32, int(offsets[-1]))
        return Tokens(flat, offsets, full)
