"""Gradient checkpointing: a transformer block forgets what it computed and computes it again for the backward pass.

Memory falls from all activations to the blocks' inputs and one block's inside; time grows by about one forward pass.
Source: Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

_BLOCK = re.compile(r"(?:^|\.)(?:layer|layers|h|block|blocks)\.\d+$")


def blocks_of(module: nn.Module) -> list[nn.Module]:
    """The transformer blocks of an encoder by the names that transformers gives them; none where it names them else."""
    found: dict[str, nn.Module] = {}
    for name, part in module.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if _BLOCK.search(name) and not inside:
            found[name] = part
    return list(found.values())


def set_checkpointing(module: nn.Module | None, on: bool) -> bool:
    """Switch it for all blocks of a module; returns whether it is on.

    Works on any model whose blocks have the usual names, of any version of transformers and under peft: the blocks'
    `forward` is wrapped, in training mode and where gradients are kept. Results stay what they are: dropout draws the
    same masks again.

    Args:
        module: the encoder, or None.
        on: whether to.

    >>> set_checkpointing(nn.ModuleDict({"layer": nn.ModuleList([nn.Linear(2, 2)])}), True)
    True
    >>> set_checkpointing(nn.Linear(2, 2), True)
    False
    """
    blocks = blocks_of(module) if module is not None else []
    for block in blocks:
        block.__dict__.pop("forward", None)  # an older wrapping; the class's own comes back
        if on:
            block.forward = partial(_forward, block, block.forward)
    return on and bool(blocks)


def is_checkpointing(module: nn.Module) -> bool:
    """Whether it is on.

    >>> blocks = nn.ModuleDict({"layer": nn.ModuleList([nn.Linear(2, 2)])})
    >>> is_checkpointing(blocks), set_checkpointing(blocks, True), is_checkpointing(blocks)
    (False, True, True)
    """
    return any("forward" in block.__dict__ for block in blocks_of(module))


def _forward(block: nn.Module, compute: Callable[..., Any], *given: Any, **named: Any) -> Any:
    if block.training and torch.is_grad_enabled():
        return checkpoint(compute, *given, use_reentrant=False, **named)
    return compute(*given, **named)
