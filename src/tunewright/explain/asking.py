"""Many variants of a few rows put to a fitted model: every text is encoded once, however many variants share it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.explain.cases import Case, texts_of
from tunewright.explain.references import References, references, replaced

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, np.dtype[Any]]
Ask = tuple[Case, Array]
MOST_HELD = 50_000  # texts whose vectors are held
ROWS = 4096  # of dense features that go through the head at once


class Asker:
    """A fitted model that is asked again and again; its answers are `FittedModel.outputs`'.

    Args:
        model: the fitted model.
        seed: of the values that stand for what is taken out of a table.
    """

    def __init__(self, model: FittedModel, *, seed: int = 0) -> None:
        self.model = model
        self.seed = seed
        self.encoded = 0
        self._vectors: dict[str, Array] = {}
        self._by_tokens: dict[bytes, Array] = {}
        self._kept: dict[str, Any] = {}

    @cached_property
    def references(self) -> References:
        """What stands for table cells that are taken out."""
        return references(self.model.preprocessor.featurizer, seed=self.seed)

    @property
    def rounds(self) -> int:
        """R, how many values stand for one cell."""
        return max((len(values) for values in self.references.values()), default=1)

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gave the first time it was asked for by this name."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    def outputs(self, texts: Sequence[Sequence[str]], typed: pl.DataFrame) -> Array:
        """(n, K) outputs for composed texts (one list of n per segment) and the table cells of typed rows."""
        if not self.model.has_network:  # what it was exported to gives answers, no vectors that could be kept
            return self.model.outputs_for(texts, typed)
        dense = self.model.preprocessor.featurizer.transform(typed)
        vectors = [self.vectors(segment) for segment in texts]
        said = run_head(self.model.network.head, self._joined(vectors, dense), self.model.device)
        return self.model.beside(said, texts, dense, typed)

    def vectors(self, texts: Sequence[str]) -> Array:
        """(n, D) vectors of texts; each distinct one is computed once."""
        if len(self._vectors) > MOST_HELD:
            self._vectors.clear()
            self._by_tokens.clear()
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            self._vectors.update(zip(new, self._computed(new)))
        return np.stack([self._vectors[text] for text in texts])

    def features(self, texts: Sequence[Sequence[str]], typed: pl.DataFrame) -> Array:
        """(n, F) what the head sees: joined vectors beside dense features."""
        dense = self.model.preprocessor.featurizer.transform(typed)
        return self._joined([self.vectors(segment) for segment in texts], dense)

    def ask(self, asks: Sequence[Ask]) -> list[Array]:
        """Outputs with some units taken out: for each case and its (m, U + C) masks, (m, R, K).

        Masks that take no table cell out are asked once and stand for all R.
        """
        cells, frames, sizes = [], [], []
        for case, masks in asks:
            texts = [case.without(mask) for mask in masks]
            counts = [self.rounds if mask[len(case.words) :].any() else 1 for mask in masks]
            frames.append(self._frame(case, masks, counts))
            cells += [text for text, count in zip(texts, counts) for _ in range(count)]
            sizes.append(counts)
        if not cells:
            return []
        found = self.outputs(texts_of(self.model, cells), pl.concat(frames))
        return self._cut(found, sizes)

    def _frame(self, case: Case, masks: Array, counts: Sequence[int]) -> pl.DataFrame:
        """A row for every mask and reference."""
        changed = {}
        for place, name in enumerate(case.columns, start=len(case.words)):
            if masks[:, place].any():
                own = case.typed[name][0]
                changed[name] = [
                    self.references[name][turn] if mask[place] else own
                    for mask, count in zip(masks, counts)
                    for turn in range(count)
                ]
        return replaced(case.typed[[0] * sum(counts)], changed)

    def _cut(self, found: Array, sizes: Sequence[Sequence[int]]) -> list[Array]:
        answers, at = [], 0
        for counts in sizes:
            rows = []
            for count in counts:
                rows.append(np.broadcast_to(found[at : at + count], (self.rounds, found.shape[1])))
                at += count
            answers.append(np.stack(rows) if rows else np.zeros((0, self.rounds, found.shape[1])))
        return answers

    def _computed(self, texts: Sequence[str]) -> list[Array]:
        """(D,) vectors of texts; what the tokenizer makes one of, such as letters of either case, is computed once."""
        import torch

        from tunewright.models.encoder import Encoder
        from tunewright.models.inputs import Inputs
        from tunewright.models.outputs import encode_inputs

        model = self.model
        assert isinstance(model.network.encoder, Encoder) and model.tokenizer is not None
        tokens = model.tokenizer(texts, model.preprocessor.max_length)
        keys = [ids.tobytes() for ids in np.split(tokens.ids, tokens.offsets[1:-1])]
        first: dict[bytes, int] = {}
        for place, key in enumerate(keys):
            if key not in self._by_tokens:
                first.setdefault(key, place)
        if first:
            rows = np.fromiter(first.values(), np.int64, len(first))
            inputs = Inputs((tokens.take(rows),), np.zeros((len(rows), 0), np.float32))
            with torch.inference_mode():
                made = encode_inputs(model.network.encoder, inputs, device=model.device)
            self.encoded += len(rows)
            self._by_tokens.update(zip(first, made))
        return [self._by_tokens[key] for key in keys]

    def _joined(self, vectors: Sequence[Array], dense: Array) -> Array:
        import torch

        from tunewright.models.network import join_vectors

        parts = [join_vectors([torch.from_numpy(one) for one in vectors])] if vectors else []
        parts += [torch.from_numpy(dense)] if dense.shape[1] or not vectors else []
        return np.asarray(torch.cat(parts, dim=-1).numpy())


def run_head(head: torch.nn.Module, features: Array, device: torch.device) -> Array:
    """(n, K) float32 outputs of a head alone.

    Args:
        head: on `device`.
        features: (n, F) float32 what it sees.
        device: where to compute.
    """
    import torch

    head.eval()
    rows: Any = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    with torch.inference_mode():
        parts = [head(part.to(device)).float().cpu() for part in rows.split(ROWS)]
    return np.asarray(torch.cat(parts).numpy())
