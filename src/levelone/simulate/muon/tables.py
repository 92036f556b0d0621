"""Muons on their way through an absorber.

Hard losses one by one; soft ones as sums: ionisation with Landau straggling, radiation with its variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import K_MEV_CM2, MUON_MEV, Floats, Material
from levelone.simulate.muon.losses import (
    PROCESSES,
    collision_loss,
    collisions,
    kinematics,
    knock_on_photons,
    mean_loss,
    photons_on_electrons,
    variance_below,
)
from levelone.simulate.straggling import sample_landau, truncated_landau_mean

_POINTS = 192
_CEILING = 60.0  # exp(-60) of a spectrum is out of reach


@dataclass(frozen=True)
class LossTable:
    """Interaction rates and spectra of one process above a cut, on a grid of muon energies.

    Attributes
    ----------
    log_energy
        [k] natural logarithm of the muon energy / MeV.
    rate
        [k] interactions per g / cm2 with a transfer above the cut.
    survival
        [k, m] minus the logarithm of the share of interactions beyond each transfer, rising from 0.
    cut_mev
        Smallest transfer. Points are equally spaced in the logarithm from it to the largest.
    """

    log_energy: Floats
    rate: Floats
    survival: Floats
    cut_mev: float

    @staticmethod
    def build(name: str, material: Material, cut_mev: float, log_energy: Floats) -> LossTable:
        """Tabulate process `name` of `PROCESSES`."""
        energy = np.exp(log_energy)[:, None]
        low = np.log(cut_mev / energy)
        high = np.log1p(-MUON_MEV / energy)
        log_v = low + (high - low) * np.linspace(0, 1, _POINTS)
        v = np.exp(log_v)
        density = PROCESSES[name](material, energy, v) * v
        steps = np.diff(log_v, axis=1) * (density[:, 1:] + density[:, :-1]) / 2
        beyond = np.concatenate(
            [np.cumsum(steps[:, ::-1], axis=1)[:, ::-1], np.zeros((len(energy), 1))], axis=1
        )
        rate = beyond[:, 0]
        share = beyond / np.maximum(rate, 1e-300)[:, None]
        survival = np.minimum(-np.log(np.maximum(share, 1e-300)), _CEILING)
        return LossTable(log_energy, rate, survival, cut_mev)

    def rate_at(self, energy: Floats) -> Floats:
        """Interactions per g / cm2 at total energies [n] in MeV."""
        return np.interp(np.log(energy), self.log_energy, self.rate)

    def sample(self, energy: Floats, rng: np.random.Generator) -> Floats:
        """Transfers in MeV [n] at total energies [n] in MeV."""
        place = np.interp(np.log(energy), self.log_energy, np.arange(len(self.log_energy)))
        row = np.minimum((place + rng.random(len(place))).astype(np.int64), len(self.log_energy) - 1)
        draw = np.minimum(rng.standard_exponential(len(row)), _CEILING - 1e-6)
        keys = (self.survival + 2 * _CEILING * np.arange(len(self.survival))[:, None]).reshape(-1)
        right = np.searchsorted(keys, draw + 2 * _CEILING * row, side="right")
        right = np.clip(right, row * _POINTS + 1, row * _POINTS + _POINTS - 1)
        below, above = keys[right - 1], keys[right]
        part = np.clip((draw + 2 * _CEILING * row - below) / np.maximum(above - below, 1e-12), 0, 1)
        # the row is that of a neighbouring energy: its shape is stretched between the limits at this energy
        position = ((right - 1) % _POINTS + part) / (_POINTS - 1)
        return self.cut_mev * ((energy - MUON_MEV) / self.cut_mev) ** position


@dataclass(frozen=True)
class MuonAbsorber:
    """All the tables of one material for muons between 1 GeV and 10 TeV.

    Attributes
    ----------
    cut_mev
        Losses above it are single interactions, below it sums.
    log_energy
        [k] natural logarithm of the muon energy / MeV.
    ionisation
        [k] mean loss in collisions below the cut, MeV cm2 / g; on the plateau of the density effect the same
        at every energy.
    radiation, radiation_variance
        [k] mean (MeV cm2 / g) and variance (MeV2 cm2 / g) of all other losses below the cut, photons from
        atomic electrons among them.
    """

    material: Material
    cut_mev: float
    log_energy: Floats
    ionisation: Floats
    radiation: Floats
    radiation_variance: Floats
    tables: dict[str, LossTable]

    @staticmethod
    def build(material: Material, cut_mev: float = 50.0) -> MuonAbsorber:
        """Tabulate."""
        log_energy = np.log(np.geomspace(1e3, 1.2e7, 72))
        energy = np.exp(log_energy)
        soft = collision_loss(material, energy) - mean_loss(collisions, material, energy, cut_mev)
        hard_photons = mean_loss(knock_on_photons, material, energy, cut_mev)
        mean = np.maximum(photons_on_electrons(material, energy) - hard_photons, 0)
        variance = variance_below(knock_on_photons, material, energy, cut_mev)
        for name, spectrum in PROCESSES.items():
            if name != "knock-on":
                hard = mean_loss(spectrum, material, energy, cut_mev)
                mean += mean_loss(spectrum, material, energy) - hard
                variance += variance_below(spectrum, material, energy, cut_mev)
        tables = {name: LossTable.build(name, material, cut_mev, log_energy) for name in PROCESSES}
        return MuonAbsorber(material, cut_mev, log_energy, soft, mean, variance, tables)

    def soft_loss(self, energy: Floats, thickness: float, rng: np.random.Generator) -> Floats:
        """Loss below the cut in `thickness` g / cm2, MeV [n]: what is ionised and what is radiated."""
        return self._ionised(energy, thickness, rng) + self.radiated(energy, thickness, rng)

    def radiated(self, energy: Floats, thickness: float, rng: np.random.Generator) -> Floats:
        """Loss by radiation below the cut in `thickness` g / cm2, MeV [n].

        A gamma law of the mean and the variance that the spectra have: it is not negative, and thin slabs add
        up to a thick one.
        """
        place = np.log(energy)
        mean = np.interp(place, self.log_energy, self.radiation)
        scale = np.interp(place, self.log_energy, self.radiation_variance) / mean
        return rng.gamma(mean * thickness / scale) * scale

    def _ionised(self, energy: Floats, thickness: float, rng: np.random.Generator) -> Floats:
        """Straggled loss in collisions below the cut.

        Landau's distribution, truncated where the recipe of GEANT 3 (W5013, PHYS 332) truncates it, about its
        own mean: the mean loss is exactly the restricted one, in which the density effect is.
        """
        beta2, _, q_max = kinematics(energy)
        mean = np.interp(np.log(energy), self.log_energy, self.ionisation) * thickness
        width = K_MEV_CM2 / 2 * self.material.z_over_a * thickness / beta2
        cut = np.minimum(self.cut_mev, q_max)
        centre = np.euler_gamma - 1 - beta2 * cut / q_max - np.log(width / cut)
        limit = 0.60715 + 1.1934 * centre + (0.67794 + 0.052382 * centre) * np.exp(0.94753 + 0.74442 * centre)
        return np.maximum(mean + width * (sample_landau(limit, rng) - truncated_landau_mean(limit)), 0)


@dataclass(frozen=True)
class HardLosses:
    """Single interactions.

    `event`, `kind` (index into `PROCESSES`), `energy_mev`, at `step` and `position` in it.
    """

    event: NDArray[np.int64]
    kind: NDArray[np.int64]
    energy_mev: Floats
    step: NDArray[np.int64]
    position: Floats


@dataclass(frozen=True)
class Passage:
    """Muons through equal slabs.

    `energy_mev` [slabs + 1, n] total energies, `soft_mev` [slabs, n], `hard`.
    """

    energy_mev: Floats
    soft_mev: Floats
    hard: HardLosses


def transport(
    absorber: MuonAbsorber, energy_mev: Floats, thickness: float, slabs: int, rng: np.random.Generator
) -> Passage:
    """Take muons [n] of total energy `energy_mev` through `slabs` slabs of `thickness` g / cm2 each.

    A muon below 1 GeV stops: its remaining kinetic energy counts as soft loss of that slab.
    """
    n = len(energy_mev)
    energy = energy_mev.astype(np.float64).copy()
    kept, soft = [energy.copy()], []
    found: list[tuple[NDArray[np.int64], int, Floats, int]] = []
    for slab in range(slabs):
        alive = energy > 1e3
        loss = np.where(alive, absorber.soft_loss(np.maximum(energy, 1e3), thickness, rng), 0)
        for kind, table in enumerate(absorber.tables.values()):
            count = rng.poisson(np.where(alive, table.rate_at(np.maximum(energy, 1e3)) * thickness, 0))
            who = np.repeat(np.arange(n), count)
            if len(who):
                found.append((who, kind, table.sample(energy[who], rng), slab))
        now = [entry for entry in found if entry[3] == slab]
        hard = sum((np.bincount(who, lost, n) for who, _, lost, _ in now), np.zeros(n))
        room = energy - MUON_MEV
        # several losses together may exceed what is left: scale them, so that energy is conserved
        scale = np.minimum(1, room / np.maximum(hard + loss, 1e-9))
        for place, (who, kind, lost, step) in enumerate(found):
            if step == slab:
                found[place] = (who, kind, lost * scale[who], step)
        loss = loss * scale
        energy = energy - loss - hard * scale
        stopped = alive & (energy <= 1e3)
        loss = loss + np.where(stopped, energy - MUON_MEV, 0)
        energy = np.where(stopped, MUON_MEV, energy)
        kept.append(energy.copy())
        soft.append(loss)
    empty = np.zeros(0)
    return Passage(
        np.stack(kept),
        np.stack(soft),
        HardLosses(
            np.concatenate([who for who, *_ in found] or [empty.astype(np.int64)]),
            np.concatenate([np.full(len(who), kind) for who, kind, *_ in found] or [empty.astype(np.int64)]),
            np.concatenate([lost for _, _, lost, _ in found] or [empty]),
            np.concatenate([np.full(len(who), step) for who, *_, step in found] or [empty.astype(np.int64)]),
            rng.random(sum(len(who) for who, *_ in found)),
        ),
    )
