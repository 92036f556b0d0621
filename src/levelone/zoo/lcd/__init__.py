"""The system lcd: energy and kind of single particles."""

from __future__ import annotations

from levelone.zoo.lcd.system import Lcd

SYSTEM = Lcd()

__all__ = ["SYSTEM"]
