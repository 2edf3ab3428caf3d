"""Every `auto` of model and training, decided from the data and the backbone, with a reason each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from tunewright.learning.problem import Problem
from tunewright.models.options import ModelOptions
from tunewright.tasks import Regression
from tunewright.training.augment import Augmentation, make_augmentation, why_idle
from tunewright.training.levers import idle_levers, unfelt
from tunewright.training.options import AugmentOptions, TrainingOptions
from tunewright.training.recipe import Recipe

MOST_BATCH_TOKENS = 8192
NO_AUGMENT = AugmentOptions()
# With fewer validation rows, half a point is less than three of them: that none changed its answer excludes no gain.
FEWEST_ROWS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What trains and how.

    Args:
        method: head | layers:N | lora | full.
        head: linear | mlp.
        pooling: mean | cls | max.
        head_dropout: in the head.
        probe_strength: C of the probe, for values its ridge penalty; None: chosen on validation.
        recipe: the training recipe.
        notes: a sentence per automatic choice.
        rungs: what is tried one after the other above the probe, `method` last; empty where that was given.
        minutes: in which the last of them has to end, or None.
    """

    method: str
    head: str
    pooling: str
    head_dropout: float
    probe_strength: float | None
    recipe: Recipe
    notes: tuple[str, ...]
    rungs: tuple[str, ...] = ()
    minutes: float | None = None


def choose(
    problem: Problem,
    model: ModelOptions,
    training: TrainingOptions,
    augment: AugmentOptions = NO_AUGMENT,
    *,
    ladder: bool = True,
    minutes: float | None = None,
) -> Choices:
    """Resolve what the plan left to `auto`.

    The learning rate is 2e-4 for a width of 384, as first studies of all-MiniLM-L6-v2 found good, and falls with width
    as published BERT recipes do; rows per batch grow with the data so that small sets still get a few hundred updates.
    """
    notes: list[str] = []
    method, rungs = model.train, tuple[str, ...]()
    if problem.backbone is None:
        method = "head"
        notes.append("No text column: only the head trains.")
    elif method == "auto":
        method = "full"
        how = "full"
        if ladder:
            rungs = _rungs(problem, training.epochs, minutes)
        if rungs[1:]:
            how = f"from the probe to {', then '.join(rungs)}, unless validation rows exclude a gain"
        notes.append(f"model.train: {how}; the word embeddings stay frozen, and the probe is kept if it is better.")
    dense = problem.inputs["train"].dense.shape[1]
    head = model.head
    if head == "auto":
        head = "mlp" if dense else "linear"
        notes.append(f"model.head: {head}, since there are {'table columns' if dense else 'only texts'}.")
    pooling: str = model.pooling
    if pooling == "auto":
        pooling = problem.backbone.pooling if problem.backbone else "mean"
    recipe = _recipe(problem, training, method)
    notes.append(
        "The head is the probe, the optimum of what trains: there are no epochs."
        if method == "head" and head == "linear"
        else f"{recipe.epochs} epochs at most, {recipe.batch_rows} rows a batch, "
        f"peak learning rate {recipe.learning_rate:.2g}, dropout {recipe.dropout:g}."
    )
    if recipe.gradient_checkpointing is True:
        idle = "changes nothing, since only a head trains" if method == "head" else "on: less memory, more time"
        notes.append(f"training.gradient_checkpointing: {idle}.")
    augmentation = _augmentation(problem, augment, method, head, notes)
    recipe = _with_levers(replace(recipe, augment=augmentation), problem, training, (method, head), notes)
    return Choices(
        method=method,
        head=head,
        pooling=pooling,
        head_dropout=training.head_dropout,
        probe_strength=_probe_strength(problem, training),
        recipe=recipe,
        notes=tuple(notes),
        rungs=rungs,
        minutes=minutes,
    )


def _rungs(problem: Problem, epochs: int | str, minutes: float | None) -> tuple[str, ...]:
    """All layers, and before them the top half where trying that for an epoch can end the climb."""
    assert problem.backbone is not None
    half, rows = problem.backbone.layers // 2, len(problem.targets["validation"])
    decides = rows >= FEWEST_ROWS or minutes is not None
    return (f"layers:{half}", "full") if half and decides and epochs != 1 else ("full",)


def _augmentation(
    problem: Problem, options: AugmentOptions, method: str, head: str, notes: list[str]
) -> Augmentation | None:
    """What the plan asks for where it can change anything; a remedy may have removed what it would change."""
    found = make_augmentation(options)
    if found is None:
        return None
    if why := why_idle(found, method=method, head=head, text=problem.backbone is not None):
        notes.append(f"augment: {found.kind} changes nothing, since {why}.")
        return None
    notes.append(f"augment: {found.kind}; {found.says} {found.strength:g}.")
    return found


def _with_levers(
    recipe: Recipe, problem: Problem, training: TrainingOptions, trains: tuple[str, str], notes: list[str]
) -> Recipe:
    """Unfreezing and averaging where they can do anything; a remedy may have removed the texts whose layers trained."""
    method, head = trains
    idle = dict(idle_levers(training, method=method, head=head))
    notes += [f"training.{name} changes nothing, since {why}." for name, why in idle.items()]
    notes += unfelt(training, method=method, labels=not isinstance(problem.task, Regression))
    unfreeze = "none" if "unfreeze" in idle else training.unfreeze
    averaging = "none" if "averaging" in idle else training.averaging
    if unfreeze != "none":
        notes.append("training.unfreeze: the top layer first, all layers once half of the epochs are done.")
    if averaging == "ema":
        notes.append(f"training.averaging: a moving average of the weights, decay {recipe.ema_decay:.4g}, is tried.")
    if averaging == "epochs":
        notes.append("training.averaging: the mean of the weights at the ends of epochs is tried.")
    return replace(recipe, unfreeze=unfreeze, averaging=averaging)


def _probe_strength(problem: Problem, training: TrainingOptions) -> float | None:
    if training.probe_C == "auto":
        return None
    return 1 / float(training.probe_C) if isinstance(problem.task, Regression) else float(training.probe_C)


def _recipe(problem: Problem, training: TrainingOptions, method: str) -> Recipe:
    lengths = problem.inputs["train"].lengths
    rows = _batch_rows(len(lengths))
    if training.batch_tokens == "auto":
        tokens = min(MOST_BATCH_TOKENS, rows * int(lengths.max()))
    else:
        tokens = int(training.batch_tokens)
        rows = max(int(tokens / lengths.mean()), 1)
    return Recipe(
        epochs=_epochs(method) if training.epochs == "auto" else int(training.epochs),
        batch_rows=rows,
        batch_tokens=max(tokens, int(lengths.max())),
        learning_rate=_learning_rate(problem, method)
        if training.learning_rate == "auto"
        else float(training.learning_rate),
        layer_decay=training.layer_decay,
        ema_decay=_ema_decay(len(lengths), rows) if training.ema_decay == "auto" else float(training.ema_decay),
        weight_decay=training.weight_decay,
        dropout=0.0 if training.dropout == "auto" else float(training.dropout),
        label_smoothing=training.label_smoothing,
        early_stopping=_patience(training.early_stopping, method),
        parallel=training.parallel,
        seed=problem.seed,
        gradient_checkpointing=training.gradient_checkpointing,
    )


def _batch_rows(rows: int) -> int:
    """Powers of two between 16 and 128: the first that is at least 1/150 of the rows.

    >>> [_batch_rows(n) for n in (300, 5_000, 50_000)]
    [16, 64, 128]
    """
    size = 16
    while size < 128 and size * 150 < rows:
        size *= 2
    return size


def _ema_decay(rows: int, batch_rows: int) -> float:
    """The decay of a moving average that looks back over the updates of half an epoch, two at least.

    >>> [_ema_decay(n, 16) for n in (320, 3200, 5)]
    [0.9, 0.99, 0.5]
    """
    return 1 - 1 / max(rows / batch_rows / 2, 2)


def _epochs(method: str) -> int:
    return 60 if method == "head" else 4


def _patience(epochs: int, method: str) -> int:
    # A head-only epoch costs a fraction of a second and moves little.
    return epochs * 5 if method == "head" else epochs


def _learning_rate(problem: Problem, method: str) -> float:
    if method == "head" or problem.backbone is None:
        return 1e-3
    scaled = 2e-4 * math.pow(384 / problem.backbone.width, 1.5)
    return scaled * 5 if method == "lora" else scaled
