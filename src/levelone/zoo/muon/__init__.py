"""The system muon: energies of muons from their radiative losses."""

from __future__ import annotations

from levelone.zoo.muon.system import Muon

SYSTEM = Muon()

__all__ = ["SYSTEM"]
