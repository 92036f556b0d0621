"""Particles on their way, and what they leave behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import ELECTRON_MEV, MUON_MEV, PION_MEV, PROTON_MEV, Floats


class Kind(IntEnum):
    """What a signal comes from; files number origins in this order."""

    ELECTRON = 0
    PHOTON = 1
    MUON = 2
    PION = 3
    PROTON = 4
    KNOCK_ON = 5
    MICHEL = 6


TRACKS = (Kind.MUON, Kind.PION, Kind.PROTON)
SHOWERS = tuple(kind for kind in Kind if kind not in TRACKS)
MASS = {Kind.MUON: MUON_MEV, Kind.PION: PION_MEV, Kind.PROTON: PROTON_MEV, Kind.ELECTRON: ELECTRON_MEV}


class Table:
    """Arrays of equal length under names."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]


Rows = TypeVar("Rows", bound=Table)


def take(table: Rows, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
    """The chosen rows."""
    return type(table)(*(getattr(table, each.name)[chosen] for each in fields(table)))  # type: ignore[arg-type]


def join(parts: Sequence[Rows]) -> Rows:
    """All of `parts`, at least one."""
    names = [each.name for each in fields(parts[0])]  # type: ignore[arg-type]
    return type(parts[0])(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class Particles(Table):
    """Electrons, photons, muons, charged pions, protons.

    Attributes
    ----------
    event, kind
        [n]; `Kind` is what their signal will count as.
    energy
        Kinetic, MeV, [n].
    position
        cm, [n, 3].
    direction
        Unit vectors [n, 3].
    """

    event: NDArray[np.int64]
    kind: NDArray[np.int64]
    energy: Floats
    position: Floats
    direction: Floats

    @staticmethod
    def none() -> Particles:
        """No particle."""
        empty = np.zeros(0, np.int64)
        return Particles(empty, empty, np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3)))


@dataclass(frozen=True)
class Deposits(Table):
    """Signal left: `event`, `kind` [m], `position` (cm, [m, 3]), `signal` [m] in the unit of the matter."""

    event: NDArray[np.int64]
    kind: NDArray[np.int64]
    position: Floats
    signal: Floats

    @staticmethod
    def none() -> Deposits:
        """No deposit."""
        empty = np.zeros(0, np.int64)
        return Deposits(empty, empty, np.zeros((0, 3)), np.zeros(0))


def anywhere(count: int, rng: np.random.Generator) -> Floats:
    """Directions that prefer none, [count, 3]."""
    cosine, azimuth = rng.uniform(-1, 1, count), rng.uniform(0, 2 * np.pi, count)
    across = np.sqrt(1 - cosine**2)
    return np.stack([across * np.cos(azimuth), across * np.sin(azimuth), cosine], axis=1)
