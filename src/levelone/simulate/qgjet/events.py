"""Jets of one block: dijet events of Pythia until every slice of transverse momentum holds enough of them.

The two hardest jets of hard collisions that end in two light quarks, or in two gluons; anti-kt, R = 0.4, of
all stable particles but neutrinos: P. Komiske, E. Metodiev, M. Schwartz, JHEP 01 (2017) 110,
arXiv:1612.01551. The image has three colours, the transverse momenta of charged and of neutral particles and
the number of charged ones, in 33 x 33 pixels around the centre of the transverse momentum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.jets.clustering import FourMomenta, Momenta, Rows, cluster
from levelone.simulate.jets.jets import Jets
from levelone.simulate.jets.particles import NEUTRINOS, Particles, of_events
from levelone.simulate.jets.spectrum import Range, collect_even, hard_momenta, mixed, within
from levelone.simulate.jets.substructure import offsets, two_point
from levelone.simulate.materials import Floats
from levelone.simulate.qgjet.section import QGJetGenerate

CLASSES = ("gluon", "quark")
SIZE = 33
"""Rows (azimuth) and columns (pseudorapidity) of an image."""
WIDTH = 0.8
"""Of an image, in either direction."""
STEP_GEV = 0.02
"""Of the transverse momenta in an image."""
RADIUS = 0.4
ETA_SEEN = 2.5
"""Particles are seen within this pseudorapidity."""
ETA_MAX = 2.0
"""Of a jet: all of it is seen."""
BETA = 0.2
"""Power of distances in the two-point correlation."""
_HARD = slice(5, 7)
"""Where Pythia puts the two partons that leave the hard collision."""
_LIGHT = 3
"""Codes of down, up and strange are 1 to this."""


def settings(label: int, pt_gev: Range) -> tuple[str, ...]:
    """Pythia's settings for gluons (0) or quarks (1) with jets in a range of transverse momentum.

    Collisions of a quark and a gluon are left out: they end in one of each.
    """
    gluons = ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on")
    quarks = ("HardQCD:qq2qq = on", "HardQCD:qqbar2qqbarNew = on", "HardQCD:gg2qqbar = on")
    return "Beams:eCM = 13000.", *(quarks if label else gluons), *hard_momenta(pt_gev)


def block(options: QGJetGenerate, per_slice: int, number: int) -> Jets:
    """`2 * SLICES * per_slice` jets, half of them of quarks, in random order; a function of its arguments.

    Raises
    ------
    LeveloneError
        If Pythia or FastJet is missing, or no jets are found in the range that is asked for.
    """

    def collect(label: int, seed: int) -> Jets:
        return collect_even(
            CLASSES[label],
            settings(label, options.pt_gev),
            seed,
            lambda events: select(of_events(light(events), NEUTRINOS), options, label),
            options.pt_gev,
            per_slice,
            f"generate.pt_gev = {list(options.pt_gev)}",
        )

    return mixed(options.seed, number, CLASSES, collect)


def light(events: Any) -> Any:
    """Those of Pythia's events whose hard collision ends in gluons or in light quarks."""
    kind = np.abs(np.asarray(events.prt.id[:, _HARD]))
    return events[((kind <= _LIGHT) | (kind == 21)).all(1)]


def select(particles: Particles, options: QGJetGenerate, label: int) -> Jets | None:
    """Of the two hardest jets of every event those in the range of `options`; None if there are none."""
    seen = particles.at(np.abs(particles.eta) < ETA_SEEN)
    momenta = seen.momenta
    if not momenta.groups:
        return None
    found = cluster(momenta, "antikt", RADIUS, pt_min=0.8 * options.pt_gev[0])
    whole = found.momentum
    wanted = (found.rank < 2) & within(whole.pt, options.pt_gev) & (np.abs(whole.eta) < ETA_MAX)
    if not wanted.any():
        return None
    jets = found.at(wanted)
    inside = momenta.at(jets.member, jets.jet, len(jets.group))
    charged = seen.charged[jets.member]
    return described(inside, charged, jets.momentum, np.full(inside.groups, label, np.uint8))


def described(
    inside: Momenta, charged: NDArray[np.bool_], whole: FourMomenta, label: NDArray[np.uint8]
) -> Jets:
    """Images and quantities of jets whose particles are known.

    Parameters
    ----------
    inside, charged
        All particles, in groups that are the jets, and which of them have a charge, [n].
    whole
        Of each jet.
    label
        [groups]: place in `CLASSES`.
    """
    x, y = offsets(inside, whole.eta, whole.phi)
    columns = {
        "pt": whole.pt,
        "eta": whole.eta,
        "mass": whole.mass,
        **observables(inside, charged, np.hypot(x, y)),
    }
    told = {name: values.astype(np.float32) for name, values in columns.items()}
    return Jets(images(inside, charged, *centred(inside, x, y)), told | {"label": label})


def observables(inside: Momenta, charged: NDArray[np.bool_], away: Floats) -> dict[str, Floats]:
    """What a person computes of jets, from their particles, [groups] each.

    Parameters
    ----------
    away
        [n]: distance of each from its jet.
    """
    total = _sum(inside, inside.pt)
    largest = np.zeros(inside.groups)
    np.maximum.at(largest, inside.group, inside.pt)
    return {
        "charged": _sum(inside, charged.astype(np.float64)),
        "particles": _sum(inside, np.ones(len(inside.pt))),
        "girth": _sum(inside, inside.pt * away) / total,
        "c1": two_point(inside, BETA),
        "dispersion": np.sqrt(_sum(inside, inside.pt**2)) / total,
        "largest": largest / total,
    }


def centred(inside: Momenta, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Where particles are from the centre of their jet's transverse momentum: pseudorapidity, azimuth, [n].

    Parameters
    ----------
    x, y
        [n]: where they are from their jet.
    """
    total = _sum(inside, inside.pt)
    middle = [_sum(inside, inside.pt * way) / total for way in (x, y)]
    return x - middle[0][inside.group], y - middle[1][inside.group]


def images(
    inside: Momenta, charged: NDArray[np.bool_], x: Floats, y: Floats
) -> dict[str, NDArray[np.unsignedinteger[Any]]]:
    """Transverse momenta of charged and neutral particles, in steps, and numbers of charged ones.

    Returns
    -------
    dict
        "pt" uint16 [groups, 2, rows, columns], "count" uint8 [groups, 1, rows, columns].
    """
    column, row = (np.floor((way + WIDTH / 2) * (SIZE / WIDTH)).astype(np.int64) for way in (x, y))
    seen = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
    place = (row * SIZE + column)[seen]
    group, charge, pt = inside.group[seen], charged[seen], inside.pt[seen]
    momentum = _filled((group * 2 + ~charge) * SIZE**2 + place, pt / STEP_GEV, (inside.groups, 2), np.uint16)
    ones = np.ones(int(charge.sum()))
    count = _filled((group * SIZE**2 + place)[charge], ones, (inside.groups, 1), np.uint8)
    return {"pt": momentum, "count": count}


def _filled(
    cells: Rows, values: Floats, size: tuple[int, int], dtype: type[np.unsignedinteger[Any]]
) -> NDArray[np.unsignedinteger[Any]]:
    shape = (*size, SIZE, SIZE)
    found = np.bincount(cells, values, int(np.prod(shape))).reshape(shape)
    return np.minimum(np.rint(found), np.iinfo(dtype).max).astype(dtype)


def _sum(inside: Momenta, values: Floats) -> Floats:
    return np.bincount(inside.group, values, inside.groups).astype(np.float64)
