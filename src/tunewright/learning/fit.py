"""From a posed problem to a fitted model: encode once, probe, start the head from it, fine-tune, keep the better."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.learning.balance import Balance
from tunewright.learning.decisions import fit_decision
from tunewright.learning.encode import FrozenEncoder, encoder_key, join_frozen
from tunewright.learning.probe import Probe, ProbeData, fit_logistic_probe, fit_probe, fit_ridge_probe
from tunewright.learning.problem import Problem
from tunewright.learning.recipes import Choices
from tunewright.metrics import metric as metric_of
from tunewright.models.inputs import Inputs
from tunewright.records import PARTS, Epoch, TrainedModel
from tunewright.runfolder.context import RunContext
from tunewright.tasks import Regression

if TYPE_CHECKING:
    import torch

    from tunewright.models.encoder import Encoder
    from tunewright.models.network import Network
    from tunewright.training.loop import LoopState, Surroundings

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What `fit` gives.

    Args:
        model: the kept model, in memory.
        trained: how it came to be.
        probe: the linear head on frozen vectors, also where fine-tuning beat it.
        outputs: per part, the model's outputs.
        probe_outputs: per part, the probe's.
        frozen: per part, joined frozen vectors and dense features.
        backbone_folder: the files the encoder came from, or None for table-only models.
    """

    model: FittedModel
    trained: TrainedModel
    probe: Probe
    outputs: Mapping[str, Array]
    probe_outputs: Mapping[str, Array]
    frozen: Mapping[str, Array]
    backbone_folder: Path | None


def fit(problem: Problem, choices: Choices, balance: Balance, *, metric: str, run: RunContext) -> Fitted:
    """Fit a model to a problem.

    Args:
        problem: inputs and targets.
        choices: what trains and how.
        balance: what is done about rare classes.
        metric: decides between probe and fine-tuned, stops training and picks the best epoch; higher or lower is
            better as its table line says.
        run: journal, observer, checkpoints, stop signal.
    """
    from tunewright.models.precision import pick_device

    clock = _Clock()
    device = pick_device()
    precision = _precision(problem, choices, device, run)
    frozen = _frozen_features(problem, choices, precision, run)
    clock.lap("encode")
    loss, judge = _loss(problem, balance), _judge(problem, metric)
    weights = _combined_weights(problem, balance)
    probe = _fit_probe(problem, frozen, weights, loss, judge)
    clock.lap("probe")
    run.tell("train", f"The probe on frozen features is ready: {metric} {abs(probe.metric):.3f} on validation.")
    network, state, counts = _fine_tune(problem, choices, (frozen, probe, precision), (loss, judge, balance, weights), run)
    clock.lap("train")
    model = _model(problem, choices, network, precision=precision, metric=metric)
    outputs = {part: model.outputs(problem.inputs[part]) for part in PARTS if len(problem.inputs[part])}
    decision = fit_decision(problem.task, outputs["validation"], problem.targets["validation"], metric)
    model = dataclasses.replace(model, decision=decision)
    clock.lap("predict")
    return Fitted(
        model=model,
        trained=_trained(choices, state, model, metric=metric, counts=counts, seconds=clock.seconds),
        probe=probe,
        outputs=outputs,
        probe_outputs={part: probe.outputs(x) for part, x in frozen.items()},
        frozen=frozen,
        backbone_folder=problem.backbone.folder if problem.backbone else None,
    )


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self.last, 3)
        self.last = now


def _precision(problem: Problem, choices: Choices, device: torch.device, run: RunContext) -> str:
    if problem.backbone is None:
        return "float32"
    from tunewright.models.precision import measure_precision

    folder = problem.backbone.folder
    decided = run.decide("precision", lambda: measure_precision(_load(folder), device))
    run.tell("train", f"Precision: {decided['precision']}, {decided['why']}.")
    return str(decided["precision"])


def _load(folder: Any) -> Any:
    from tunewright.models.backbone import load_folder

    return load_folder(folder)


def _encoder(problem: Problem, choices: Choices, precision: str) -> Encoder | None:
    if problem.backbone is None:
        return None
    from tunewright.models.encoder import Encoder
    from tunewright.models.precision import DTYPES, pick_device

    encoder = Encoder(_load(problem.backbone.folder), choices.pooling)
    encoder.model.to(DTYPES[precision])
    return encoder.to(pick_device())


def _frozen_features(problem: Problem, choices: Choices, precision: str, run: RunContext) -> dict[str, Array]:
    """Per part (n, V + F): joined frozen vectors beside dense features; all parts are encoded in one pass."""
    parts = [part for part in PARTS if len(problem.inputs[part])]
    if problem.backbone is None:
        return {part: problem.inputs[part].dense for part in parts}
    from tunewright.models.precision import pick_device

    frozen = FrozenEncoder(
        key=encoder_key(weights=problem.backbone.digest, pooling=choices.pooling, precision=precision),
        load=lambda: _encoder(problem, choices, precision),  # type: ignore[arg-type,return-value]
        device=pick_device(),
    )
    per_part = [problem.inputs[part].segments for part in parts]
    vectors, computed = frozen.encode([tokens for segments in per_part for tokens in segments], run.observe)
    run.tell("encode", f"{computed} texts encoded, the rest came from the cache.", computed=computed)
    features: dict[str, Array] = {}
    for part in parts:
        count = len(problem.inputs[part].segments)
        features[part] = np.concatenate([join_frozen(vectors[:count]), problem.inputs[part].dense], axis=1)
        vectors = vectors[count:]
    return features


def _loss(problem: Problem, balance: Balance) -> Callable[[Any, Any, float], Any]:
    task = problem.task
    if balance.offset is None:
        return task.loss
    import torch

    offset = torch.from_numpy(balance.offset)
    return lambda outputs, targets, smoothing: task.loss(outputs + offset.to(outputs), targets, smoothing)


def _judge(problem: Problem, metric: str) -> Callable[[Array], float]:
    task, targets = problem.task, problem.targets["validation"]
    table_line = metric_of(metric)

    def judge(outputs: Array) -> float:
        outcome = task.outcome(targets, outputs, fit_decision(task, outputs, targets, metric))
        value = table_line.value(outcome)
        value = -1e9 if value is None or not np.isfinite(value) else float(value)
        return value if table_line.greater_is_better else -value

    return judge


def _combined_weights(problem: Problem, balance: Balance) -> Array | None:
    given = [weights for weights in (problem.weights, balance.weights) if weights is not None]
    return np.prod(given, axis=0).astype(np.float32) if given else None


def _fit_probe(
    problem: Problem, frozen: Mapping[str, Array], weights: Array | None, loss: Any, judge: Callable[[Array], float]
) -> Probe:
    width = frozen["train"].shape[1] - problem.inputs["train"].dense.shape[1]
    data = ProbeData(frozen["train"], problem.targets["train"], weights, frozen["validation"], judge, width)
    if isinstance(problem.task, Regression):
        return fit_probe(data, fit_ridge_probe)
    return fit_probe(data, lambda one: fit_logistic_probe(one, loss=loss, outputs=problem.task.outputs))


def _fine_tune(
    problem: Problem,
    choices: Choices,
    start: tuple[Mapping[str, Array], Probe, str],
    judged: tuple[Any, Callable[[Array], float], Balance, Array | None],
    run: RunContext,
) -> tuple[Network, LoopState, tuple[int, int]]:
    from tunewright.models.precision import pick_device
    from tunewright.models.trainable import choose_trainable, merge_lora, set_dropout
    from tunewright.training.loop import LoopState, Surroundings, train
    from tunewright.training.recipe import Labelled

    frozen, probe, precision = start
    loss, judge, balance, weights = judged
    encoder = _encoder(problem, choices, precision)
    network = _network(problem, choices, encoder, probe)
    head_only = choices.method == "head"
    trained = _network(problem, choices, None, probe) if head_only else network
    choose_trainable(trained, choices.method, seed=problem.seed)
    if trained.encoder is not None:
        set_dropout(trained.encoder, choices.recipe.dropout)
    counts = (_count(network.parameters()), _count(p for p in trained.parameters() if p.requires_grad))
    around = Surroundings(
        loss=loss, judge=judge, observe=run.observe, checkpoints=run.checkpoints, stop=run.stop, device=pick_device()
    )
    inputs = {part: Inputs((), frozen[part]) if head_only else problem.inputs[part] for part in ("train", "validation")}
    first = _start(problem, frozen, probe, loss)
    if head_only and choices.head == "linear":
        # The probe is the optimum of this very problem: there is nothing left to train.
        return network, LoopState(best=probe.metric, history=[first]), counts
    rows = balance.rows if balance.rows is not None else np.arange(len(inputs["train"]))
    training = Labelled(
        inputs["train"].take(rows), problem.targets["train"][rows], None if weights is None else weights[rows]
    )
    validation = Labelled(inputs["validation"], problem.targets["validation"])
    state = train(trained, training, validation, choices.recipe, start=first, around=around)
    merge_lora(trained)
    if head_only:
        network.head.load_state_dict(trained.head.state_dict())
    return network, state, counts


def _network(problem: Problem, choices: Choices, encoder: Encoder | None, probe: Probe) -> Network:
    import torch

    from tunewright.models.heads import make_head, start_from_probe
    from tunewright.models.network import Network
    from tunewright.models.precision import pick_device

    outputs, inputs = probe.weight.shape
    # The head's random part must not depend on what ran before it.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(problem.seed)
        head = make_head(choices.head, inputs=inputs, outputs=outputs, dropout=choices.head_dropout)
    start_from_probe(head, torch.from_numpy(probe.weight), torch.from_numpy(probe.bias))
    return Network(encoder, head).to(pick_device())


def _start(problem: Problem, frozen: Mapping[str, Array], probe: Probe, loss: Any) -> Epoch:
    import torch

    def mean_loss(part: str) -> float:
        outputs = torch.from_numpy(probe.outputs(frozen[part]))
        return float(loss(outputs, torch.from_numpy(problem.targets[part]), 0.0).mean())

    return Epoch(
        epoch=0,
        train_loss=mean_loss("train"),
        validation_loss=mean_loss("validation"),
        metric=probe.metric,
        seconds=0.0,
    )


def _model(problem: Problem, choices: Choices, network: Network, *, precision: str, metric: str) -> FittedModel:
    from tunewright.models.precision import pick_device
    from tunewright.tasks import Decision

    return FittedModel(
        network=network.eval(),
        preprocessor=problem.preprocessor,
        tokenizer=problem.tokenizer,
        task=problem.task,
        decision=Decision(),
        metric=metric,
        precision=precision,
        head=choices.head,
        backbone=problem.backbone.name if problem.backbone else None,
        pooling=choices.pooling,
        device=pick_device(),
    )


def _trained(
    choices: Choices,
    state: LoopState,
    model: FittedModel,
    *,
    metric: str,
    counts: tuple[int, int],
    seconds: Mapping[str, float],
) -> TrainedModel:
    sign = 1 if metric_of(metric).greater_is_better else -1
    history = tuple(dataclasses.replace(epoch, metric=sign * epoch.metric) for epoch in state.history)
    tuned = [epoch.metric for epoch in history[1:]]
    candidates = {"probe": history[0].metric}
    if tuned:
        candidates["fine-tuned"] = max(tuned, key=lambda value: sign * value)
    kept = "fine-tuned" if state.best_epoch else "probe"
    why = (
        f"{metric} on validation: " + ", ".join(f"{name} {value:.4f}" for name, value in candidates.items())
        if tuned
        else "the probe is the optimum of what was asked to train"
    )
    return TrainedModel(
        method=choices.method,
        kept=kept,
        why=why,
        metric=metric,
        candidates=candidates,
        history=history,
        best_epoch=state.best_epoch,
        parameters=counts[0],
        trainable=counts[1],
        precision=model.precision,
        digest=weights_digest(model.network),
        seconds=dict(seconds),
    )


def weights_digest(network: Network) -> str:
    """SHA-256 over names and float32 values of all weights."""
    total = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def _count(parameters: Any) -> int:
    return sum(p.numel() for p in parameters)
