"""An elastic sheet that follows a rough substrate: how much it is stretched, and what that does to its gap.

**Strain.** In the plate theory of Foeppl and von Karman (L. D. Landau and E. M. Lifshitz, Theory of
Elasticity, section 14) the strain of a sheet of height h is

    e_ij = (d_i u_j + d_j u_i + d_i h d_j h) / 2,

and the displacements u in the plane are such that forces balance. A substrate holds the sheet against
sliding with a force k u per area, as an interface of given shear stiffness does (Z. H. Aitken and R.
Huang, J. Appl. Phys. 107, 123531 (2010), let a sheet follow corrugations of a substrate). With t = (d_x
h)^2 + (d_y h)^2 and A_ij = d_i h d_j h / 2 the divergence of the balance is linear in div u, and for a
wave number q

    div u = -(nu q^2 t / 2 + (1 - nu) q_i q_j A_ij) / (q^2 + 1 / L^2),     e_ii = div u + t / 2,

L^2 = Y / ((1 - nu^2) k). A sheet that slides freely (L much larger than the image) has the well known
Laplacian of e_ii = -(1 - nu) K, with K the Gaussian curvature of the surface (V. Vitelli, J. B. Lucks and
D. R. Nelson, PNAS 103, 12323 (2006)); one that is held everywhere has e_ii = t / 2. In between, the strain
of a point depends on the product of slopes within some L of it: on neither the height nor its neighbours
alone.

**Gap.** It closes in proportion to e_ii: 99 meV per percent of biaxial strain (e_ii = 2 %) is the optical
gap's rate of D. Lloyd et al., Nano Lett. 16, 5836 (2016). Other measurements and calculations of
molybdenum disulphide lie between 43 and 400 meV per percent (arXiv:2406.06020 compares); the rate is a key
of the recipe. Unstrained it is 2.40 eV of one layer and 2.10 eV of two, on graphite: Y. L. Huang et al.,
Nat. Commun. 6, 6298 (2015).

Simplified: bending costs nothing and the sheet touches the substrate everywhere, slopes are small, the gap
does not know the direction of the strain, and a second layer is stretched as the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats

POISSON = 0.25
"""Poisson's ratio of the sheet, as of most calculations of molybdenum disulphide."""
GAP_EV = (2.40, 2.10)
"""Of one layer and of two."""


def stretch(height: Floats, pitch: float, grip: float) -> Floats:
    """Trace of the strain, e_xx + e_yy, at every point of periodic surfaces.

    Parameters
    ----------
    height
        [..., rows, columns] nm.
    pitch
        Distance of points, nm.
    grip
        L, nm: beyond it the substrate holds the sheet.
    """
    rows, columns = height.shape[-2:]
    qy = 2 * np.pi * np.fft.fftfreq(rows, pitch)[:, None]
    qx = 2 * np.pi * np.fft.rfftfreq(columns, pitch)[None, :]
    wave = np.fft.rfft2(height)
    shape = (rows, columns)
    slope_y, slope_x = (np.fft.irfft2(1j * q * wave, shape) for q in (qy, qx))
    xx, yy, xy = (
        np.fft.rfft2(a * b / 2) for a, b in ((slope_x, slope_x), (slope_y, slope_y), (slope_x, slope_y))
    )
    q2 = qx**2 + qy**2
    along = qx**2 * xx + qy**2 * yy + 2 * qx * qy * xy
    spread = -(POISSON * q2 * (xx + yy) + (1 - POISSON) * along) / (q2 + grip**-2)
    found: Floats = np.fft.irfft2(spread + xx + yy, shape)
    return found


def gap(layers: Floats, strain: Floats, rate_mev: float) -> NDArray[np.float64]:
    """Band gap in eV.

    Parameters
    ----------
    layers
        1 to 2; in between at the edge of an island.
    strain
        e_xx + e_yy.
    rate_mev
        By which the gap closes per percent of biaxial strain.
    """
    one, two = GAP_EV
    found: Floats = one + (two - one) * (layers - 1) - rate_mev * 1e-3 * 100 * strain / 2
    return found
