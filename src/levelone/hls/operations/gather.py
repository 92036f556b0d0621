"""`Pad`, `Upsample`, `Take` and `Transpose`: elements moved, repeated, left out or replaced by a constant."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Pad, Take, Transpose, Upsample
from levelone.hardware.types import Parameter
from levelone.hls.operations.reshape import lower_copy
from levelone.hls.spec import Body, LayerSpec, Site

Move = Pad | Take | Transpose | Upsample


def lower_transpose(op: Transpose, site: Site) -> list[LayerSpec]:
    """`Transpose`: hls4ml's layer up to three axes, our own beyond and where channels stay together.

    hls4ml keeps the whole of a stream in registers, and takes every permutation of two axes for an exchange.
    """
    if op.axes == tuple(range(len(op.axes))):
        return lower_copy(site)
    if len(op.axes) > 3 or (site.stream and op.axes[-1] == len(op.axes) - 1):
        return lower_gather(op, site)
    return [site.layer("Transpose", attributes={"perm": list(op.axes)})]


def lower_gather(op: Move, site: Site) -> list[LayerSpec]:
    """The table of where each output element comes from; in a stream, of each beat and of each channel."""
    x, out = site.operands[0], site.output
    source = _sources(op, x.shape)
    constants = {
        "in_size": x.size,
        "out_size": out.size,
        "fill": op.value if isinstance(op, Pad) else 0,
    }
    tables = {"source": source.reshape(-1)}
    function = "levelone::gather"
    if site.stream:
        beats = _beats(source.reshape(-1, out.shape[-1]), x.shape[-1], x.size)
        if beats is None:
            function = "levelone::gather_all"
        else:
            available = x.size // x.shape[-1]
            constants["history"] = history(beats[0], available)
            take, slot = schedule(beats[0], available)
            tables = {"take": take, "slot": slot, "channel": beats[1]}
    return [
        site.layer(
            type(op).__name__,
            parameters={key: Parameter.of_integers(found) for key, found in tables.items()},
            body=Body("levelone_gather.h", function, constants),
        )
    ]


def _sources(op: Move, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Flat input element of every output element; the number of input elements stands for the constant."""
    size = int(np.prod(shape))
    if isinstance(op, Pad):
        op = replace(op, value=size)
    return op.evaluate(np.arange(size).reshape(1, *shape))[0]


def _beats(
    source: NDArray[np.int64], channels: int, constant: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Input beat of each output beat and input channel of each output channel; None if they mix.

    The number of beats, or of channels, stands for the constant.
    """
    fixed = source == constant
    rows, columns = ~fixed.all(axis=1), ~fixed.all(axis=0)
    if fixed[np.ix_(rows, columns)].any():
        return None
    beat = np.full(len(source), constant // channels)
    channel = np.full(source.shape[1], channels)
    if rows.any() and columns.any():
        moved = source[np.ix_(rows, columns)]
        beat[rows], channel[columns] = moved[:, 0] // channels, moved[0] % channels
        if not np.array_equal(moved, beat[rows][:, None] * channels + channel[columns]):
            return None
    return beat, channel


def history(beats: NDArray[np.int64], available: int) -> int:
    """How many of the last input beats have to be kept: none is read before it is needed."""
    wanted = beats[beats < available]
    if len(wanted) == 0:
        return 1
    taken = np.maximum.accumulate(wanted) + 1
    return int((taken - wanted).max())


def schedule(beats: NDArray[np.int64], available: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What a stream does in each clock: (whether it reads a beat, which one it then gives).

    Parameters
    ----------
    beats
        Input beat of each output beat; `available`, the number of input beats, stands for the constant.

    Returns
    -------
    tuple
        int64 [clock] each: 1 or 0; the slot of the beat in a ring of `history` slots, `history` for the
        constant, one more for nothing.
    """
    ring = history(beats, available)
    take: list[int] = []
    slot: list[int] = []
    taken = 0
    for beat in beats.tolist():
        constant = beat == available
        missing = 0 if constant else max(0, beat + 1 - taken)
        take += [1] * missing if missing else [0]
        slot += [ring + 1] * (missing - 1) + [ring if constant else beat % ring]
        taken += missing
    left = available - taken
    return np.array(take + [1] * left), np.array(slot + [ring + 1] * left)
