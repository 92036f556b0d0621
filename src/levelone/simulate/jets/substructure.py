"""What is inside jets: trimming and N-subjettiness."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from levelone.simulate.jets.clustering import Clusters, FourMomenta, Momenta, Rows, axes, cluster
from levelone.simulate.materials import Floats


@dataclass(frozen=True)
class Trimmed:
    """Jets without their soft subjets.

    Attributes
    ----------
    momentum
        Of each jet, the sum of the subjets that are left.
    subjets
        Those; groups are jets, the hardest first.
    """

    momentum: FourMomenta
    subjets: Clusters


def trim(constituents: Momenta, pt: Floats, radius: float, share: float) -> Trimmed:
    """Cluster jets again into smaller ones and drop the soft ones (D. Krohn et al., arXiv:0912.1342).

    Parameters
    ----------
    constituents
        Of all jets; the groups are the jets.
    pt
        [jets] of the whole jets, GeV.
    radius
        Of the subjets, by the kt algorithm.
    share
        Of the jet's transverse momentum that a subjet needs.
    """
    found = cluster(constituents, "kt", radius)
    subjets = found.at(found.momentum.pt >= share * pt[found.group])
    return Trimmed(subjets.momentum.sums(subjets.group, len(pt)), subjets)


def turned(phi: Floats) -> Floats:
    """Differences of azimuths, brought into -pi to pi."""
    return (phi + np.pi) % (2 * np.pi) - np.pi


def offsets(momenta: Momenta, eta: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """Where momenta are from a direction of their group: pseudorapidity and azimuth, [n] each.

    Parameters
    ----------
    eta, phi
        [groups]: the directions.
    """
    return momenta.eta - eta[momenta.group], turned(momenta.phi - phi[momenta.group])


def subjettiness(momenta: Momenta, count: int, radius: float) -> Floats:
    """N-subjettiness for N = `count` of every group, beta = 1, [groups].

    Sum of transverse momentum times distance to the nearest axis, over the sum of transverse momentum times
    `radius` (J. Thaler, K. Van Tilburg, arXiv:1011.2268). Axes are those of `axes`: exclusive kt jets, winner
    takes all (A. Larkoski et al., arXiv:1401.2158). 0 in groups of not more than `count` momenta.
    """
    inside = np.bincount(momenta.group, minlength=momenta.groups)
    enough = inside > count
    found = np.zeros(momenta.groups)
    if not enough.any():
        return found
    rows: Rows = np.flatnonzero(enough[momenta.group])
    number = np.cumsum(enough) - 1
    some = momenta.at(rows, number[momenta.group[rows]], int(enough.sum()))
    eta, phi = axes(some, count)
    away = np.hypot(some.eta[:, None] - eta[some.group], turned(some.phi[:, None] - phi[some.group]))
    moment = np.bincount(some.group, some.pt * away.min(axis=1), some.groups)
    found[enough] = moment / (radius * np.bincount(some.group, some.pt, some.groups))
    return found


def two_point(momenta: Momenta, beta: float) -> Floats:
    """Two-point energy correlation of every group, [groups].

    Sum over pairs of shares of the transverse momentum times distance to the power `beta` (A. Larkoski,
    G. Salam, J. Thaler, JHEP 06 (2013) 108, arXiv:1305.0007: C1).
    """
    found = np.zeros(momenta.groups)
    ends = np.searchsorted(momenta.group, np.arange(momenta.groups + 1))
    for number, (start, stop) in enumerate(pairwise(ends)):
        pt, eta, phi = (values[start:stop] for values in (momenta.pt, momenta.eta, momenta.phi))
        apart = np.hypot(eta[:, None] - eta, turned(phi[:, None] - phi))
        share = pt / pt.sum()
        found[number] = (share[:, None] * share * apart**beta).sum() / 2
    return found
