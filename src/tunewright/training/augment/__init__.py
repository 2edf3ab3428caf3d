"""Augmentation: train rows are changed anew in every epoch. `AUGMENTATIONS` is the table of the kinds."""

from __future__ import annotations

from dataclasses import replace

from tunewright.training.augment.base import Augmentation, Pairs, draws
from tunewright.training.augment.mixup import Mixup
from tunewright.training.augment.token_dropout import TokenDropout
from tunewright.training.augment.word_swap import WordSwap
from tunewright.training.options import AugmentOptions

AUGMENTATIONS: tuple[TokenDropout | WordSwap | Mixup, ...] = (TokenDropout(), WordSwap(), Mixup())

__all__ = ["AUGMENTATIONS", "Augmentation", "Pairs", "draws", "make_augmentation", "why_idle"]


def make_augmentation(options: AugmentOptions) -> Augmentation | None:
    """The augmentation that a plan names, in its strength, or None.

    >>> make_augmentation(AugmentOptions(kind="word_swap", strength=0.3))
    WordSwap(strength=0.3)
    """
    found = next((one for one in AUGMENTATIONS if one.kind == options.kind), None)
    if found is None or options.strength == "auto":
        return found
    return replace(found, strength=options.strength)


def why_idle(augmentation: Augmentation, *, method: str, head: str, text: bool) -> str | None:
    """Why an augmentation could change nothing, or None where it can.

    Args:
        augmentation: asked for.
        method: what trains, as in `model.train`.
        head: linear, mlp or auto.
        text: whether the rows have texts.

    >>> why_idle(Mixup(), method="head", head="linear", text=True)
    'a linear head trains alone: it is the probe, which is solved and has no epochs'
    """
    if augmentation.of_texts and not text:
        return "there is no text column"
    if augmentation.of_texts and method == "head":
        return "only a head trains: it learns from vectors of the texts as they are"
    if method == "head" and head == "linear":
        return "a linear head trains alone: it is the probe, which is solved and has no epochs"
    return None
