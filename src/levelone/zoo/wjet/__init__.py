"""The system wjet: jets of W bosons, or of quarks and gluons."""

from __future__ import annotations

from levelone.zoo.wjet.system import WJet

SYSTEM = WJet()

__all__ = ["SYSTEM"]
