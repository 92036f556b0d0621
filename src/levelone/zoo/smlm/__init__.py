"""The system smlm: where the molecules are in a frame of a microscope."""

from __future__ import annotations

from levelone.zoo.smlm.system import Smlm

SYSTEM = Smlm()

__all__ = ["SYSTEM"]
