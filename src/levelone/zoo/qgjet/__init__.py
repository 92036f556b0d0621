"""The system qgjet: jets of light quarks, or of gluons."""

from __future__ import annotations

from levelone.zoo.qgjet.system import QGJet

SYSTEM = QGJet()

__all__ = ["SYSTEM"]
