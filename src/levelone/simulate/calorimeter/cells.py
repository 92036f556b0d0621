"""Segmented calorimeters: where spots of energy land, and what the cells then read.

A calorimeter is a stack of sections along z; a section is a number of layers with square cells. Depth is
counted in radiation lengths for electromagnetic showers and in interaction lengths for hadronic ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import GridSpec
from levelone.simulate.calorimeter.showers import Showers, sample_profile, sample_radius, spot_number
from levelone.simulate.materials import Floats, Medium


@dataclass(frozen=True)
class Section:
    """A run of layers with the same cells.

    Attributes
    ----------
    name
        Grid name.
    medium
        Effective medium of its showers.
    layer_x0, layer_interaction, layer_mm
        Thickness of every layer in radiation lengths, pion interaction lengths and mm.
    cells
        Cells along x and y.
    pitch_mm
        Cell size.
    resolution
        Electromagnetic sampling term of the first layer, sqrt(GeV); it grows with the square root of
        thickness. 0 for a homogeneous section.
    quantum_gev
        Energy represented by one sampled track crossing (or one photo-electron).
    threshold_gev
        Cells that read less are empty; in the first layer, and elsewhere in proportion to thickness in
        radiation lengths, as what a cell sees of a particle is worth more energy behind more absorber.
    depth_first
        Grid axes are (z, y, x) if true, (x, y, z) if not.
    mip_gev
        Most probable signal of a minimum ionising particle in the first layer.
    noise_gev
        Standard deviation of electronic noise in a cell of the first layer.
    common
        The part of `resolution` (in quadrature) by which all cells of an event fluctuate together: how much
        of a shower passes through sensors.
    """

    name: str
    medium: Medium
    layer_x0: tuple[float, ...]
    layer_interaction: tuple[float, ...]
    layer_mm: tuple[float, ...]
    cells: int
    pitch_mm: float
    resolution: float
    quantum_gev: float
    threshold_gev: float
    depth_first: bool = False
    mip_gev: float = 0.0
    noise_gev: float = 0.0
    common: float = 0.0

    @cached_property
    def weight(self) -> Floats:
        """Energy that a particle in the sensor of each layer stands for, in that of the first, [layers]."""
        return np.divide(self.layer_x0, self.layer_x0[0])

    def spread(self, per_layer: Floats) -> NDArray[np.float32]:
        """A value per layer as one that broadcasts to images [n, *shape]."""
        return per_layer.astype(np.float32).reshape((-1, 1, 1) if self.depth_first else (1, 1, -1))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Grid shape."""
        n = len(self.layer_x0)
        return (n, self.cells, self.cells) if self.depth_first else (self.cells, self.cells, n)

    @property
    def grid(self) -> GridSpec:
        """How the section appears in a voxel file; the pitch along z is that of the first layer."""
        depth = self.layer_mm[0]
        pitch = (
            (depth, self.pitch_mm, self.pitch_mm)
            if self.depth_first
            else (self.pitch_mm, self.pitch_mm, depth)
        )
        return GridSpec(
            self.name, self.shape, pitch, ("z", "y", "x") if self.depth_first else ("x", "y", "z"), "GeV"
        )


@dataclass(frozen=True)
class Spots:
    """Deposits, each field [n].

    `event`, `layer` (counted through all sections), `x_mm`, `y_mm`, `energy` (GeV).
    """

    event: NDArray[np.int64]
    layer: NDArray[np.int64]
    x_mm: NDArray[np.floating]
    y_mm: NDArray[np.floating]
    energy: NDArray[np.floating]

    def take(self, rows: NDArray[np.int64], first: int = 0) -> Spots:
        """Some of the spots; events are counted from `first`."""
        return Spots(
            self.event[rows] - first, self.layer[rows], self.x_mm[rows], self.y_mm[rows], self.energy[rows]
        )


@dataclass(frozen=True)
class Calorimeter:
    """Sections one behind the other, the front face of the first at z = 0."""

    sections: tuple[Section, ...]

    @cached_property
    def edges_x0(self) -> Floats:
        """Layer boundaries in radiation lengths, [layers + 1]."""
        return np.concatenate([[0], np.cumsum([d for s in self.sections for d in s.layer_x0])])

    @cached_property
    def edges_interaction(self) -> Floats:
        """Layer boundaries in pion interaction lengths, [layers + 1]."""
        return np.concatenate([[0], np.cumsum([d for s in self.sections for d in s.layer_interaction])])

    @cached_property
    def edges_mm(self) -> Floats:
        """Layer boundaries in mm, [layers + 1]."""
        return np.concatenate([[0], np.cumsum([d for s in self.sections for d in s.layer_mm])])

    @cached_property
    def first_layer(self) -> NDArray[np.int64]:
        """Number of the first layer of every section, and the number of layers, [sections + 1]."""
        return np.concatenate([[0], np.cumsum([len(s.layer_x0) for s in self.sections])])

    def layer_of(self, depth: NDArray[np.floating], edges: Floats) -> NDArray[np.int64]:
        """Layer of each depth; -1 in front, the number of layers behind."""
        layers = len(edges) - 1
        if not self.equal_layers:
            return _place(depth, edges)
        layer = np.floor(depth * depth.dtype.type(layers / edges[-1]))
        return np.clip(layer, -1, layers).astype(np.int64)

    @cached_property
    def equal_layers(self) -> bool:
        """Whether all layers are alike, so that arithmetic finds the layer of a depth."""
        return all(
            len(set(thickness)) == 1
            for thickness in (
                [d for s in self.sections for d in s.layer_x0],
                [d for s in self.sections for d in s.layer_interaction],
                [d for s in self.sections for d in s.layer_mm],
            )
        )

    def z_of(self, depth_x0: NDArray[np.float32]) -> NDArray[np.float32]:
        """Place of each depth (radiation lengths) along z in mm; the last face for all behind."""
        if not self.equal_layers:
            layer = np.clip(_place(depth_x0, self.edges_x0), 0, len(self.edges_x0) - 2)
            slope = (np.diff(self.edges_mm) / np.diff(self.edges_x0)).astype(np.float32)
            offset = (self.edges_mm[:-1] - slope * self.edges_x0[:-1]).astype(np.float32)
            return np.clip(offset[layer] + slope[layer] * depth_x0, 0, np.float32(self.edges_mm[-1]))
        end = np.float32(self.edges_mm[-1])
        return np.clip(depth_x0 * np.float32(self.edges_mm[-1] / self.edges_x0[-1]), 0, end)

    @cached_property
    def moliere_mm(self) -> Floats:
        """Moliere radius in every layer in mm, [layers].

        That of its section's medium, stretched or squeezed as the layer's radiation length in mm is.
        """
        return np.concatenate(
            [s.medium.moliere_mm / s.medium.x0_mm * np.divide(s.layer_mm, s.layer_x0) for s in self.sections]
        )

    def layer_values(self, values: Floats, layer: NDArray[np.int64]) -> NDArray[np.float32] | np.float32:
        """The value [layers] of each layer; in front and behind that of the first and the last."""
        table = values.astype(np.float32)
        if np.all(table == table[0]):
            return table[0]
        return table[np.clip(layer, 0, len(table) - 1)]

    def shower_spots(
        self, showers: Showers, rng: np.random.Generator, cap: int | NDArray[np.int64] = 2000
    ) -> Spots:
        """Develop electromagnetic showers into spots; energy is conserved, also for spots outside.

        `cap` is the most spots of each shower, one number or [n]. In front of its first layer
        (`Showers.first`) a shower leaves nothing, unless all of it would lie there.

        The profile is that of the section in which a shower starts; further sections continue it in radiation
        lengths, with their own Moliere radius.
        """
        entry = np.clip(self.layer_of(showers.start, self.edges_x0), 0, self.first_layer[-1] - 1)
        section = np.searchsorted(self.first_layer, entry, side="right") - 1
        most = np.broadcast_to(cap, len(section))
        parts = []
        for number, where in enumerate(self.sections):
            chosen = np.flatnonzero(section == number)
            if not len(chosen):
                continue
            energy = showers.energy_gev[chosen]
            profile = sample_profile(where.medium, energy, rng)
            spots = spot_number(where.medium, energy, where.resolution, most[chosen])
            starts = np.cumsum(spots) - spots

            def each(values: NDArray[np.floating], spots: NDArray[np.int64] = spots) -> NDArray[np.float32]:
                return np.repeat(values.astype(np.float32), spots)

            depth = rng.standard_gamma(each(profile.alpha), dtype=np.float32)
            tau = depth * each(1 / (profile.beta * profile.t_max))
            depth *= each(1 / profile.beta)
            depth += each(showers.start[chosen])
            layer = self.layer_of(depth, self.edges_x0)
            radius, weight = sample_radius(where.medium, energy.astype(np.float32), tau, rng, spots)
            if showers.first is not None:
                behind = weight * (layer >= np.repeat(showers.first[chosen], spots))
                any_behind = np.add.reduceat(behind, starts) > 0
                weight = np.where(np.repeat(any_behind, spots), behind, weight)
            scale = energy / np.add.reduceat(weight, starts, dtype=np.float64)
            radius *= self.layer_values(self.moliere_mm, layer)
            z = self.z_of(depth)
            turn = rng.random(len(depth), dtype=np.float32)
            turn *= np.float32(2 * np.pi)
            x = each(showers.x_mm[chosen]) + each(showers.slope_x[chosen]) * z + radius * np.cos(turn)
            y = each(showers.y_mm[chosen]) + each(showers.slope_y[chosen]) * z + radius * np.sin(turn)
            event = np.repeat(showers.event[chosen], spots)
            parts.append(Spots(event, layer, x, y, np.repeat(scale, spots) * weight))
        return join_spots(parts)

    def deposit(self, spots: Spots, events: int) -> tuple[dict[str, Floats], Floats]:
        """Add spots up in cells.

        Returns
        -------
        images
            Section name -> float64 [events, *shape], GeV.
        outside
            [events] energy that missed every cell, GeV.
        """
        inside = np.zeros(events)
        images: dict[str, Floats] = {}
        x, y = spots.x_mm.astype(np.float32), spots.y_mm.astype(np.float32)
        for number, section in enumerate(self.sections):
            n, layers = section.cells, len(section.layer_x0)
            half = np.float32(n / 2)
            scale = np.float32(1 / section.pitch_mm)
            # far away is clipped to one cell outside, so that the conversion to integers cannot overflow
            column = np.clip(x * scale + (half + 1), 0, n + 1).astype(np.int32) - 1
            row = np.clip(y * scale + (half + 1), 0, n + 1).astype(np.int32) - 1
            layer = spots.layer.astype(np.int32) - np.int32(self.first_layer[number])
            size = n * n * layers
            flat = (
                (layer * n + row) * n + column if section.depth_first else (column * n + row) * layers + layer
            )
            # Seen as unsigned, what is negative is large: one comparison for both sides.
            good = (column.view(np.uint32) < n) & (row.view(np.uint32) < n)
            good &= layer.view(np.uint32) < layers
            flat = np.where(good, flat + spots.event * size, events * size)
            image: Floats = np.bincount(flat, spots.energy, events * size + 1)[:-1].astype(
                np.float64, copy=False
            )
            images[section.name] = image.reshape(events, *section.shape)
            inside += image.reshape(events, size).sum(1)
        total: Floats = np.bincount(spots.event, spots.energy, events).astype(np.float64)
        return images, total - inside

    def read_out(
        self,
        images: dict[str, Floats],
        rng: np.random.Generator,
        into: dict[str, NDArray[np.float32]],
        tracks: dict[str, Floats] | None = None,
    ) -> None:
        """Turn deposited into visible energy, cell by cell, keeping the mean.

        Sampling sections: a Poisson number of track crossings of mean energy / quantum, each with a gamma-
        distributed signal whose variance makes sigma / E = c / sqrt(E) in total. Homogeneous sections:
        Poisson photo-electrons. The crossings of an event vary together, too (`Section.common`). `tracks` are
        signals of single minimum ionising particles, already straggled, added as they are. Then there is
        noise, and cells below threshold read zero.

        Parameters
        ----------
        images
            Section name -> float64 [events, *shape], GeV deposited.
        into
            Section name -> float32 [events, *shape], contiguous and all zero: the visible energy, GeV, is
            written there.
        tracks
            Section name -> float64 [events, *shape], GeV.
        """
        for section in self.sections:
            image = images[section.name].reshape(-1)
            filled = np.flatnonzero(image > 0)
            energy = image[filled]
            if section.common:
                total = np.maximum(image.reshape(len(images[section.name]), -1).sum(1), 1e-6)
                order = total / section.common**2
                energy = energy * (rng.standard_gamma(order) / order)[filled // (image.size // len(total))]
            crossings = rng.poisson(energy / section.quantum_gev)
            seen = crossings > 0
            filled, crossings = filled[seen], crossings[seen].astype(np.float64)
            signal = crossings * section.quantum_gev
            if section.resolution:
                layers = len(section.layer_x0)
                layer = (
                    filled % images[section.name][0].size // section.cells**2
                    if section.depth_first
                    else filled % layers
                )
                apart = section.resolution**2 - section.common**2
                spread = apart * section.weight[layer] / section.quantum_gev - 1
                spread = np.maximum(spread, 1e-3)
                signal = section.quantum_gev * spread * rng.standard_gamma(crossings / spread)
            seen_gev = signal.astype(np.float32)
            whole = into[section.name]
            if tracks is None and not section.noise_gev and self.equal_layers:
                seen_gev[seen_gev < section.threshold_gev] = 0  # what is not filled is below threshold anyway
                whole.reshape(-1)[filled] = seen_gev
                continue
            whole.reshape(-1)[filled] = seen_gev
            if tracks is not None:
                whole += tracks[section.name]
            suppress(whole, section, rng)


def suppress(images: NDArray[np.float32], section: Section, rng: np.random.Generator) -> None:
    """Add noise to images [n, *shape], and empty what is below threshold then."""
    if section.noise_gev:
        add_noise(images, section, rng)
    images[images < section.spread(section.threshold_gev * section.weight)] = 0


def _place(depth: NDArray[np.floating], edges: Floats) -> NDArray[np.int64]:
    """Between which of the `edges` each depth lies, as ``np.searchsorted(edges, depth, "right") - 1``.

    A table of equal steps, none longer than a layer, says it but for one edge, which is looked at.
    """
    step = np.diff(edges).min() / 2
    table = np.searchsorted(
        edges, edges[0] + step * np.arange(int((edges[-1] - edges[0]) / step) + 2), "right"
    )
    after = np.append(edges, np.inf).astype(depth.dtype)
    steps = np.clip((depth - depth.dtype.type(edges[0])) * depth.dtype.type(1 / step), 0, len(table) - 1)
    place = table[steps.astype(np.int32)] - 1
    place += depth >= after[place + 1]
    place -= depth < after[place]
    return place


def add_noise(images: NDArray[np.float32], section: Section, rng: np.random.Generator) -> None:
    """Add normal noise to every cell of images [n, *shape], as far as the threshold lets it be seen.

    Cells that hold something get a number each; of the empty ones only those are drawn that noise alone
    lifts above the threshold.
    """
    from scipy.special import ndtr, ndtri

    noise = np.broadcast_to(section.spread(section.noise_gev * section.weight), images.shape)
    filled = images > 0
    alone = float(ndtr(-section.threshold_gev / section.noise_gev))
    lifted = rng.choice(images.size, rng.binomial(images.size, alone), replace=False)
    lifted = lifted[~filled.reshape(-1)[lifted]]
    images[filled] += noise[filled] * rng.standard_normal(np.count_nonzero(filled), np.float32)
    above = -ndtri(alone * (1 - rng.random(len(lifted))))
    images.reshape(-1)[lifted] = noise.reshape(-1)[lifted] * above


def join_spots(parts: list[Spots]) -> Spots:
    """All spots of several lists (at least one)."""
    if len(parts) == 1:
        return parts[0]
    names = ("event", "layer", "x_mm", "y_mm", "energy")
    return Spots(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
