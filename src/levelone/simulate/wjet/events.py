"""Jets of one block: events of Pythia until every slice of transverse momentum holds enough of them.

Signal is a W' of fixed mass that decays to W and Z, the W to quarks, the Z to neutrinos; background are the
two hardest jets of hard QCD collisions. Both are followed to stable particles with multiple interactions,
seen by a calorimeter of 0.1 x 0.1, clustered with anti-kt, R = 1, and trimmed: L. de Oliveira et al., JHEP
07 (2016) 069, arXiv:1511.05190, section 2. Of the published selection, what could not be read is a choice
here: numbers of choices are in this file and in the section.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from levelone.simulate.jets.clustering import FourMomenta, Momenta, Rows, cluster
from levelone.simulate.jets.jets import Jets
from levelone.simulate.jets.particles import of_events
from levelone.simulate.jets.spectrum import collect_even, hard_momenta, mixed, within
from levelone.simulate.jets.substructure import offsets, subjettiness, trim, turned
from levelone.simulate.jets.towers import AROUND, INVISIBLE, Towers, fill, place
from levelone.simulate.materials import Floats
from levelone.simulate.wjet.section import WJetGenerate

CLASSES = ("quark or gluon", "W")
SIZE = 25
"""Rows (azimuth) and columns (pseudorapidity) of an image; the hardest subjet lies in the central one."""
STEP_GEV = 0.05
"""Of the transverse momenta in an image."""
RADIUS = 1.0
ETA_MAX = 2.0
"""The trimmed jet's pseudorapidity lies within +-ETA_MAX: the image is within the calorimeter."""
HADRONS = "1 2 3 4 5"


def settings(label: int, pt_gev: tuple[float, float]) -> tuple[str, ...]:
    """Pythia's settings for background (0) or signal (1) with jets in a range of transverse momentum.

    The W' is so heavy that its W has the middle of the range, and a tenth more, because a part of the W's
    momentum is lost with what is trimmed or flies out of the jet; its width is small.
    """
    low, high = pt_gev
    if not label:
        return "HardQCD:all = on", *hard_momenta(pt_gev)
    return (
        "NewGaugeBoson:ffbar2Wprime = on",
        "Wprime:coup2WZ = 1.",
        f"34:m0 = {1.1 * (low + high)}",
        "34:doForceWidth = on",
        "34:mWidth = 10.",
        "34:onMode = off",
        "34:onIfMatch = 24 23",
        "24:onMode = off",
        f"24:onIfAny = {HADRONS}",
        "23:onMode = off",
        "23:onIfAny = 12 14 16",
    )


def block(options: WJetGenerate, per_slice: int, number: int) -> Jets:
    """`2 * SLICES * per_slice` jets, half of them of W, in random order; a function of its arguments.

    Raises
    ------
    LeveloneError
        If Pythia or FastJet is missing, or no jets are found in the ranges that are asked for.
    """
    asked = f"generate.pt_gev = {list(options.pt_gev)}, generate.mass_gev = {list(options.mass_gev)}"

    def collect(label: int, seed: int) -> Jets:
        return collect_even(
            CLASSES[label],
            settings(label, options.pt_gev),
            seed,
            lambda events: select(fill(of_events(events, INVISIBLE)), options, label),
            options.pt_gev,
            per_slice,
            asked,
        )

    return mixed(options.seed, number, CLASSES, collect)


def select(towers: Towers, options: WJetGenerate, label: int) -> Jets | None:
    """The jets of some events that lie in the ranges of `options`: of background two an event at most.

    None if there are none.
    """
    momenta = towers.momenta
    found = cluster(momenta, "antikt", RADIUS, pt_min=0.8 * options.pt_gev[0])
    leading = found.at(found.rank < (1 if label else 2))
    count = len(leading.group)
    if not count:
        return None
    constituents = momenta.at(leading.member, leading.jet, count)
    trimmed = trim(constituents, leading.momentum.pt, options.subjet_radius, options.trimmed_share)
    whole = trimmed.momentum
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing may be left of a jet
        chosen = within(whole.pt, options.pt_gev) & within(whole.mass, options.mass_gev)
        chosen &= np.abs(whole.eta) < ETA_MAX
    if not chosen.any():
        return None
    left = trimmed.subjets.at(chosen[trimmed.subjets.group])
    rows = leading.member[left.member]
    new = np.cumsum(chosen) - 1
    kept = momenta.at(rows, new[left.group[left.jet]], int(chosen.sum()))
    subjets = _subjets(left.momentum, new[left.group], kept)
    columns = {
        "pt": whole.pt[chosen],
        "eta": whole.eta[chosen],
        "mass": whole.mass[chosen],
        **{f"tau{n}": subjettiness(kept, n, RADIUS) for n in (1, 2, 3)},
        **subjets.columns,
    }
    return _images(towers, rows, kept, subjets, label, columns)


@dataclass(frozen=True)
class _Subjets:
    """The hardest subjet of every jet, and what is known of the two hardest."""

    eta: Floats
    phi: Floats
    columns: Mapping[str, Floats]


def _subjets(found: FourMomenta, jet: Rows, kept: Momenta) -> _Subjets:
    """Of subjets, the `jet` of each, ascending, the hardest first; `kept` is what they are made of."""
    pt, eta, phi = found.pt, found.eta, found.phi
    of_jet = np.bincount(jet)
    first = np.cumsum(of_jet) - of_jet
    several = of_jet > 1
    second = np.where(several, first + 1, first)
    across, along = turned(phi[second] - phi[first]), eta[second] - eta[first]
    turn = np.where(several, np.arctan2(across, along), _long_axis(kept, eta[first], phi[first]))
    columns = {
        "subjets": of_jet.astype(np.float64),
        "subjet1": pt[first],
        "subjet2": np.where(several, pt[second], 0.0),
        "dr": np.hypot(across, along),
        "turn": turn,
    }
    return _Subjets(eta[first], phi[first], columns)


def _long_axis(kept: Momenta, eta: Floats, phi: Floats) -> Floats:
    """Angle of the axis along which the transverse momentum of every jet spreads most, around a centre."""
    x, y = offsets(kept, eta, phi)
    xx, yy, xy = (np.bincount(kept.group, kept.pt * w, kept.groups) for w in (x * x, y * y, x * y))
    return np.asarray(np.arctan2(2 * xy, xx - yy) / 2)


def _images(
    towers: Towers, rows: Rows, kept: Momenta, subjets: _Subjets, label: int, columns: Mapping[str, Floats]
) -> Jets:
    """Whole towers are shifted, so that the one of the hardest subjet is in the middle."""
    centre_row, centre_column = place(subjets.eta, subjets.phi)
    half = SIZE // 2
    row = (towers.row[rows] - centre_row[kept.group] + AROUND // 2) % AROUND - AROUND // 2 + half
    column = towers.column[rows] - centre_column[kept.group] + half
    seen = (row >= 0) & (row < SIZE) & (column >= 0) & (column < SIZE)
    image = np.zeros((kept.groups, 1, SIZE, SIZE), np.uint16)
    steps = np.minimum(np.rint(kept.pt / STEP_GEV), np.iinfo(np.uint16).max)
    image[kept.group[seen], 0, row[seen], column[seen]] = steps[seen]
    label_of = np.full(kept.groups, label, np.uint8)
    told = {name: values.astype(np.float32) for name, values in columns.items()}
    return Jets({"jet": image}, told | {"label": label_of})
