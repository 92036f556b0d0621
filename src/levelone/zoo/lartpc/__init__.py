"""The system lartpc: which pixel of a liquid-argon event is track, which is shower."""

from __future__ import annotations

from levelone.zoo.lartpc.system import Lartpc

SYSTEM = Lartpc()

__all__ = ["SYSTEM"]
