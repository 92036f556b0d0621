"""Sequential recombination of many groups of momenta at once, by FastJet."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.simulate.materials import Floats
from levelone.simulate.pythia import INSTALL_HINT

Rows = NDArray[np.int64]
Algorithm = Literal["antikt", "kt"]


def load_fastjet() -> Any:
    """FastJet, which says nothing of itself on the terminal.

    Raises
    ------
    LeveloneError
        If it is not installed.
    """
    try:
        import awkward  # noqa: F401
        import fastjet
        from fastjet import _swig
    except ImportError as error:
        raise LeveloneError(
            "clustering jets needs the package fastjet, which is not installed", hint=INSTALL_HINT
        ) from error
    _swig.ClusterSequence.set_fastjet_banner_stream(None)
    return fastjet


@dataclass(frozen=True)
class Momenta:
    """n momenta without mass, in `groups` groups that know nothing of each other.

    Attributes
    ----------
    pt, eta, phi
        [n]: GeV, pseudorapidity, azimuth.
    group
        [n] ascending, 0 to `groups` - 1. No group is empty where something is clustered.
    """

    pt: Floats
    eta: Floats
    phi: Floats
    group: Rows
    groups: int

    def at(self, rows: Rows, group: Rows, groups: int) -> Momenta:
        """Some of them, in other groups."""
        return Momenta(self.pt[rows], self.eta[rows], self.phi[rows], group, groups)


@dataclass(frozen=True)
class FourMomenta:
    """Momenta of k jets, GeV.

    Attributes
    ----------
    px, py, pz, energy
        [k].
    """

    px: Floats
    py: Floats
    pz: Floats
    energy: Floats

    @property
    def pt(self) -> Floats:
        return np.hypot(self.px, self.py)

    @property
    def eta(self) -> Floats:
        return np.arcsinh(self.pz / self.pt)

    @property
    def phi(self) -> Floats:
        return np.arctan2(self.py, self.px)

    @property
    def mass(self) -> Floats:
        square = self.energy**2 - self.px**2 - self.py**2 - self.pz**2
        return np.sqrt(np.maximum(square, 0))

    def at(self, rows: NDArray[Any]) -> FourMomenta:
        """Some of them."""
        return FourMomenta(self.px[rows], self.py[rows], self.pz[rows], self.energy[rows])

    def sums(self, group: Rows, groups: int) -> FourMomenta:
        """Of every group, the sum of those that are in it."""
        parts = (self.px, self.py, self.pz, self.energy)
        return FourMomenta(*(np.bincount(group, part, groups).astype(np.float64) for part in parts))


@dataclass(frozen=True)
class Clusters:
    """What groups of momenta were clustered to, k jets in all; the hardest of every group comes first.

    Attributes
    ----------
    group
        [k] ascending: the group of each jet.
    momentum
        Of the jets, k.
    member, jet
        [m]: rows of the momenta that are in jets, and which jet each is in, ascending.
    """

    group: Rows
    momentum: FourMomenta
    member: Rows
    jet: Rows

    @property
    def rank(self) -> Rows:
        """[k]: place of each jet in its group, the hardest has 0."""
        return np.arange(len(self.group)) - np.searchsorted(self.group, self.group)

    def at(self, chosen: NDArray[np.bool_]) -> Clusters:
        """Those of the jets that are `chosen`, [k], with what is in them."""
        number = np.cumsum(chosen) - 1
        inside = chosen[self.jet]
        return Clusters(
            self.group[chosen], self.momentum.at(chosen), self.member[inside], number[self.jet[inside]]
        )


def cluster(momenta: Momenta, algorithm: Algorithm, radius: float, pt_min: float = 0.0) -> Clusters:
    """Jets of every group above `pt_min` (GeV), E scheme, distances in pseudorapidity and azimuth."""
    import awkward as ak

    fastjet = load_fastjet()
    kind = {"antikt": fastjet.antikt_algorithm, "kt": fastjet.kt_algorithm}[algorithm]
    sequence = fastjet.ClusterSequence(_awkward(momenta), fastjet.JetDefinition(kind, radius))
    jets = sequence.inclusive_jets(min_pt=pt_min)
    members = sequence.constituent_index(min_pt=pt_min)
    order = ak.argsort(-(jets.px**2 + jets.py**2), axis=1, stable=True)
    jets, members = jets[order], members[order]
    inside = ak.num(members, axis=2)
    group = np.repeat(np.arange(momenta.groups), ak.to_numpy(ak.num(jets, axis=1)))
    jet = np.repeat(np.arange(len(group)), _flat(inside))
    first = np.searchsorted(momenta.group, np.arange(momenta.groups))
    momentum = FourMomenta(*(_flat(jets[name]) for name in ("px", "py", "pz", "E")))
    return Clusters(group, momentum, _flat(members).astype(np.int64) + first[group[jet]], jet)


def axes(momenta: Momenta, count: int) -> tuple[Floats, Floats]:
    """Pseudorapidity and azimuth of `count` axes in every group, [groups, count] each.

    Exclusive kt jets, the harder of two always giving the direction (winner takes all). Every group holds at
    least `count` momenta.
    """
    fastjet = load_fastjet()
    how = fastjet.JetDefinition(fastjet.kt_algorithm, 1.0, fastjet.WTA_pt_scheme)
    sequence = fastjet.ClusterSequence(_awkward(momenta), how)
    with warnings.catch_warnings(action="ignore"):  # it knows of no kt that is recombined otherwise
        found = sequence.exclusive_jets(n_jets=count)
    px, py, pz = (_flat(found[name]).reshape(momenta.groups, count) for name in ("px", "py", "pz"))
    return np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)


def _awkward(momenta: Momenta) -> Any:
    import awkward as ak

    pt, eta, phi = momenta.pt, momenta.eta, momenta.phi
    parts = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta), "E": pt * np.cosh(eta)}
    counts = np.bincount(momenta.group, minlength=momenta.groups)
    return ak.unflatten(ak.zip(parts, with_name="Momentum4D"), counts)


def _flat(array: Any) -> NDArray[Any]:
    import awkward as ak

    return np.asarray(ak.to_numpy(ak.flatten(array, axis=None)))
