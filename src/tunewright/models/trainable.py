"""What trains: head | layers:N | lora | full. Sets `requires_grad`; everything else stays frozen.

The word embedding table is frozen in every method: half of the weights, a batch touches under 2 % of them, and a dense
optimiser would move 28 bytes for each of them at every step.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from torch import nn

from tunewright.errors import ModelError
from tunewright.models.network import Network

_BLOCK = re.compile(r"\b(?:layer|layers|h|block|blocks)\.(\d+)\.")
_DROPOUT = re.compile(r"(?:\w+_)?dropout(?:_p|_prob|_rate)?")


def choose_trainable(network: Network, method: str, *, seed: int = 0) -> None:
    """Freeze everything, then free what `method` names; the head always trains.

    Raises:
        ModelError: `layers:N` asks for more layers than there are.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in network.head.parameters():
        parameter.requires_grad_(True)
    if network.encoder is None or method == "head":
        return
    if method == "lora":
        _add_lora(network, seed)
    elif method == "full":
        _free_above(network.encoder.model, 0)
        _free_embeddings_but_table(network.encoder.model)
    else:
        _free_top(network.encoder.model, int(method.partition(":")[2]))


def merge_lora(network: Network) -> None:
    """Fold LoRA matrices into the weights, so that what is evaluated and exported is a standard model."""
    if network.encoder is not None and hasattr(network.encoder.model, "merge_and_unload"):
        network.encoder.model = network.encoder.model.merge_and_unload()


def layer_depths(network: Network) -> dict[str, int]:
    """How many layers that train lie above each parameter that trains, by its name; 0 for the head and the top layer.

    What stands before the numbered layers (a norm of the embeddings) lies one below the lowest of them, what stands
    behind them (a last norm) belongs to the top one. Layers that do not train are not counted.
    """
    head = {id(p) for p in network.head.parameters()}
    found = [(name, p, _BLOCK.search(name)) for name, p in network.named_parameters()]
    last = max((int(match[1]) for _, _, match in found if match), default=0)
    levels: dict[str, int] = {}
    seen = not any(match for _, _, match in found)  # without numbers all is one layer
    for name, parameter, match in found:
        seen = seen or match is not None
        level = last if id(parameter) in head or (seen and not match) else int(match[1]) if match else -1
        if parameter.requires_grad:
            levels[name] = level
    order = sorted(set(levels.values()), reverse=True)
    return {name: order.index(level) for name, level in levels.items()}


def frozen_blocks(model: Any, method: str) -> int:
    """How many transformer blocks, counted from the token embeddings, a method leaves as they are.

    Embeddings and blocks under the first that trains give the same states in every epoch: they need no second pass.
    """
    if not method.startswith("layers:"):
        return 0
    return max(_blocks(model) - int(method.partition(":")[2]), 0)


def lowest_free(module: nn.Module) -> int:
    """The number of the lowest block in which anything trains; 0 where blocks have no numbers."""
    named = [(_BLOCK.search(name), p) for name, p in module.named_parameters()]
    return min((int(match[1]) for match, parameter in named if match and parameter.requires_grad), default=0)


def set_dropout(module: nn.Module, probability: float, *, first: int = 0) -> None:
    """Set every dropout layer of a module, and every share of dropout that a layer keeps as a plain number.

    What lies under block `first` is frozen and drops nothing: dropout regularises weights that train, in front of them
    it is noise in what should be fixed features, and it would keep frozen layers from being computed once.
    """
    for name, layer in module.named_modules():
        match = _BLOCK.search(f"{name}.")
        share = probability if first == 0 or (match and int(match[1]) >= first) else 0.0
        if isinstance(layer, nn.Dropout):
            layer.p = share
        for attribute, value in list(vars(layer).items()):
            # Some backbones hand the share in their attention on to a function: `self.attention_dropout = 0.1`.
            if isinstance(value, float) and _DROPOUT.fullmatch(attribute):
                setattr(layer, attribute, share)


def _blocks(model: Any) -> int:
    found = [int(match[1]) for name, _ in model.named_parameters() if (match := _BLOCK.search(name))]
    return max(found) + 1 if found else 0


def _free_above(model: Any, first: int) -> None:
    for name, parameter in model.named_parameters():
        match = _BLOCK.search(name)
        if match and int(match[1]) >= first:
            parameter.requires_grad_(True)


def _free_top(model: Any, count: int) -> None:
    blocks = _blocks(model)
    if not 1 <= count <= blocks:
        raise ModelError(
            f"model.train: layers:N needs 1 <= N <= {blocks} for this backbone. Got layers:{count}. "
            "Choose a smaller N or `full`."
        )
    _free_above(model, blocks - count)


def _free_embeddings_but_table(model: Any) -> None:
    table = {id(p) for layer in model.modules() if isinstance(layer, nn.Embedding) for p in layer.parameters()}
    for name, parameter in model.named_parameters():
        if id(parameter) not in table and "pooler" not in name:
            parameter.requires_grad_(True)


def _add_lora(network: Network, seed: int) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    assert network.encoder is not None
    # LoRA's A matrices are random: the same seed must give the same start, also after a resume.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft asks transformers by a name that transformers has renamed; nobody here can do anything about it.
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        network.encoder.model = get_peft_model(
            network.encoder.model,
            LoraConfig(
                r=16,
                lora_alpha=32,
                lora_dropout=0.0,
                target_modules="all-linear",
                exclude_modules=r".*pooler.*",  # its output is never read
                bias="none",
            ),
        )
