"""Published jets of quarks and gluons as lists of particles, read as images.

P. Komiske, E. Metodiev, J. Thaler, "Pythia8 Quark and Gluon Jets for Energy Flow",
doi:10.5281/zenodo.3164691, and the same of Herwig 7, doi:10.5281/zenodo.3066475: files of numpy (.npz) with
100,000 jets each, R = 0.4, 500 to 550 GeV, rapidity within 1.7, from collisions that end in a Z boson and one
jet. `X` [jets, most particles, 4] holds transverse momentum (GeV), rapidity, azimuth and code of the Particle
Data Group of each particle, filled up with zeros; `y` [jets] is 1 for quarks and 0 for gluons.

Rapidity stands where the simulation here has pseudorapidity. Particles with codes of electrons, muons, pions,
kaons and protons are charged, all others neutral, neutrinos left out. Nothing in a file says which split a
jet is of, or in which order they are: they are divided at random, and a part of a split is taken from all
over it. Particles are read when the first jet is asked for, and held.
"""

from __future__ import annotations

import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data import hdf
from levelone.data.imagecheck import ImageSpec, ListSpec
from levelone.data.imagerows import ImageRows
from levelone.data.images import ImageBatch
from levelone.data.splitting import SPLITS, shuffled_split_codes
from levelone.errors import LeveloneError
from levelone.rows import Rows, open_rows
from levelone.simulate.jets.clustering import FourMomenta, Momenta
from levelone.simulate.jets.particles import CHARGED, NEUTRINOS
from levelone.simulate.qgjet.events import described
from levelone.simulate.qgjet.generator import COLUMNS, COUNT, PT

MOST_JETS, MOST_PARTICLES = 10_000_000, 4096
MOST_GEV, MOST_RAPIDITY, MOST_ANGLE, MOST_CODE = 1e5, 20.0, 20.0, 1e10
SLAB = 2048
"""Jets read at a time."""
_PARTS = ("transverse momenta", "rapidities", "azimuths", "codes")


@dataclass(frozen=True)
class _Particles:
    """Of all jets: `starts` [jets + 1] says where the particles of each begin; pt, y, phi, charged [n]."""

    starts: NDArray[np.int64]
    pt: NDArray[np.float32]
    y: NDArray[np.float32]
    phi: NDArray[np.float32]
    charged: NDArray[np.bool_]


class EnergyFlowJets(ImageRows):
    """A file; see `levelone.data.opening.ImageEvents`.

    Attributes
    ----------
    images, maps, lists, columns, provenance
        What there is of every jet, and where the jets come from.

    Raises
    ------
    LeveloneError
        If the file has another layout; when jets are read, if they hold what no jet can.
    """

    ordered = True

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as stack:
            arrays = self._arrays(stack)
            shape = self._layout(arrays)
            label = np.asarray(arrays["y"].take(shape[0]))
        hdf.check_values(path, "y", label.astype(np.float64), 0, 1, "its values")
        if np.any(label != np.rint(label)):
            raise LeveloneError(f"{path}: 'y' holds other values than 0 and 1")
        self.events = shape[0]
        self._label = label.astype(np.uint8)
        self._split = shuffled_split_codes(self.events)
        self.images: dict[str, ImageSpec] = {spec.name: spec for spec in (PT, COUNT)}
        self.maps: dict[str, ImageSpec] = {}
        self.lists: dict[str, ListSpec] = {}
        self.columns = {column.name: column for column in COLUMNS}
        self.provenance: dict[str, Any] = {
            "source": "quark and gluon jets published with arXiv:1810.05165, doi:10.5281/zenodo.3164691",
            "jets": self.events,
        }

    def close(self) -> None:
        """Nothing is open."""

    def _arrays(self, stack: ExitStack) -> dict[str, Rows]:
        """`X` and `y`; `stack` closes the file."""
        held, found = open_rows(self.path, stack), {}
        for name, axes in (("X", "[jets, particles, 4]"), ("y", "[jets]")):
            if name not in held:
                raise LeveloneError(f"{self.path}: array '{name}' is missing", hint=f"expected {name} {axes}")
            found[name] = held[name]()
            if found[name].dtype.kind not in "fiub":
                raise LeveloneError(f"{self.path}: array '{name}' is {found[name].dtype}; expected numbers")
        return found

    def _layout(self, arrays: dict[str, Rows]) -> tuple[int, int]:
        """Jets, and the most particles of one."""
        shape, labels = arrays["X"].shape, arrays["y"].shape
        if len(shape) != 3 or shape[2] != len(_PARTS) or labels != shape[:1]:
            raise LeveloneError(
                f"{self.path}: 'X' has shape {shape}, 'y' {labels}; expected (jets, particles, 4) and (jets)"
            )
        jets, particles, _ = shape
        if not len(SPLITS) <= jets <= MOST_JETS or not 1 <= particles <= MOST_PARTICLES:
            raise LeveloneError(
                f"{self.path}: {jets} jets of at most {particles} particles; {len(SPLITS)} to {MOST_JETS:,} "
                f"jets of at most {MOST_PARTICLES:,} are read"
            )
        return jets, particles

    @cached_property
    def _particles(self) -> _Particles:
        counts, parts = [], []
        with ExitStack() as stack:
            rows = open_rows(self.path, stack)["X"]()
            for start in range(0, self.events, SLAB):
                slab = rows.take(min(SLAB, self.events - start)).astype(np.float64)
                self._check(slab, start)
                code = np.abs(slab[:, :, 3])
                seen = (slab[:, :, 0] > 0) & ~np.isin(code, NEUTRINOS)
                counts.append(seen.sum(1))
                if not counts[-1].all():
                    jet = start + int(np.argmin(counts[-1]))
                    raise LeveloneError(f"{self.path}: 'X': jet {jet} holds no particles")
                pt, y, phi = (slab[:, :, part][seen].astype(np.float32) for part in range(3))
                parts.append((pt, y, phi, np.isin(code[seen], CHARGED)))
        held = (np.concatenate(part) for part in zip(*parts, strict=True))
        return _Particles(np.concatenate([[0], np.cumsum(np.concatenate(counts))]), *held)

    def _check(self, slab: NDArray[np.float64], start: int) -> None:
        limits = ((0.0, MOST_GEV), *((-most, most) for most in (MOST_RAPIDITY, MOST_ANGLE, MOST_CODE)))
        for part, ((low, high), what) in enumerate(zip(limits, _PARTS, strict=True)):
            hdf.check_values(self.path, "X", slab[:, :, part], low, high, what, start)

    def _batch(self, rows: NDArray[np.int64]) -> ImageBatch:
        held = self._particles
        counts = held.starts[rows + 1] - held.starts[rows]
        jet = np.repeat(np.arange(len(rows)), counts)
        place = np.arange(len(jet)) - np.repeat(np.cumsum(counts) - counts, counts) + held.starts[rows][jet]
        pt, y, phi = (values[place].astype(np.float64) for values in (held.pt, held.y, held.phi))
        inside = Momenta(pt, y, phi, jet, len(rows))
        parts = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(y), pt * np.cosh(y))
        whole = FourMomenta(*parts).sums(jet, len(rows))
        jets = described(inside, held.charged[place], whole, self._label[rows])
        return ImageBatch(rows, dict(jets.images), {}, {}, dict(jets.columns))


@dataclass(frozen=True)
class EnergyFlowReader:
    """See `levelone.data.opening.Reader`."""

    holds: str = "images"

    def sniff(self, path: Path) -> bool:
        try:
            with zipfile.ZipFile(path) as archive:
                return {"X.npy", "y.npy"} <= set(archive.namelist())
        except (OSError, zipfile.BadZipFile):
            return False

    def open(self, path: Path) -> EnergyFlowJets:
        return EnergyFlowJets(path)


READER = EnergyFlowReader()
