"""Electrons of MeV energies in high-pressure xenon: stopping power, scattering, knock-on electrons.

Sources ------- Collision stopping power: M. J. Berger and S. M. Seltzer (ICRU Report 37, 1984; the form
behind NIST's ESTAR), with I = 482 eV. The density effect vanishes in the gas below 4 MeV and is left out.
Radiative stopping power (for ranges only): alpha r_e^2 N_A / A Z (Z + 1) (T + m) phi with phi = 16/3 at low
energy and 4 (ln(2 gamma) - 1/3) without screening (Koch and Motz, Rev. Mod. Phys. 31 (1959) 920). Multiple
scattering: Highland's formula (PDG review). Knock-on electrons: Moller's cross section.

Simplified: knock-on electrons above 100 keV are tracks of their own, below they are part of a straggled soft
loss (Landau, truncated); bremsstrahlung photons are not emitted, so tracks deposit all their energy; an
electron below 20 keV stops where it is (its range is under 0.2 mm at 15 bar).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import ALPHA, AVOGADRO, CLASSICAL_RADIUS_CM, ELECTRON_MEV, K_MEV_CM2, Floats
from levelone.simulate.straggling import highland, sample_landau, truncated_landau_mean

Z_XENON, A_XENON = 54, 131.293
X0_XENON = 8.48  # g / cm2
_EXCITATION_MEV = 482e-6
_CUT_MEV = 0.1
_STOP_MEV = 0.02
_STEP_FRACTION, _STEP_MEV = 0.04, 0.008


def collision_stopping(kinetic_mev: Floats) -> Floats:
    """Collision stopping power of xenon gas for electrons, MeV cm2 / g, [n]; meant for 10 keV to 4 MeV."""
    tau = np.asarray(kinetic_mev, np.float64) / ELECTRON_MEV
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    f = 1 - beta2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / (tau + 1) ** 2
    bracket = np.log(tau**2 * (tau + 2) / 2 / (_EXCITATION_MEV / ELECTRON_MEV) ** 2) + f
    return K_MEV_CM2 / 2 * Z_XENON / A_XENON / beta2 * bracket


def radiative_stopping(kinetic_mev: Floats) -> Floats:
    """Radiative stopping power of xenon for electrons, MeV cm2 / g, [n]."""
    gamma = 1 + np.asarray(kinetic_mev, np.float64) / ELECTRON_MEV
    phi = np.maximum(16 / 3, 4 * (np.log(2 * gamma) - 1 / 3))
    factor = ALPHA * CLASSICAL_RADIUS_CM**2 * AVOGADRO / A_XENON * Z_XENON * (Z_XENON + 1)
    return factor * ELECTRON_MEV * gamma * phi


def csda_range(kinetic_mev: float, *, radiative: bool = True) -> float:
    """Range in the continuous-slowing-down approximation, g / cm2, counted from 10 keV."""
    energy = np.geomspace(0.01, kinetic_mev, 2000)
    loss = collision_stopping(energy) + (radiative_stopping(energy) if radiative else 0)
    return float(np.trapezoid(1 / loss, energy))


def _moller(transfer: Floats, kinetic: Floats) -> Floats:
    """Moller's spectrum times transfer squared.

    In units of its leading term (at most 2 for transfer <= T / 2).
    """
    tau = kinetic / ELECTRON_MEV
    x = transfer / kinetic
    return (
        1 + (x / (1 - x)) ** 2 + (tau / (tau + 1)) ** 2 * x**2 - (2 * tau + 1) / (tau + 1) ** 2 * x / (1 - x)
    )


def _knock_on_rate(kinetic: Floats) -> Floats:
    """Upper bound of knock-on electrons above the cut per g / cm2 (twice the leading term), [n]."""
    safe = np.maximum(kinetic, 2 * _CUT_MEV)
    tau = safe / ELECTRON_MEV
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    return K_MEV_CM2 * Z_XENON / A_XENON / beta2 * (1 / _CUT_MEV - 2 / safe)


def _hard_stopping(kinetic: Floats) -> Floats:
    """Mean loss to knock-on electrons above the cut, MeV cm2 / g, [n]."""
    kinetic = np.maximum(kinetic, 2 * _CUT_MEV)
    upper = kinetic / 2
    steps = np.linspace(0, 1, 33)[:, None]
    transfer = _CUT_MEV * (upper / _CUT_MEV) ** steps
    tau = kinetic / ELECTRON_MEV
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    integral = np.trapezoid(_moller(transfer, kinetic), steps, axis=0) * np.log(upper / _CUT_MEV)
    return K_MEV_CM2 / 2 * Z_XENON / A_XENON / beta2 * integral


@dataclass(frozen=True)
class Electrons:
    """Starting electrons.

    `event` [n], `kinetic_mev` [n], `position` [n, 3] in g / cm2, unit `direction` [n, 3].
    """

    event: NDArray[np.int64]
    kinetic_mev: Floats
    position: Floats
    direction: Floats


@dataclass(frozen=True)
class Deposits:
    """Ionisation: `event` [m], `energy_mev` [m], `position` [m, 3] in g / cm2.

    `path` [n] length of each first track.
    """

    event: NDArray[np.int64]
    energy_mev: Floats
    position: Floats
    path: Floats


def turned(direction: Floats, cosine: Floats, azimuth: Floats) -> Floats:
    """Unit vectors [n, 3] at polar angle arccos(`cosine`) and `azimuth` around `direction`."""
    x, y, z = direction.T
    across = np.sqrt(np.maximum(1 - cosine**2, 0))
    # an orthonormal basis without a singular direction (T. Duff et al., J. Comput. Graph. Tech. 6 (2017) 1)
    sign = np.where(z < 0, -1.0, 1.0)
    a = -1 / (sign + z)
    b = x * y * a
    one = np.stack([1 + sign * x**2 * a, sign * b, -sign * x], axis=1)
    two = np.stack([b, sign + y**2 * a, -y], axis=1)
    out = direction * cosine[:, None]
    out = out + one * (across * np.cos(azimuth))[:, None] + two * (across * np.sin(azimuth))[:, None]
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def track(electrons: Electrons, rng: np.random.Generator) -> Deposits:
    """Follow electrons and their knock-on electrons until all have stopped; energy is conserved."""
    parts: list[tuple[NDArray[np.int64], Floats, Floats]] = []
    path = np.zeros(len(electrons.event))
    first = True
    while len(electrons.event):
        electrons, walked, found = _one_generation(electrons, rng)
        parts.extend(found)
        if first:
            path, first = walked, False
    return Deposits(
        np.concatenate([event for event, _, _ in parts]),
        np.concatenate([energy for _, energy, _ in parts]),
        np.concatenate([position for _, _, position in parts]),
        path,
    )


def _one_generation(
    electrons: Electrons, rng: np.random.Generator
) -> tuple[Electrons, Floats, list[tuple[NDArray[np.int64], Floats, Floats]]]:
    event, kinetic = electrons.event, electrons.kinetic_mev.copy()
    position, direction = electrons.position.copy(), electrons.direction.copy()
    grid = np.geomspace(0.01, 10, 256)
    soft_table = collision_stopping(grid) - _hard_stopping(grid)
    total_table = collision_stopping(grid)
    log_grid = np.log(grid)
    number = np.arange(len(event))
    walked = np.zeros(len(event))
    parts: list[tuple[NDArray[np.int64], Floats, Floats]] = []
    born: list[Electrons] = []
    while len(number):
        log_t = np.log(kinetic)
        step = np.maximum(_STEP_FRACTION * kinetic, _STEP_MEV) / np.interp(log_t, log_grid, total_table)
        loss = _soft_loss(kinetic, np.interp(log_t, log_grid, soft_table), step, rng)
        loss = np.where(kinetic - loss < _STOP_MEV, kinetic, loss)
        middle = position + direction * (step / 2)[:, None]
        parts.append((event[number], loss, middle))
        position = position + direction * step[:, None]
        walked[number] += step
        kinetic = kinetic - loss
        kicks = rng.poisson(_knock_on_rate(kinetic) * step) > 0
        who = np.flatnonzero(kicks)
        if len(who):
            energy = kinetic[who]
            transfer = 1 / (1 / _CUT_MEV + rng.random(len(who)) * (2 / energy - 1 / _CUT_MEV))
            good = 2 * rng.random(len(who)) < _moller(transfer, energy)
            who, energy, transfer = who[good], energy[good], transfer[good]
            cosine = np.sqrt(
                transfer * (energy + 2 * ELECTRON_MEV) / (energy * (transfer + 2 * ELECTRON_MEV))
            )
            aim = turned(direction[who], cosine, rng.uniform(0, 2 * np.pi, len(who)))
            born.append(Electrons(event[number[who]], transfer, position[who], aim))
            kinetic[who] -= transfer
        alive = np.flatnonzero(kinetic > 0)
        number, kinetic, position, direction = (
            number[alive],
            kinetic[alive],
            position[alive],
            direction[alive],
        )
        momentum = np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MEV))
        theta = highland(momentum, step[alive] / X0_XENON)
        polar = np.minimum(theta * np.sqrt(2 * rng.standard_exponential(len(alive))), np.pi)
        direction = turned(direction, np.cos(polar), rng.uniform(0, 2 * np.pi, len(alive)))
    names = ("event", "kinetic_mev", "position", "direction")
    if born:
        secondaries = Electrons(*(np.concatenate([getattr(b, name) for b in born]) for name in names))
    else:
        secondaries = Electrons(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3)))
    return secondaries, walked, parts


def _soft_loss(kinetic: Floats, stopping: Floats, step: Floats, rng: np.random.Generator) -> Floats:
    tau = kinetic / ELECTRON_MEV
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    width = K_MEV_CM2 / 2 * Z_XENON / A_XENON * step / beta2
    cut = np.minimum(_CUT_MEV, kinetic / 2)
    centre = np.euler_gamma - 1 - beta2 - np.log(np.minimum(width / cut, 0.6))
    centre = np.maximum(centre, -1.0)
    limit = 0.60715 + 1.1934 * centre + (0.67794 + 0.052382 * centre) * np.exp(0.94753 + 0.74442 * centre)
    loss = stopping * step + width * (sample_landau(limit, rng) - truncated_landau_mean(limit))
    return np.clip(loss, 0.1 * stopping * step, kinetic)
