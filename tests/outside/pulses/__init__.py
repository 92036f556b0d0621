"""The system pulses: one pulse in a waveform, or two."""

from pulses.system import Pulses

SYSTEM = Pulses()

__all__ = ["SYSTEM"]
