"""How large a U-Net is (`levelone.zoo.kit.unet`), and what its layers are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decoder = Literal["transposed", "upsample"]
"""Up again by transposed convolutions, or by repeated pixels and a convolution."""


@dataclass(frozen=True)
class UNetShape:
    """What a U-Net is called and how large it is.

    Attributes
    ----------
    input, output
        Names of the image that it is given, and of its answer (the last layer).
    signed
        Whether pixels can be below 0.
    pixels
        Rows and columns of the image; every level but the last halves them.
    channels
        Of each level.
    """

    input: str
    output: str
    signed: bool
    pixels: int
    channels: tuple[int, ...]
    decoder: Decoder

    @property
    def weighted(self) -> tuple[str, ...]:
        """Names of the layers whose widths a recipe may choose."""
        levels = range(len(self.channels))
        down = [f"down{level}" for level in levels[1:]]
        blocks = [f"block{level}{part}" for level in levels for part in ("a", "b", "")]
        up = [f"{part}{level}" for level in levels[:-1] for part in ("up", "merge")]
        return ("enter", *down, *blocks, *up, self.output)
