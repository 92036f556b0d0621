"""The system showergan: showers from noise."""

from __future__ import annotations

from levelone.zoo.showergan.system import ShowerGan

SYSTEM = ShowerGan()

__all__ = ["SYSTEM"]
