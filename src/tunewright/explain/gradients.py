"""Integrated gradients: follow the network from a blank row to this one and add up what every part contributes.

Shapes: S points of the path, T tokens, D width of a token's embedding, F dense features, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tunewright.explain.aim import Aim
from tunewright.explain.asking import Asker
from tunewright.explain.attribution import Attribution
from tunewright.explain.cases import Case, places, texts_of
from tunewright.explain.references import replaced
from tunewright.tasks import Multilabel, Regression

if TYPE_CHECKING:
    from torch import Tensor

    from tunewright.models.network import Network

Array = np.ndarray[Any, np.dtype[Any]]
ENOUGH_FOR_RANKS, FEWEST, MOST = 8, 16, 64
AT_ONCE = 32  # points of a path that go through the network together


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegratedGradients:
    """Weights of words and columns by the gradient along a straight path from a blank row.

    A blank row has the mask token's embedding in place of every token (zeros where the vocabulary has none) and the
    usual cells of the train rows. The weights add up to the score's change along the path, up to `tolerance`; points
    are doubled until they do, up to 64; what gap is left is told. Words and trees that stand beside the network are
    held still: the method explains the network's part alone.

    Args:
        tolerance: the gap that is allowed, as a share of the change (or as itself where the change is below 1).
        points: of the path, at first.

    Source: Sundararajan, Taly & Yan (2017), Axiomatic attribution for deep networks. The integral is taken by
    Gauss-Legendre quadrature.
    """

    kind: ClassVar[str] = "integrated_gradients"
    needs_network: ClassVar[bool] = True
    tolerance: float = 0.05
    points: int = FEWEST

    def quick(self) -> IntegratedGradients:
        """The same with the fewest points, whatever the gap: enough for ranks."""
        return replace(self, tolerance=float("inf"), points=ENOUGH_FOR_RANKS)

    def explain(self, asker: Asker, cases: Sequence[Case], aims: Sequence[Aim]) -> list[Attribution]:
        """One attribution per case, towards its aim."""
        network = in_float32(asker)
        return [self._one(asker, network, case, aim) for case, aim in zip(cases, aims, strict=True)]

    def _one(self, asker: Asker, network: Network, case: Case, aim: Aim) -> Attribution:
        path = _Path(asker, network, case, aim)
        points = self.points
        while True:
            tokens, dense = path.gradients(points)
            gap = abs(sum(float(one.sum()) for one in tokens) + float(dense.sum()) - path.whole)
            if gap <= self.tolerance * max(abs(path.whole), 1.0) or points >= MOST:
                break
            points *= 2
        return _gathered(asker, case, path, tokens, dense, gap)


class _Path:
    """The straight line from a blank row to a row, and the score along it."""

    def __init__(self, asker: Asker, network: Network, case: Case, aim: Aim) -> None:
        model = asker.model
        self.network, self.aim, self.device = network, aim, model.device
        self.texts = texts_of(model, [case.cells])
        featurizer = model.preprocessor.featurizer
        usual = replaced(case.typed[[0] * asker.rounds], asker.references)
        self.dense = (featurizer.transform(usual).mean(0), featurizer.transform(case.typed)[0])
        self.ends = [_embedded(asker, network, segment[0]) for segment in self.texts]
        zero = np.zeros((1, model.task.outputs), np.float32)
        # What stands beside the network adds a constant and takes a share: an affine map of its outputs.
        self.beside = model.beside(zero, self.texts, featurizer.transform(case.typed), case.typed)[0]
        self.share = 1.0 - (model.trees_share if model.trees is not None else 0.0)
        start, end = (float(one) for one in self._scores(np.array([0.0, 1.0]))[0])
        self.start, self.end, self.whole = start, end, end - start

    def gradients(self, points: int) -> tuple[list[Array], Array]:
        """Contributions of every token (T,) per segment and of every dense feature (F,)."""
        import torch

        at, weights = np.polynomial.legendre.leggauss(points)
        at, weights = (at + 1) / 2, weights / 2
        tokens = [np.zeros(len(end)) for _, end in self.ends]
        dense = np.zeros(len(self.dense[1]))
        for first in range(0, points, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            scores, leaves, differences = self._scores(at[part], track=True)
            slopes = torch.autograd.grad(scores.sum(), leaves, allow_unused=True)
            found = [
                np.zeros(difference.shape) if slope is None else np.tensordot(weights[part], _array(slope), 1)
                for slope, difference in zip(slopes, differences)
            ]
            for place in range(len(tokens)):
                tokens[place] += (found[place] * differences[place]).sum(-1)
            dense += found[-1] * differences[-1]
        return tokens, dense

    def _scores(self, at: Array, *, track: bool = False) -> Any:
        """Scores at places of the path (0: blank, 1: the row); the tensors they hang on; blank to row of each."""
        import torch

        with torch.inference_mode(False), torch.set_grad_enabled(track):
            along = torch.from_numpy(at.astype(np.float32)).to(self.device)
            ends = [*self.ends, tuple(torch.from_numpy(one).to(self.device) for one in self.dense)]
            leaves = [_between(blank, row, along).requires_grad_(track) for blank, row in ends]
            outputs = self._forward(leaves[:-1], leaves[-1])
            scores = _score(self.aim, self.share * outputs + torch.from_numpy(self.beside).to(self.device))
            if not track:
                return scores.cpu().numpy(), leaves, []
            return scores, leaves, [_array(row - blank) for blank, row in ends]

    def _forward(self, embedded: Sequence[Tensor], dense_SF: Tensor) -> Tensor:
        import torch

        from tunewright.models.encoder import text_vector
        from tunewright.models.network import join_vectors

        parts = []
        if embedded:
            encoder = self.network.encoder
            assert encoder is not None
            hidden = [encoder.model(inputs_embeds=one).last_hidden_state.float() for one in embedded]
            parts.append(join_vectors([text_vector(one, None, encoder.pooling) for one in hidden]))
        if dense_SF.shape[1]:
            parts.append(dense_SF)
        return self.network.head(torch.cat(parts, dim=-1))  # type: ignore[no-any-return]


def in_float32(asker: Asker) -> Network:
    """The network in float32, where a half-precision gradient would not add up: itself, or a copy made once."""
    import copy

    import torch

    network = asker.model.network
    if all(one.dtype == torch.float32 for one in network.parameters()):
        return network.eval()
    held: Network = asker.kept("float32", lambda: copy.deepcopy(network).float().eval())
    return held


def _embedded(asker: Asker, network: Network, text: str) -> tuple[Tensor, Tensor]:
    """(T, D) embeddings of a blank text and of this one; special tokens are the same in both."""
    import torch

    model = asker.model
    assert model.tokenizer is not None and network.encoder is not None
    length = model.preprocessor.max_length
    ids = torch.from_numpy(model.tokenizer([text], length).ids.astype(np.int64)).to(model.device)
    special = torch.tensor([span is None for span in model.tokenizer.spans(text, length)], device=model.device)
    with torch.no_grad():
        table = network.encoder.model.get_input_embeddings()
        row = table(ids).detach().clone()
        mask = model.tokenizer.mask()
        blank = torch.zeros_like(row[0]) if mask is None else table(torch.tensor(mask, device=model.device))
        return torch.where(special[:, None], row, blank).detach().clone(), row


def _between(blank: Tensor, row: Tensor, along_S: Tensor) -> Tensor:
    """(S, ...) points of the line between two tensors, as a leaf."""
    steps = along_S.reshape(-1, *[1] * blank.dim())
    return (blank + steps * (row - blank)).detach()


def _score(aim: Aim, outputs_SK: Tensor) -> Tensor:
    """`Aim.score`, so that torch can follow it."""
    import torch

    if isinstance(aim.task, Regression):
        return outputs_SK[:, 0] * aim.task.scale + aim.task.mean
    values = outputs_SK / aim.temperature
    if isinstance(aim.task, Multilabel):
        return values[:, aim.label]
    others = [place for place in range(values.shape[1]) if place != aim.label]
    return values[:, aim.label] - torch.logsumexp(values[:, others], dim=1)


def _gathered(asker: Asker, case: Case, path: _Path, tokens: Sequence[Array], dense: Array, gap: float) -> Attribution:
    """From tokens to words and from dense features to columns."""
    model = asker.model
    words, texts = np.zeros(len(case.words)), dict.fromkeys(case.cells, 0.0)
    for names, segment, found in zip(model.preprocessor.texts, path.texts, tokens):
        assert model.tokenizer is not None
        spans = model.tokenizer.spans(segment[0], model.preprocessor.max_length)
        begins = places(case.cells, names)
        for span, weight in zip(spans, found):
            name = _column(span, begins, case)
            if span is None or name is None:
                continue
            texts[name] += float(weight)
            for place, word in enumerate(case.words):
                at = begins[name]
                if word.column == name and at + word.start <= span[0] < at + word.end:
                    words[place] += float(weight)
                    break
    blocks = model.preprocessor.featurizer.blocks(case.typed)
    columns = np.array([float(dense[blocks[name]].sum()) for name in case.columns])
    return Attribution(
        words=words, columns=columns, texts=texts, output=path.end, empty=path.start, gap=gap, whole=path.whole
    )


def _column(span: tuple[int, int] | None, begins: dict[str, int], case: Case) -> str | None:
    """In which column's cell a token stands; None for special tokens and what joins cells."""
    if span is None:
        return None
    found = [name for name, at in begins.items() if at <= span[0] < at + len(case.cells[name])]
    return found[0] if found else None


def _array(value: Tensor) -> Array:
    return np.asarray(value.detach().cpu().numpy(), np.float64)
