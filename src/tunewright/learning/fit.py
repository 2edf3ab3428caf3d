"""From a posed problem to a fitted model: encode once, probe, fine-tune from the probe, add words, keep the best."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.learning.beside import Answering, add_trees, add_words, said_beside
from tunewright.learning.decisions import fit_decision
from tunewright.learning.diagnosis import diagnose
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.learning.judging import Judging
from tunewright.learning.noise import difference_error
from tunewright.learning.probe import (
    PAIR_SCALES,
    RIDGE,
    STRENGTHS,
    TEXT_SCALES,
    Probe,
    ProbeData,
    fit_logistic_probe,
    fit_probe,
    fit_ridge_probe,
)
from tunewright.learning.problem import Problem
from tunewright.learning.recipes import Choices
from tunewright.learning.settled import Settled
from tunewright.learning.spread import spread_predict
from tunewright.learning.watching import natural
from tunewright.metrics import in_words
from tunewright.models.engine import TorchEngine
from tunewright.records import Rung, TrainedModel
from tunewright.runfolder.context import RunContext
from tunewright.stats import figure
from tunewright.tasks import Decision, Regression

if TYPE_CHECKING:
    from tunewright.learning.finetune import Start, Tuned
    from tunewright.learning.lexical import Words
    from tunewright.models.network import Network

Array = np.ndarray[Any, np.dtype[Any]]
# Nobody is told how good a model is on rows it learned from; predicting them would cost as much as encoding them.
JUDGED = ("validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What `fit` gives.

    Args:
        model: the kept model, in memory.
        trained: how it came to be.
        outputs: the model's outputs for validation and test.
        probe_outputs: per part, the probe's.
        frozen: per part, joined frozen vectors and dense features.
        lexical: the linear model over n-grams and its outputs per part, whether or not the model uses it.
        settled: what validation chose.
        backbone_folder: the files the encoder came from, or None for table-only models.
    """

    model: FittedModel
    trained: TrainedModel
    outputs: Mapping[str, Array]
    probe_outputs: Mapping[str, Array]
    frozen: Mapping[str, Array]
    lexical: Words | None
    settled: Settled
    backbone_folder: Path | None


def fit(
    judging: Judging,
    choices: Choices,
    run: RunContext,
    settled: Settled | None = None,
    *,
    suspects: Array | None = None,
) -> Fitted:
    """Fit a model to a problem.

    Args:
        judging: the problem, its balance, and the metric that decides between candidates, stops training and picks the
            best epoch.
        choices: what trains and how.
        run: journal, observer, checkpoints, stop signal.
        settled: what earlier fits chose, for a problem without validation rows; None lets validation choose.
        suspects: (n,) whether a train row's label is doubtful; only the diagnosis asks. None: none is.
    """
    from tunewright.learning.finetune import Start
    from tunewright.models.exhausted import give_back

    clock, problem = _Clock(), judging.problem
    if settled is None:
        judging.refuse_undefined()
    precision = decide_precision(problem, run, tell=True)
    frozen = frozen_features(problem, choices.pooling, precision, run)
    clock.lap("encode")
    strength = settled.strength if settled is not None else choices.probe_strength
    probe = fit_probe_of(judging, frozen, strength=strength, settled=settled)
    if settled is None:
        value = judging.natural(probe.metric)
        said = "undefined" if value is None else figure(value)
        run.tell("train", f"The probe on frozen features is ready: {judging.metric} {said} on validation.")
    clock.lap("probe")
    doubted = np.zeros(len(problem.inputs["train"]), bool) if suspects is None else suspects
    start = Start(frozen, probe, precision)
    tuned, rungs = _tuned(judging, choices, start, run, settled, suspects=doubted, spent=sum(clock.seconds.values()))
    give_back()
    clock.lap("fine-tune")
    model = _model(judging, choices, tuned.network, precision)
    answering = Answering(model=model, outputs=outputs_of(model, problem, choices.pooling))
    clock.lap("predict")
    answering = add_words(judging, answering, settled)
    clock.lap("words")
    answering = add_trees(judging, answering, settled)
    clock.lap("trees")
    outputs = answering.outputs
    decision = (
        fit_decision(problem.task, outputs["validation"], problem.targets["validation"], judging.metric)
        if settled is None
        else settled.decision
    )
    model = dataclasses.replace(answering.model, decision=decision)
    return Fitted(
        model=model,
        trained=dataclasses.replace(_trained(judging, tuned, (model, outputs), clock.seconds), rungs=rungs),
        outputs=outputs,
        probe_outputs={part: probe.outputs(x) for part, x in frozen.items()},
        frozen=frozen,
        lexical=answering.lexical,
        settled=_settled(probe, tuned, answering, decision),
        backbone_folder=problem.backbone.folder if problem.backbone else None,
    )


def _settled(probe: Probe, tuned: Tuned, answering: Answering, decision: Decision) -> Settled:
    """What validation chose, for fits that have no validation rows."""
    lexical, model = answering.lexical, answering.model
    return Settled(
        strength=probe.strength,
        scale=probe.scale,
        epochs=tuned.state.best_epoch,
        averaged=tuned.state.best_average,
        word_strength=lexical.strength if lexical is not None else None,
        share=model.lexical_share,
        decision=decision,
        tree_rounds=answering.tree_rounds,
        trees_share=model.trees_share,
    )


def _tuned(
    judging: Judging,
    choices: Choices,
    start: Start,
    run: RunContext,
    settled: Settled | None,
    *,
    suspects: Array,
    spent: float,
) -> tuple[Tuned, tuple[Rung, ...]]:
    """Fine-tune what the plan names, or climb as far as validation carries; what is settled is only repeated."""
    from tunewright.learning.finetune import fine_tune
    from tunewright.learning.ladder import climb

    if settled is not None:
        ends = {"stop_after": settled.epochs, "stop_average": settled.averaged}
        return fine_tune(judging, choices, start, run, suspects=suspects, **ends), ()
    if choices.rungs:
        climbed = climb(judging, choices, start, run, suspects=suspects, spent=spent)
        return climbed.tuned, climbed.rungs
    return fine_tune(judging, choices, start, run, suspects=suspects), ()


class _Clock:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.seconds[name] = round(now - self.last, 3)
        self.last = now


def fit_probe_of(
    judging: Judging, frozen: Mapping[str, Array], *, strength: float | None, settled: Settled | None = None
) -> Probe:
    """Fit the probe of a problem.

    Args:
        judging: the problem and its metric.
        frozen: per part, joined frozen vectors and dense features.
        strength: of its penalty, or None to choose it on validation.
        settled: what earlier fits chose, or None.
    """
    problem = judging.problem
    pair = len(problem.preprocessor.texts) == 2
    scales = (settled.scale,) if settled is not None else PAIR_SCALES if pair else TEXT_SCALES
    width = frozen["train"].shape[1] - problem.inputs["train"].dense.shape[1]
    # A pair's cosine stands last in its block and counts in full, however little the rest of the block counts.
    width -= pair
    data = ProbeData(
        frozen["train"],
        problem.targets["train"],
        judging.importance(),
        frozen.get("validation", frozen["train"][:0]),
        judging.judge,
        width,
    )
    given = (strength,) if strength is not None else None
    kind: Callable[[ProbeData], Probe]
    if isinstance(problem.task, Regression):
        kind = partial(fit_ridge_probe, penalties=given or RIDGE)
    else:
        kind = partial(
            fit_logistic_probe, loss=judging.loss, outputs=problem.task.outputs, strengths=given or STRENGTHS
        )

    def error(best: Array, other: Array) -> float:
        return difference_error(best, other, problem.targets["validation"], judging.score, seed=problem.seed)

    return fit_probe(data, kind, scales, error=error if pair else None)


def outputs_of(model: FittedModel, problem: Problem, pooling: str) -> dict[str, Array]:
    """Per judged part that has rows, the model's outputs."""
    typed = {part: problem.typed[part] for part in JUDGED if len(problem.inputs[part])}
    rows = max((len(frame) for frame in typed.values()), default=0)
    with spread_predict(model.network, problem, pooling, model.precision, rows=rows) as predict:
        return {part: model.outputs(frame, predict=predict) for part, frame in typed.items()}


def _model(judging: Judging, choices: Choices, network: Network, precision: str) -> FittedModel:
    from tunewright.models.precision import pick_device

    problem = judging.problem
    return FittedModel(
        engine=TorchEngine(network.eval(), pick_device()),
        preprocessor=problem.preprocessor,
        tokenizer=problem.tokenizer,
        task=problem.task,
        decision=Decision(),
        metric=judging.metric,
        precision=precision,
        head=choices.head,
        backbone=problem.backbone.name if problem.backbone else None,
        pooling=choices.pooling,
    )


def _trained(
    judging: Judging,
    tuned: Tuned,
    kept: tuple[FittedModel, Mapping[str, Array]],
    seconds: Mapping[str, float],
) -> TrainedModel:
    model, outputs = kept
    sign, metric, state = judging.sign, judging.metric, tuned.state
    history = natural(state.history, sign)
    candidates = {"probe": history[0].metric}
    if history[1:]:
        candidates["fine-tuned"] = max((epoch.metric for epoch in history[1:]), key=lambda value: sign * value)
    averages = [epoch.average_metric for epoch in history if epoch.average_metric is not None]
    if averages:
        candidates["averaged"] = max(averages, key=lambda value: sign * value)
    if (beside := said_beside(model)) and "validation" in outputs:
        candidates[f"with {beside}"] = sign * judging.judge(outputs["validation"])
    return TrainedModel(
        method=tuned.method,
        kept="fine-tuned" if state.best_epoch else "probe",
        why=f"{in_words(metric)} on validation: "
        + ", ".join(f"{name} {value:.4f}" for name, value in candidates.items()),
        metric=metric,
        candidates=candidates,
        history=history,
        best_epoch=state.best_epoch,
        parameters=tuned.parameters,
        trainable=tuned.trainable,
        words=model.lexical is not None,
        trees=model.trees is not None,
        averaged=state.best_average,
        precision=model.precision,
        digest=weights_digest(model.network),
        seconds=dict(seconds),
        diagnosis=None if tuned.facts is None else diagnose(history, tuned.facts),
    )


def weights_digest(network: Network) -> str:
    """SHA-256 over names and float32 values of all weights."""
    total = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        total.update(name.encode())
        total.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()
