"""The system next: one electron or two in a xenon chamber."""

from __future__ import annotations

from levelone.zoo.next.system import Next

SYSTEM = Next()

__all__ = ["SYSTEM"]
