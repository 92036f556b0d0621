"""The system bandgap: the band gap of a surface at every pixel of its topograph."""

from __future__ import annotations

from levelone.zoo.bandgap.system import Bandgap

SYSTEM = Bandgap()

__all__ = ["SYSTEM"]
