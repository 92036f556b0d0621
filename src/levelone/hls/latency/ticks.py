"""The loops of every streamed layer, tick by tick: which operands are read, when a result is written.

`docs/firmware.md` has the formulas; what is described here is the C++ in `levelone.hls.operations` and in
hls4ml's templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import UnsupportedError
from levelone.hls.operations.window import AXES, HLS4ML_AXES
from levelone.hls.spec import LayerSpec

Ints = NDArray[np.int64]
FEWEST = 8
"""Ticks between two accesses to an entry of a memory (`fewest_ticks` in ``levelone_window.h``)."""
UNPIPELINED = 2
"""Clocks of a tick that only shifts a pixel in, in a loop that is no pipeline."""


@dataclass(frozen=True)
class Beats:
    """A stream: so many beats of so many codes in an event."""

    count: int
    size: int

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Beats:
        """One beat for each position, with all its channels."""
        return cls(prod(shape[:-1]), shape[-1])


@dataclass(frozen=True, eq=False)
class Ticks:
    """What a layer does in an event.

    Attributes
    ----------
    reads
        Of every operand: int64 [tick], beats that are read.
    writes
        int64 [tick], beats that are written, after all reads of that tick.
    clocks
        int64 [tick], clocks from a tick to the next.
    """

    reads: tuple[Ints, ...]
    writes: Ints
    clocks: Ints


@dataclass(frozen=True)
class Layer:
    """A streamed layer: what it is, how its operands arrive.

    Attributes
    ----------
    reuse
        The reuse factor that it was made with; 1 where there is nothing to share.
    stages
        Clocks of one tick from its reads to its write; loops without a pipeline wait for them.
    """

    spec: LayerSpec
    operands: tuple[Beats, ...]
    reuse: int
    stages: int

    @property
    def out(self) -> Beats:
        """What it writes."""
        return Beats.of(self.spec.shape)

    @property
    def constants(self) -> dict[str, int]:
        """Those of the body, which has one where this is asked for."""
        return {} if self.spec.body is None else {k: int(v) for k, v in self.spec.body.constants.items()}


def ticks_of(layer: Layer) -> Ticks:
    """The loops of a streamed layer.

    Raises
    ------
    UnsupportedError
        For a body of another distribution, whose loops nobody has described.
    """
    body = layer.spec.body
    if body is None:
        return _OF_HLS4ML[_family(layer.spec.kind)](layer)
    function = body.function.removeprefix("levelone::")
    if body.folder is not None or function not in _OF_LEVELONE:
        raise UnsupportedError(f"{layer.spec.name}: nothing is known of the loops of {body.function}")
    return _OF_LEVELONE[function](layer)


def window_ticks(constants: Mapping[str, int]) -> tuple[int, ...]:
    """Ticks of a sliding window along depth, height and width (``window_of`` in ``levelone_window.h``)."""
    extents = [_extent(constants, axis) for axis in AXES]
    ticks = [
        max(
            constants[f"in_{a}"],
            (constants[f"out_{a}"] - 1) * constants[f"stride_{a}"] + extent - constants[f"pad_{a}"],
        )
        for a, extent in zip(AXES, extents, strict=True)
    ]
    if max(extents[:2]) > 1:
        ticks[2] = max(ticks[2], FEWEST)
    return tuple(ticks)


def reduction_ticks(constants: Mapping[str, int]) -> tuple[int, ...]:
    """Ticks of windows that do not overlap (``reduction_of`` in ``levelone_reduce.h``)."""
    depth, height, width = (
        max(
            constants[f"in_{a}"],
            (constants[f"out_{a}"] - 1) * constants[f"stride_{a}"] + 1 - constants[f"pad_{a}"],
        )
        for a in AXES
    )
    if _many_runs(constants):
        width = max(width, FEWEST if constants["out_width"] > 1 else -(-FEWEST // height))
    return depth, height, width


def _extent(c: Mapping[str, int], axis: str) -> int:
    return c[f"dilation_{axis}"] * (c[f"filt_{axis}"] - 1) + 1


def _many_runs(c: Mapping[str, int]) -> bool:
    depth, height = (_extent(c, axis) > 1 for axis in AXES[:2])
    return bool(depth or height) if c["out_width"] > 1 else bool(c["out_height"] > 1 and depth)


def _family(kind: str) -> str:
    """hls4ml's classes without their dimensions: ``Conv2D`` and ``DepthwiseConv1D`` are ``Conv``."""
    return kind.removesuffix("1D").removesuffix("2D").removeprefix("Depthwise")


def _phases(*phases: tuple[int, Sequence[int], int, int]) -> Ticks:
    """Loops one after the other: (ticks, beats read of each operand, beats written, clocks) of each."""
    counts = [phase[0] for phase in phases]
    reads = zip(*(phase[1] for phase in phases), strict=True)
    return Ticks(
        tuple(np.repeat(np.array(beats, np.int64), counts) for beats in reads),
        np.repeat(np.array([phase[2] for phase in phases], np.int64), counts),
        np.repeat(np.array([phase[3] for phase in phases], np.int64), counts),
    )


def _grid(parts: Sequence[NDArray[np.bool_]]) -> Ints:
    """Whether all of three axes agree, in row-major order of their ticks."""
    depth, height, width = parts
    return (depth[:, None, None] & height[:, None] & width).astype(np.int64).reshape(-1)


Maker = Callable[[Layer], Ticks]


def _each(at: Layer) -> Ticks:
    """A loop that reads a beat of each operand and writes one."""
    one = np.ones(at.out.count, np.int64)
    return Ticks((one,) * len(at.operands), one, one * at.reuse)


def _dense(at: Layer) -> Ticks:
    """All beats, then the sums, then the result; nothing of it overlaps with the next event."""
    sums = (1, (0,), 0, at.reuse - 1 + at.stages)
    return _phases((at.operands[0].count, (1,), 0, 1), sums, (at.out.count, (0,), 1, 1))


def _conv(at: Layer) -> Ticks:
    """hls4ml's line buffer: a tick per pixel; with the resource strategy its loop is no pipeline."""
    ticks = _held(at.spec, "filt_", at.spec.attributes)
    serial = at.spec.strategy == "resource"
    clocks = np.where(ticks.writes, at.reuse - 1 + at.stages, UNPIPELINED) if serial else at.reuse
    return Ticks(ticks.reads, ticks.writes, ticks.clocks * clocks)


def _pool(at: Layer) -> Ticks:
    attributes = dict(at.spec.attributes)
    return _held(at.spec, "pool_", {"in_width": attributes.get("n_in"), **attributes})


def _held(spec: LayerSpec, kernel: str, attributes: Mapping[str, Any]) -> Ticks:
    axes = HLS4ML_AXES[len(spec.shape) - 1]
    ends = [np.ones(1, bool)] * (3 - len(axes))
    for axis, positions in zip(axes, spec.shape[:-1], strict=True):
        first, stride = attributes[f"{kernel}{axis}"] - 1, attributes[f"stride_{axis}"]
        ends.append(_ends(attributes[f"in_{axis}"], first, stride, positions))
    writes = _grid(ends)
    one = np.ones(len(writes), np.int64)
    return Ticks((one,), writes, one)


def _ends(ticks: int, first: int, stride: int, positions: int) -> NDArray[np.bool_]:
    """In which ticks along an axis a window ends."""
    ends = np.zeros(ticks, bool)
    ends[first + stride * np.arange(positions)] = True
    return ends


def _padding(at: Layer) -> Ticks:
    axes = HLS4ML_AXES[len(at.spec.shape) - 1]
    data = [np.ones(1, bool)] * (3 - len(axes))
    for axis, begin in zip(axes, ("pad_top", "pad_left")[-len(axes) :], strict=True):
        place = np.arange(at.spec.attributes[f"out_{axis}"]) - at.spec.attributes[begin]
        data.append((place >= 0) & (place < at.spec.attributes[f"in_{axis}"]))
    one = np.ones(at.out.count, np.int64)
    return Ticks((_grid(data),), one, one)


def _transpose(at: Layer) -> Ticks:
    return _phases((at.operands[0].count, (1,), 0, 1), (at.out.count, (0,), 1, 1))


def _concatenate(at: Layer) -> Ticks:
    """hls4ml's, of two tensors: vectors in one beat, rows and columns in turn, channels together."""
    a, b = at.operands
    axis, rank = at.spec.attributes["axis"] - 1, len(at.spec.shape)
    if rank == 1:
        return _phases((a.count, (1, 0), 0, 1), (b.count, (0, 1), 0, 1), (1, (0, 0), 1, 1))
    if axis == rank - 1:
        return _each(at)
    blocks = prod(at.spec.shape[:axis])
    return _phases(*[(a.count // blocks, (1, 0), 1, 1), (b.count // blocks, (0, 1), 1, 1)] * blocks)


def _slide(at: Layer) -> Ticks:
    c, lengths = at.constants, window_ticks(at.constants)
    along = list(zip(AXES, lengths, strict=True))
    reads = [np.arange(ticks) < c[f"in_{axis}"] for axis, ticks in along]
    ends = [
        _ends(ticks, _extent(c, axis) - 1 - c[f"pad_{axis}"], c[f"stride_{axis}"], c[f"out_{axis}"])
        for axis, ticks in along
    ]
    return Ticks((_grid(reads),), _grid(ends), np.full(prod(lengths), at.reuse))


def _reduce(at: Layer) -> Ticks:
    c, lengths = at.constants, reduction_ticks(at.constants)
    reads, ends = [], []
    for axis, ticks in zip(AXES, lengths, strict=True):
        place, extent = np.arange(ticks), _extent(c, axis)
        window, offset = np.divmod(place + c[f"pad_{axis}"], c[f"stride_{axis}"])
        last = (place == ticks - 1) | (offset == extent - 1)
        reads.append(place < c[f"in_{axis}"])
        ends.append((window < c[f"out_{axis}"]) & (offset < extent) & last)
    return Ticks((_grid(reads),), _grid(ends), np.full(prod(lengths), at.reuse))


def _copy(at: Layer) -> Ticks:
    together = at.constants["together"]
    place = np.arange(at.out.count * at.out.size // together) * together
    reads = (place % at.operands[0].size == 0).astype(np.int64)
    writes = ((place + together) % at.out.size == 0).astype(np.int64)
    return Ticks((reads,), writes, np.full(len(place), at.reuse))


def _gather(at: Layer) -> Ticks:
    take, slot = (at.spec.parameters[key].codes.astype(np.int64) for key in ("take", "slot"))
    writes = (slot <= at.constants["history"]).astype(np.int64)
    return Ticks((take,), writes, np.ones(len(take), np.int64))


def _gather_all(at: Layer) -> Ticks:
    return _phases((at.operands[0].count, (1,), 0, 1), (at.out.count, (0,), 1, -(-at.out.size // 2)))


def _merge(at: Layer) -> Ticks:
    """A beat per position; of an operand that is repeated each beat is read when it is first needed."""
    c = at.constants
    place = np.indices([c[axis] for axis in AXES]).reshape(3, -1)
    reads = []
    for key in "ab":
        wanted = np.array([c[f"{key}_{axis}"] for axis in AXES]) @ place
        reads.append(np.diff(np.maximum.accumulate(wanted), prepend=-1))
    one = np.ones(place.shape[1], np.int64)
    return Ticks(tuple(reads), one, one * at.reuse)


def _stack(at: Layer) -> Ticks:
    c = at.constants
    return _phases(*[(c["a_block"], (1, 0), 1, 1), (c["b_block"], (0, 1), 1, 1)] * c["blocks"])


def _join_channels(at: Layer) -> Ticks:
    blocks = at.constants["blocks"]
    beats = [operand.count // blocks for operand in at.operands]
    return _phases((blocks, beats, 1, max(beats)))


def _matmul(at: Layer) -> Ticks:
    c = at.constants
    return _phases(*[(c["inner"], (0, 1), 0, 1), (c["rows"], (1, 0), 1, at.reuse)] * c["batch"])


_OF_HLS4ML: Mapping[str, Maker] = {
    "Activation": _each,
    "Merge": _each,
    "Clone": _each,
    "Dense": _dense,
    "Conv": _conv,
    "Pooling": _pool,
    "ZeroPadding": _padding,
    "Transpose": _transpose,
    "Concatenate": _concatenate,
}
_OF_LEVELONE: Mapping[str, Maker] = {
    **dict.fromkeys(("conv", "locally_connected", "max_pool", "sum_pool", "average_pool"), _slide),
    **dict.fromkeys(("reduce_max", "reduce_sum", "reduce_mean"), _reduce),
    **dict.fromkeys(
        (
            *("scale", "scale_by_channel", "count_steps", "lookup", "affine", "power", "staircase"),
            *("element_affine", "add_requantise"),
        ),
        _each,
    ),
    **dict.fromkeys(("add", "multiply"), _merge),
    "copy": _copy,
    "gather": _gather,
    "gather_all": _gather_all,
    "concatenate": _stack,
    "join_channels": _join_channels,
    "matmul": _matmul,
}
