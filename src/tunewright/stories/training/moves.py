"""What an improvement round may try, and in which order: `MOVES` is the table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tunewright.learning.recipes import Choices
from tunewright.plan import Plan
from tunewright.search.options import Value

ADVISED = 3.0  # how much likelier a move helps that the diagnosis asks for
MOST_EPOCHS = 24
Changes = Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something to try.

    Args:
        kind: its name.
        answers: advice of a diagnosis that it follows.
        gain: points that it gives where it helps: a guess that only orders the moves.
        cost: in trainings of the present recipe.
        change: the plan and what its `auto`s came to, to other values; None where there is nothing to change.
    """

    kind: str
    answers: tuple[str, ...]
    gain: float
    cost: float
    change: Callable[[Plan, Choices], Changes | None]


def _tunes(choices: Choices) -> bool:
    """Whether more than a probe is fitted."""
    return choices.method != "head" or choices.head != "linear"


def _slower(plan: Plan, choices: Choices) -> Changes | None:
    return {"training.learning_rate": choices.recipe.learning_rate / 3} if _tunes(choices) else None


def _faster(plan: Plan, choices: Choices) -> Changes | None:
    return {"training.learning_rate": choices.recipe.learning_rate * 3} if _tunes(choices) else None


def _longer(plan: Plan, choices: Choices) -> Changes | None:
    epochs = min(2 * choices.recipe.epochs, MOST_EPOCHS)
    return {"training.epochs": float(epochs)} if _tunes(choices) and epochs > choices.recipe.epochs else None


def _regularise(plan: Plan, choices: Choices) -> Changes | None:
    if choices.method == "head":
        return {"training.head_dropout": 0.3, "training.weight_decay": 0.1} if _tunes(choices) else None
    return {"training.dropout": 0.1, "training.weight_decay": 0.1} if choices.recipe.dropout == 0 else None


def _smooth(plan: Plan, choices: Choices) -> Changes | None:
    return {"training.label_smoothing": 0.1} if _tunes(choices) and plan.training.label_smoothing == 0 else None


def _fewer_layers(plan: Plan, choices: Choices) -> Changes | None:
    return {"model.train": "layers:2"} if choices.method in ("full", "lora") else None


def _more_layers(plan: Plan, choices: Choices) -> Changes | None:
    return {"model.train": "full"} if choices.method.startswith("layers") or choices.method == "lora" else None


def _swap_words(plan: Plan, choices: Choices) -> Changes | None:
    return {"augment.kind": "word_swap"} if choices.method != "head" and plan.augment.kind == "auto" else None


def _mix(plan: Plan, choices: Choices) -> Changes | None:
    return {"augment.kind": "mixup"} if _tunes(choices) and plan.augment.kind == "auto" else None


def _other_head(plan: Plan, choices: Choices) -> Changes | None:
    if choices.method == "head" and choices.head == "mlp" and choices.recipe.augment is not None:
        return None  # a linear head alone has no epochs, and would feel no augmentation
    return {"model.head": "linear" if choices.head == "mlp" else "mlp"}


def _rank_numbers(plan: Plan, choices: Choices) -> Changes | None:
    return {"preprocess.numbers": "quantile"} if plan.preprocess.numbers != "quantile" else None


MOVES: tuple[Move, ...] = (
    Move(kind="lower learning rate", answers=("lower_learning_rate",), gain=0.5, cost=1.0, change=_slower),
    Move(kind="higher learning rate", answers=("higher_learning_rate",), gain=0.5, cost=1.0, change=_faster),
    Move(kind="more epochs", answers=("more_epochs",), gain=0.5, cost=2.0, change=_longer),
    Move(kind="dropout and weight decay", answers=("more_regularisation",), gain=0.3, cost=1.2, change=_regularise),
    Move(kind="label smoothing", answers=("more_regularisation", "check_labels"), gain=0.3, cost=1.0, change=_smooth),
    Move(kind="fewer trainable layers", answers=("fewer_trainable_layers",), gain=0.2, cost=0.6, change=_fewer_layers),
    Move(kind="more trainable layers", answers=("more_trainable_layers",), gain=0.5, cost=1.5, change=_more_layers),
    Move(kind="swap words", answers=("more_regularisation", "more_data"), gain=0.4, cost=1.3, change=_swap_words),
    Move(kind="mixup", answers=("more_regularisation", "more_data"), gain=0.3, cost=1.0, change=_mix),
    Move(kind="another head", answers=(), gain=0.2, cost=1.0, change=_other_head),
    Move(kind="numbers by rank", answers=(), gain=0.2, cost=1.0, change=_rank_numbers),
)


def next_move(
    plan: Plan,
    choices: Choices,
    *,
    advice: Sequence[str],
    tried: Iterable[str],
    numbers: bool,
    more: Sequence[Move] = (),
) -> tuple[Move, Changes] | None:
    """The untried move of the best expected gain per cost, with the values it would set.

    Args:
        plan: as it stands.
        choices: what its `auto`s came to.
        advice: of the diagnosis, most likely first.
        tried: kinds of moves that were tried.
        numbers: whether the data has number columns.
        more: moves beside those of the table, made for this data.
    """
    best: tuple[float, Move, Changes] | None = None
    for move in (*MOVES, *more):
        if move.kind in tried or (move.change is _rank_numbers and not numbers):
            continue
        changes = move.change(plan, choices)
        if not changes:
            continue
        worth = move.gain * (ADVISED if set(move.answers) & set(advice) else 1.0) / move.cost
        if best is None or worth > best[0]:
            best = worth, move, changes
    return None if best is None else best[1:]
