"""What a calorimeter sees of many events: showers developed, deposited and read out, some at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.calorimeter.cells import Calorimeter, Spots, join_spots
from levelone.simulate.calorimeter.showers import Showers
from levelone.simulate.materials import Floats


@dataclass(frozen=True)
class Seen:
    """What a calorimeter shows of some events.

    `images` section name -> float32 [events, *shape] read out, `deposited` [events] energy in the cells
    before read-out, `outside` [events] energy that missed every cell; all in GeV.
    """

    images: dict[str, NDArray[np.float32]]
    deposited: Floats
    outside: Floats


def observe(
    calo: Calorimeter,
    showers: Showers,
    others: Spots,
    events: int,
    rng: np.random.Generator,
    cap: int | NDArray[np.int64],
    group: int = 8,
    tracks: Spots | None = None,
) -> Seen:
    """`shower_spots`, `deposit` and `read_out`, a few events at a time.

    The spots of a few events and their images stay in the processor's cache.

    Parameters
    ----------
    showers, others
        What is deposited: showers still to be developed, and spots that are there already.
    events
        How many events.
    cap
        Most spots per shower, one number or one for each.
    group
        Events at a time; part of what a seed means.
    tracks
        Signals of minimum ionising particles, which do not fluctuate any more: see `Calorimeter.read_out`.
        They count as deposited.
    """
    most = np.broadcast_to(cap, len(showers.event))
    images = {s.name: np.zeros((events, *s.shape), np.float32) for s in calo.sections}
    deposited, outside = np.zeros(events), np.zeros(events)
    firsts = np.arange(0, events + group, group)
    by_shower = np.argsort(showers.event, kind="stable")
    by_spot = np.argsort(others.event, kind="stable")
    if tracks is not None:
        tracks = tracks.take(np.argsort(tracks.event, kind="stable"))
    shower_ends = np.searchsorted(showers.event[by_shower], firsts)
    spot_ends = np.searchsorted(others.event[by_spot], firsts)
    for number, first in enumerate(range(0, events, group)):
        rows = slice(first, min(first + group, events))
        spots = others.take(by_spot[spot_ends[number] : spot_ends[number + 1]], first)
        chosen = by_shower[shower_ends[number] : shower_ends[number + 1]]
        these = showers.take(chosen, first)
        if len(these.event):
            spots = join_spots([calo.shower_spots(these, rng, most[chosen]), spots])
        made, outside[rows] = calo.deposit(spots, rows.stop - rows.start)
        signals = None
        if tracks is not None:
            these_tracks = np.arange(*np.searchsorted(tracks.event, (rows.start, rows.stop)))
            signals, missed = calo.deposit(tracks.take(these_tracks, first), rows.stop - rows.start)
            outside[rows] += missed
            deposited[rows] += sum(image.sum((1, 2, 3)) for image in signals.values())
        calo.read_out(made, rng, {name: image[rows] for name, image in images.items()}, signals)
        deposited[rows] += sum(image.sum((1, 2, 3)) for image in made.values())
    return Seen(images, deposited, outside)
