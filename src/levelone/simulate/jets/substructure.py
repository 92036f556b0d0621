"""What is inside jets: trimming and N-subjettiness."""

from __future__ import annotations

from dataclasses import dataclass

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
    kept = found.momentum.pt >= share * pt[found.group]
    number = np.cumsum(kept) - 1
    inside = kept[found.jet]
    momentum, group = found.momentum.at(kept), found.group[kept]
    subjets = Clusters(group, momentum, found.member[inside], number[found.jet[inside]])
    return Trimmed(momentum.sums(group, len(pt)), subjets)


def turned(phi: Floats) -> Floats:
    """Differences of azimuths, brought into -pi to pi."""
    return (phi + np.pi) % (2 * np.pi) - np.pi


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
