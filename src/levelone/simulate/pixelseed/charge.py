"""Ionisation charge of a path through silicon, with its fluctuations.

The energy loss of a heavy charged particle in a thin layer follows the Landau distribution around a most
probable value (Particle Data Group, Review of Particle Physics 2024, section 34.2.9, equations 34.11 and
34.12), broadened by a Gaussian because electrons are bound (P. Shulek et al., Sov. J. Nucl. Phys. 4 (1967)
400; compared with measurements in S. Hancock et al., Phys. Rev. A 28 (1983) 615). Both laws are stable under
addition, so drawing each step of a track by itself gives the cluster charge of drawing the whole path once.
The Gaussian moves the peak up a little: in 300 um to 80 keV at minimum ionisation and 87 keV on the plateau,
from 78 and 84 keV. Not simulated: the range of delta electrons, radiation damage.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.straggling import sample_landau

XI_KEV_PER_MM = 0.307075e3 / 2 * (14 / 28.0855) * 2.329 / 10
"""Landau width per path for beta = 1: K/2 <Z/A> rho, keV per mm (K = 0.307075 MeV cm2/mol; silicon)."""
ELECTRON_MASS_KEV = 510.99895
MEAN_EXCITATION_KEV = 0.173
"""Mean excitation energy of silicon, 173 eV (PDG atomic and nuclear properties)."""
LANDAU_J = 0.200
"""The constant j of PDG equation 34.12."""
LANDAU_MODE = -0.22278
"""Most probable value of the standard Landau variable."""
KEV_PER_ELECTRON = 3.66e-3
"""Energy per electron-hole pair in silicon at 300 K, keV (F. Scholze et al., NIM A 439 (2000) 208)."""
SHELL_KEV = 2.27
"""Sum over the shells of silicon of Z_i/Z I_i ln(2 m c^2 / I_i), keV: K (2 electrons, 1.84 keV), L (8,
0.11 keV) and M (4, 0.012 keV), in the Shulek width."""
DELTA_LIMIT_KEV = 300.0
"""A single delta electron above this energy has a range of the order of the sensor and leaves the cluster
(continuous-slowing-down range of 300 keV electrons in silicon: 0.4 mm, NIST ESTAR)."""
# Sternheimer's density-effect parameters of silicon (PDG atomic and nuclear properties).
DENSITY_X0, DENSITY_X1, DENSITY_C, DENSITY_A, DENSITY_K = 0.2015, 2.8716, 4.4355, 0.1492, 3.2546


def density_effect(beta_gamma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Density-effect correction delta(beta gamma) of silicon; same shape as the input."""
    x = np.log10(beta_gamma)
    full = 2 * np.log(10) * x - DENSITY_C
    middle = full + DENSITY_A * np.clip(DENSITY_X1 - x, 0, None) ** DENSITY_K
    return np.where(x >= DENSITY_X1, full, np.where(x >= DENSITY_X0, middle, 0.0))


def most_probable_kev(path_mm: NDArray[np.float64], beta_gamma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Most probable energy loss without binding corrections (PDG equation 34.12), keV.

    Parameters
    ----------
    path_mm, beta_gamma
        Path length in silicon and momentum over mass of a particle of unit charge; any matching shapes.
    """
    beta2 = beta_gamma**2 / (1 + beta_gamma**2)
    xi = XI_KEV_PER_MM * path_mm / beta2
    logs = np.log(2 * ELECTRON_MASS_KEV * beta_gamma**2 / MEAN_EXCITATION_KEV) + np.log(
        xi / MEAN_EXCITATION_KEV
    )
    return xi * (logs + LANDAU_J - beta2 - density_effect(beta_gamma))


def freed_electrons(
    rng: np.random.Generator,
    path_mm: NDArray[np.float64],
    beta_gamma: NDArray[np.float64],
    times: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Charge that a unit-charge particle frees along each path, electrons (float64 [sum of times]).

    A short path can get a little less than nothing: only so do parts add up to the whole in every sum.

    Parameters
    ----------
    path_mm
        Path length, float64 [n], positive.
    beta_gamma
        Momentum over mass, float64 [n], positive.
    times
        How often each path is drawn, one draw after the other, int64 [n].
    """
    beta_gamma = np.clip(beta_gamma, 0.05, 3000.0)
    path = np.maximum(path_mm, 1e-9)
    xi = XI_KEV_PER_MM * path * (1 + beta_gamma**-2)
    peak = most_probable_kev(path, beta_gamma) - LANDAU_MODE * xi
    width = np.sqrt(8 / 3 * xi * SHELL_KEV)
    lean = np.repeat(xi, times) * sample_landau(np.repeat(DELTA_LIMIT_KEV / xi, times), rng)
    bound = np.repeat(width, times) * rng.standard_normal(lean.size)
    return (np.repeat(peak, times) + lean + bound) / KEV_PER_ELECTRON
