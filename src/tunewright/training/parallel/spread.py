"""The leader's side: an encoder whose work all ranks share, for one training or one pass over texts.

Shapes: B rows of a batch, b of them this process's, V joined width, F with table features, n rows, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tunewright.errors import PlanError, TrainingError
from tunewright.events import Event, Observer, silent
from tunewright.models.checkpointing import is_checkpointing
from tunewright.models.encoder import Encoder
from tunewright.models.exhausted import is_exhausted
from tunewright.models.inputs import Inputs, evaluation_batches
from tunewright.models.network import Network, join_vectors, joined_width
from tunewright.models.outputs import Tick, encode_inputs, no_tick, tokens_at_once
from tunewright.training.parallel.exchange import RankExchange
from tunewright.training.parallel.group import Group
from tunewright.training.parallel.memory import takes_much
from tunewright.training.parallel.spec import share, to_arrays

if TYPE_CHECKING:
    from tunewright.training.flat import Group as Weights
    from tunewright.training.recipe import Recipe

Array = np.ndarray[Any, np.dtype[Any]]
Decide = Callable[[str, Callable[[], Any]], Any]


class Spread:
    """An encoder that every rank has open; a `Compute`.

    Args:
        group: the ranks, this process the leader.
        width: of one text's vector.
        observe: hears how the work is spread.
        stop: returns a signal number once one has arrived in this process.
        decide: (name, make) to a decision's JSON value, journalled before use and replayed on a resume.
    """

    def __init__(
        self, group: Group, *, width: int, observe: Observer, stop: Callable[[], int | None], decide: Decide
    ) -> None:
        self.group, self.width, self.observe, self.stop, self.decide = group, width, observe, stop, decide
        self.exchange: RankExchange | None = None
        self._dropout = False

    @property
    def signal(self) -> int | None:
        """A signal that any rank had received when the last update was made."""
        return self.exchange.signal if self.exchange is not None else None

    def start(self, network: Network, groups: Sequence[Weights], recipe: Recipe) -> RankExchange:
        """Have every rank free the same weights and make the same optimiser."""
        assert network.encoder is not None
        names = {id(parameter): name for name, parameter in network.encoder.named_parameters()}
        shared = [one for one in groups if all(id(parameter) in names for parameter in one.parameters)]
        assert groups[: len(shared)] == shared, "the encoder's groups come first"
        weights = sum(parameter.numel() for one in shared for parameter in one.parameters)
        sharded = recipe.parallel == "sharded"
        if recipe.averaging != "none":
            # A mean needs the masters of all weights in one place after each update.
            if sharded:
                raise PlanError(
                    "training.averaging must be none where training.parallel is sharded. "
                    f"Got {recipe.averaging}. Write parallel: replicated, or leave averaging out."
                )
        elif recipe.parallel == "auto":
            # What is free when the run is continued may be something else.
            sharded = bool(self.decide("parallel", lambda: {"sharded": takes_much(weights)})["sharded"])
        self._dropout = recipe.dropout > 0
        how = "each keeps the optimiser state of its part" if sharded else "each keeps all of the optimiser's state"
        text = f"Training is spread over {self.group.world} processes; {how}."
        self.observe(Event(station="train", what="note", text=text))
        self._tell(
            "train",
            sharded=sharded,
            dropout=recipe.dropout,
            lora=hasattr(network.encoder.model, "merge_and_unload"),
            seed=recipe.seed,
            clip=recipe.clip,
            groups=[
                {
                    "names": [names[id(p)] for p in one.parameters],
                    "learning_rate": one.learning_rate,
                    "decay": one.decay,
                    "depth": one.depth,
                }
                for one in shared
            ],
        )
        self.exchange = RankExchange(self.group, shared=len(shared), sharded=sharded, stop=self.stop)
        return self.exchange

    def features(self, network: Network, inputs: Inputs, rows: Array, device: torch.device) -> Tensor:
        """(B, F) what the head sees of a batch: vectors of every rank's rows, then table features."""
        encoder, segments = network.encoder, [one.take(rows) for one in inputs.segments]
        assert encoder is not None
        wanted = torch.is_grad_enabled()
        numbers: dict[str, Any] = {"train": network.training, "grad": wanted}
        numbers["checkpointing"] = is_checkpointing(encoder)
        if network.training and self._dropout:
            # Drawn from the generator that a checkpoint keeps: a resumed run draws the masks that the other drew.
            numbers["seed"] = int(torch.randint(2**62, ()))
        own = rows[share(len(rows), 0, self.group.world)]
        with self._undivided(len(rows)):
            self._tell("forward", to_arrays(segments), **numbers)
            x_bV = join_vectors([encoder(ids, mask) for ids, mask in inputs.tensors(own, device)[0]])
            x_BV: Tensor = (
                _Gather.apply(x_bV, self, len(rows))  # type: ignore[no-untyped-call]
                if wanted
                else self.gather(x_bV, len(rows))
            )
        if not inputs.dense.shape[1]:
            return x_BV
        return torch.cat([x_BV, torch.from_numpy(inputs.dense[rows]).to(device)], dim=-1)

    def predict(
        self,
        network: Network,
        inputs: Inputs,
        *,
        device: torch.device,
        tokens: int | None = None,
        observe: Observer = silent,
    ) -> Array:
        """(n, K) outputs; the head sees the same batches as in one process."""
        network.eval()
        assert isinstance(network.encoder, Encoder)
        tokens = tokens or tokens_at_once(device)
        vectors_nV = self.vectors(network.encoder, inputs, device=device, tokens=tokens, observe=observe)
        x_nF = np.concatenate([vectors_nV, inputs.dense], axis=1)
        outputs: Array | None = None
        with torch.inference_mode():
            for rows in evaluation_batches(inputs.lengths, tokens=tokens):
                found = network.head(torch.from_numpy(x_nF[rows]).to(device)).float().cpu().numpy()
                outputs = np.empty((len(inputs), found.shape[1]), np.float32) if outputs is None else outputs
                outputs[rows] = found
        assert outputs is not None, "an empty table never reaches the network"
        return outputs

    def vectors(
        self,
        encoder: Encoder,
        inputs: Inputs,
        *,
        device: torch.device,
        tick: Tick = no_tick,
        tokens: int | None = None,
        observe: Observer = silent,
    ) -> Array:
        """(n, V) joined vectors in evaluation mode: whole batches are dealt out, so each has the bits it always has.

        Where memory ends on a rank, that rank halves its own batches.
        """
        tokens = tokens or tokens_at_once(device)
        batches, world = evaluation_batches(inputs.lengths, tokens=tokens), self.group.world
        out = np.empty((len(inputs), self._joined(len(inputs.segments))), np.float32)
        self.group.busy = True
        self._tell("vectors", to_arrays(inputs.segments), tokens=tokens)
        found = encode_inputs(
            encoder, inputs, device=device, tick=_scaled(tick, world), observe=observe, batches=batches[::world]
        )
        for rows in batches[::world]:
            out[rows] = found[rows]
        for rank in range(1, world):
            rows = np.concatenate([*batches[rank::world], np.empty(0, np.int64)])
            if len(rows):
                sent = torch.empty(len(rows), out.shape[1])
                self.group.receive(sent, rank)
                out[rows] = sent.numpy()
        self.group.busy = False
        tick(len(inputs), len(inputs))
        return out

    def send_weights(self, encoder: Encoder) -> None:
        """Give every rank the weights of this encoder, of the kind that is open."""
        self.group.busy = True
        state = encoder.state_dict()
        self._tell("weights", names=list(state))
        for value in state.values():
            self.group.broadcast(value.detach().contiguous(), 0)
        self.group.busy = False

    def gather(self, x_bV: Tensor, rows: int) -> Tensor:
        """(B, V) from every rank's (b, V)."""
        x_BV = x_bV.new_empty((rows, x_bV.shape[1]))
        x_BV[share(rows, 0, self.group.world)] = x_bV.detach()
        for rank in range(1, self.group.world):
            places = share(rows, rank, self.group.world)
            if len(places):
                part = x_bV.new_empty((len(places), x_bV.shape[1]))
                self.group.receive(part, rank)
                x_BV[places] = part
        return x_BV

    def scatter(self, grad_BV: Tensor) -> Tensor:
        """(b, V) this rank's rows of a gradient, the others sent to theirs."""
        rows = len(grad_BV)
        with self._undivided(rows):
            self._tell("backward")
            for rank in range(1, self.group.world):
                places = share(rows, rank, self.group.world)
                if len(places):
                    self.group.send(grad_BV[places], rank)
            return grad_BV[share(rows, 0, self.group.world)]

    @contextmanager
    def _undivided(self, rows: int) -> Iterator[None]:
        """What all ranks do at once: where memory ends in the middle, the others cannot be asked to take it back."""
        self.group.busy = True
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
            raise TrainingError(
                f"A batch that is spread over {self.group.world} processes must fit into their memory. One of {rows} "
                "rows did not. Start the same command without torchrun: it continues from the last checkpoint and "
                "halves batches where memory ends. Or set training.gradient_checkpointing: true, or a lower "
                "training.batch_tokens."
            ) from error
        self.group.busy = False

    def _joined(self, segments: int) -> int:
        return joined_width(self.width, segments)

    def _tell(self, what: str, arrays: Sequence[Array] = (), **numbers: Any) -> None:
        self.group.tell({"op": what, **numbers}, arrays)


class _Gather(torch.autograd.Function):
    """Rows of all ranks forward, gradients to all ranks backward."""

    @staticmethod
    def forward(ctx: Any, x_bV: Tensor, spread: Spread, rows: int) -> Tensor:
        """(b, V) to (B, V)."""
        ctx.spread = spread
        return spread.gather(x_bV, rows)

    @staticmethod
    def backward(ctx: Any, grad_BV: Tensor) -> tuple[Tensor, None, None]:
        """(B, V) to (b, V): first the others get theirs, then all go on at once."""
        return ctx.spread.scatter(grad_BV), None, None


def _scaled(tick: Tick, world: int) -> Tick:
    """What this rank has done stands for as much on each of the others."""
    return lambda done, total: tick(min(done * world, total), total)
