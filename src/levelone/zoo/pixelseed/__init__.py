"""The system pixelseed: pixel hits on neighbouring layers, from the same particle or not."""

from __future__ import annotations

from levelone.zoo.pixelseed.system import PixelSeed

SYSTEM = PixelSeed()

__all__ = ["SYSTEM"]
