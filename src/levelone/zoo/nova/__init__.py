"""The system nova: which neutrino interacted in a segmented scintillator detector."""

from __future__ import annotations

from levelone.zoo.nova.system import Nova

SYSTEM = Nova()

__all__ = ["SYSTEM"]
