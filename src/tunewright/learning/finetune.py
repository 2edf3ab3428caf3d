"""Fine-tuning from the probe: build the network, free what trains, run the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from tunewright.errors import ModelError
from tunewright.events import Event, Observer
from tunewright.learning.augmented import texts_of
from tunewright.learning.course import Facts
from tunewright.learning.frozen import load_encoder
from tunewright.learning.judging import Judging
from tunewright.learning.prefix import enter_above
from tunewright.learning.probe import Probe
from tunewright.learning.problem import Problem
from tunewright.learning.recipes import Choices
from tunewright.learning.spread import spread_training
from tunewright.learning.watching import SHARE, draw_sample, facts_of, make_watch
from tunewright.models.encoder import Encoder
from tunewright.models.footprint import shape_of
from tunewright.models.heads import make_head, start_from_probe
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.precision import pick_device
from tunewright.models.trainable import choose_trainable, frozen_blocks, layer_depths, merge_lora, set_dropout
from tunewright.records import Epoch
from tunewright.runfolder.context import RunContext
from tunewright.training.contract import Terms
from tunewright.training.labelled import Labelled
from tunewright.training.loop import Surroundings, train
from tunewright.training.recipe import Recipe
from tunewright.training.state import LoopState
from tunewright.training.watch import Watch

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Below:
    """A network that was trained before, by its weights, and its learning curve, which ends with them."""

    weights: Mapping[str, torch.Tensor]
    history: tuple[Epoch, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Where fine-tuning starts: frozen features per part, the probe on them, the encoder's precision.

    With `below`, the network starts as that one ended, and its epochs count as made.
    """

    frozen: Mapping[str, Array]
    probe: Probe
    precision: str
    below: Below | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """Where it ended: the network at its best epoch, the loop's state, how many weights there are and were free.

    `facts` are what a diagnosis needs beside the state's learning curve, if one was asked for;
    `method` is what trained.
    """

    network: Network
    state: LoopState
    parameters: int
    trainable: int
    facts: Facts | None = None
    method: str = ""


def fine_tune(
    judging: Judging,
    choices: Choices,
    start: Start,
    run: RunContext,
    *,
    stop_after: int | None = None,
    stop_average: int = 0,
    suspects: Array | None = None,
) -> Tuned:
    """Fine-tune what `choices.method` names, from the probe or from what was trained before, up to its best epoch.

    Args:
        judging: the problem and the metric.
        choices: what trains and how.
        start: the probe and what it was fitted on; a network to go on from, if there is one.
        run: observer, checkpoints, stop signal.
        stop_after: the epoch to end at, where that is settled; None lets validation choose.
        stop_average: what of the last epochs is averaged then, as `Settled.averaged` says.
        suspects: (n,) whether a train row's label is doubtful, for the diagnosis; None: nobody asks for one, and
            nothing but validation rows is looked at.
    """
    recipe = replace(choices.recipe, stop_after=stop_after, stop_average=stop_average)
    problem = judging.problem
    encoder = load_encoder(problem, choices.pooling, start.precision) if problem.backbone else None
    network = make_network(judging, choices, encoder, start.probe)
    if start.below is not None:
        network.load_state_dict(start.below.weights)
    head_only = choices.method == "head"
    # With a linear head the probe is the optimum of this very problem: there is nothing left to train.
    done = (head_only and choices.head == "linear") or stop_after == 0
    trained, inputs = _free(network, judging, choices, recipe, start, run if not done else None)
    parameters = _count(network.parameters())
    trainable = _count(p for p in trained.parameters() if p.requires_grad)
    facts, watch, first = None, None, probe_epoch(judging, start)
    if suspects is not None and len(problem.inputs["validation"]):
        asked = _Asked(suspects, trainable, 0 if done else recipe.epochs)
        facts, watch, first = _look(judging, start, asked, run.observe, first, inputs=inputs["train"])
    if done:
        state = LoopState(best=start.probe.metric, history=[first])
        return Tuned(network, state, parameters, trainable, facts, choices.method)
    before = () if start.below is None else start.below.history
    if watch is not None and before:
        watch = replace(watch, hear=partial(_hear_all, watch.hear, before))
    training, validation = _labelled(judging, recipe, inputs)
    terms = _terms(problem, start.precision, run) if trained.encoder is not None else None
    # A rung that is only tried goes without canaries: the next one releases its own.
    around = _around(judging, run, watch, terms, canaries=watch is not None and not recipe.keep_last)
    begin = before[-1] if before else first
    with spread_training(trained, problem, choices.pooling, start.precision, run=run) as compute:
        around = replace(around, compute=compute)
        state = train(trained, training, validation, recipe, start=begin, around=around)
    state.history = _joined(before, state.history)
    merge_lora(network)
    if head_only:
        network.head.load_state_dict(trained.head.state_dict())
    return Tuned(network, state, parameters, trainable, facts, choices.method)


def _free(
    network: Network, judging: Judging, choices: Choices, recipe: Recipe, start: Start, run: RunContext | None
) -> tuple[Network, Mapping[str, Inputs]]:
    """Free what trains, and find the part of the network that has to run for it, with the rows as that part sees them.

    A head alone learns from cached vectors, top layers from the states of those under them, as far as these can be
    kept; in either case the weights are the network's own, or join it again afterwards. Nothing runs without a `run`.
    """
    problem, encoder = judging.problem, network.encoder
    if choices.method == "head":
        trained = make_network(judging, choices, None, start.probe)
        choose_trainable(trained, choices.method, seed=problem.seed)
        return trained, {
            part: Inputs((), start.frozen[part]) if part in start.frozen else problem.inputs[part]
            for part in ("train", "validation")
        }
    choose_trainable(network, choices.method, seed=problem.seed)
    _refuse_one_layer(network, recipe, choices.method)
    assert isinstance(encoder, Encoder), "without text only a head trains"
    set_dropout(encoder, recipe.dropout, first=frozen_blocks(encoder.model, choices.method))
    if run is not None:
        above = enter_above(encoder, problem, choices.method, recipe, precision=start.precision, run=run)
        if above is not None:
            return Network(above.encoder, network.head), above.inputs
    return network, problem.inputs


def _around(
    judging: Judging, run: RunContext, watch: Watch | None, terms: Terms | None, *, canaries: bool
) -> Surroundings:
    return Surroundings(
        loss=judging.loss,
        judge=judging.judge,
        observe=_natural(run.observe, judging),
        checkpoints=run.checkpoints,
        stop=run.stop,
        device=pick_device(),
        watch=watch,
        canaries=canaries,
        terms=terms,
    )


def _joined(before: Sequence[Epoch], history: Sequence[Epoch]) -> list[Epoch]:
    """A learning curve that goes on where another one ended, which is its first point; the clock goes on, too."""
    if not before:
        return list(history)
    spent = before[-1].seconds
    return [*before, *(replace(epoch, seconds=spent + epoch.seconds) for epoch in history[1:])]


def _hear_all(hear: Callable[[Sequence[Epoch]], None], before: Sequence[Epoch], history: Sequence[Epoch]) -> None:
    hear(tuple(_joined(before, history)))


def _refuse_one_layer(network: Network, recipe: Recipe, method: str) -> None:
    """What goes layer by layer needs layers; where the plan itself lets one train, that has been said."""
    asked = "training.unfreeze" if recipe.unfreeze != "none" else "training.layer_decay"
    if network.encoder is None or method == "layers:1" or (recipe.unfreeze == "none" and recipe.layer_decay == 1):
        return
    if len(set(layer_depths(network).values())) < 2:
        raise ModelError(
            f"{asked} needs a backbone of which two numbered layers or more train. Got one with {method}. "
            f"Leave {asked} out, or use another backbone."
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What a diagnosis is told: doubtful train rows, how many weights train, epochs planned."""

    suspects: Array
    trainable: int
    epochs: int


def _look(
    judging: Judging, start: Start, asked: _Asked, observe: Observer, first: Epoch, *, inputs: Inputs
) -> tuple[Facts, Watch, Epoch]:
    """What the loop looks at, and the curve's first point with what is seen of the train rows there."""
    problem, frozen = judging.problem, start.frozen
    held = len(problem.inputs["validation"])
    # Over cached vectors a look at as many rows as validation has costs next to nothing.
    share = SHARE if inputs.segments else 1.0
    sample = draw_sample(asked.suspects, validation_rows=held, seed=problem.seed, share=share)
    facts = facts_of(
        judging,
        sample,
        start.probe.outputs(frozen["validation"]),
        trainable=asked.trainable,
        epochs=asked.epochs,
        suspects=float(asked.suspects.mean()),
    )
    watch = make_watch(judging, sample, facts, inputs=inputs, observe=observe)
    seen: dict[str, Any] = watch.look(start.probe.outputs(frozen["train"][sample.rows]))
    return facts, watch, replace(first, **seen)


def _terms(problem: Problem, precision: str, run: RunContext) -> Terms:
    """Of the memory contract for a backbone that trains."""
    assert problem.backbone is not None
    size = 2 if precision == "bfloat16" else 4
    shape = shape_of(problem.backbone.folder, width=problem.backbone.width, layers=problem.backbone.layers, bytes=size)
    return Terms(shape=shape, budget_gb=run.memory_gb, decide=partial(run.decide, "memory"))


def _natural(observe: Observer, judging: Judging) -> Observer:
    """Tell the metric by its name and as people know it: the loop's is turned so that higher is better."""

    def told(event: Event) -> None:
        data = event.data
        if "metric" in data:
            data = {**data, "metric": judging.sign * data["metric"], "metric_name": judging.metric}
        observe(replace(event, data=data))

    return told


def make_network(judging: Judging, choices: Choices, encoder: Encoder | None, probe: Probe) -> Network:
    """Put a head on an encoder (or on cached vectors) and set it to the probe."""
    outputs, inputs = probe.weight.shape
    # The head's random part must not depend on what ran before it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(judging.problem.seed)
        head = make_head(choices.head, inputs=inputs, outputs=outputs, dropout=choices.head_dropout)
    start_from_probe(head, torch.from_numpy(probe.weight), torch.from_numpy(probe.bias))
    return Network(encoder, head).to(pick_device())


def probe_epoch(judging: Judging, start: Start) -> Epoch:
    """The learning curve's first point: the probe, before any update."""

    def mean_loss(part: str) -> float:
        if part not in start.frozen:
            return 0.0  # no validation rows: everything is settled
        outputs = torch.from_numpy(start.probe.outputs(start.frozen[part]))
        return float(judging.loss(outputs, torch.from_numpy(judging.problem.targets[part]), 0.0).mean())

    return Epoch(
        epoch=0,
        train_loss=mean_loss("train"),
        validation_loss=mean_loss("validation"),
        metric=start.probe.metric,
        seconds=0.0,
    )


def _labelled(judging: Judging, recipe: Recipe, inputs: Mapping[str, Inputs]) -> tuple[Labelled, Labelled]:
    problem, rows, weights = judging.problem, judging.rows(), judging.weights()
    training = Labelled(
        inputs["train"].take(rows),
        problem.targets["train"][rows],
        None if weights is None else weights[rows],
        texts_of(problem, problem.typed["train"], rows) if recipe.augment and recipe.augment.of_texts else None,
    )
    return training, Labelled(inputs["validation"], problem.targets["validation"])


def _count(parameters: Iterable[torch.nn.Parameter]) -> int:
    return sum(p.numel() for p in parameters)
