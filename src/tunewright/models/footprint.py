"""What a transformer's passes take, by arithmetic: L layers of width H with A heads, S tokens a row, b bytes a number.

Source: Korthikanti et al. 2022, Reducing Activation Recomputation in Large Transformer Models, without dropout masks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A backbone as its memory sees it.

    Args:
        width: H.
        layers: L.
        heads: A.
        bytes: b, 2 in bfloat16, 4 in float32.
    """

    width: int
    layers: int
    heads: int
    bytes: int

    def training(self, rows: int, longest: int) -> float:
        """Bytes of the activations that a backward pass needs: b L B S (17 H + 2 A S)."""
        return float(self.bytes * self.layers * rows * longest * (17 * self.width + 2 * self.heads * longest))

    def checkpointed(self, rows: int, longest: int) -> float:
        """The same with gradient checkpointing: the blocks' inputs, and the inside of one."""
        inside = self.training(rows, longest) / max(self.layers, 1)
        return inside + self.bytes * self.layers * rows * longest * self.width

    def evaluation(self, tokens: int, longest: int) -> float:
        """Bytes that a forward pass over so many tokens holds at its widest: b n (12 H + 3 A S)."""
        return float(self.bytes * tokens * (12 * self.width + 3 * self.heads * longest))


def shape_of(folder: Path, *, width: int, layers: int, bytes: int) -> Shape:
    """The shape of a backbone whose config.json stands in that folder."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    heads = int(config.get("num_attention_heads") or config.get("n_heads") or max(width // 64, 1))
    return Shape(width=width, layers=layers, heads=heads, bytes=bytes)
