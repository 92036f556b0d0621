"""What a person would compute of a jet: fixed functions of its towers and of what the file says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

CELL = 0.1
"""Size of a pixel in pseudorapidity and azimuth."""
HARDEST = 20
"""Towers that enter the correlations of three."""

FEATURES = (
    "mass", "pt", "tau1", "tau2", "tau3", "tau21", "tau32", "dr", "subjets", "subjet1", "subjet2", "balance",
    "towers", "width", "dispersion", "e2", "c2", "d2", "largest", "second", "third",
    "around the hardest", "around the second", "between", "pull", "pull towards the second",
)  # fmt: skip
"""Names of the columns of `summary`."""
PLAIN = ("mass", "tau21", "dr")
"""The three quantities that the published study compares with."""


def columns(names: tuple[str, ...]) -> list[int]:
    """Their places among `FEATURES`."""
    return [FEATURES.index(name) for name in names]


def summary(images: Floats, truth: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """`FEATURES`, float32 [n, features], of images [n, rows, columns] in GeV and the columns of their file.

    Correlations are those of A. Larkoski, G. Salam, J. Thaler, JHEP 06 (2013) 108 (C2) and A. Larkoski,
    I. Moult, D. Neill, JHEP 12 (2014) 009 (D2), with beta = 1, of the `HARDEST` towers; the pull is that of
    J. Gallicchio, M. Schwartz, Phys. Rev. Lett. 105 (2010) 022001, of the towers around the hardest subjet.
    """
    pt, x, y = _ranked(images)
    total = np.maximum(pt.sum(1), 1e-6)
    share = pt / total[:, None]
    away = np.hypot(x, y)
    e2, e3 = _correlations(share[:, :HARDEST], x[:, :HARDEST], y[:, :HARDEST])
    turn, dr = truth["turn"][:, None], truth["dr"][:, None]
    to_second = np.hypot(x - dr * np.cos(turn), y - dr * np.sin(turn))
    along = (x * np.cos(turn) + y * np.sin(turn)) / np.maximum(dr, CELL)
    aside = np.abs(y * np.cos(turn) - x * np.sin(turn))
    near = (away < 0.3) & (away <= to_second)
    between = (along > 0.3) & (along < 0.7) & (aside < 0.25)
    pull = [(share * near * away * way).sum(1) for way in (x, y)]
    towards = pull[0] * np.cos(turn[:, 0]) + pull[1] * np.sin(turn[:, 0])
    found = {
        **{
            name: truth[name]
            for name in ("mass", "pt", "tau1", "tau2", "tau3", "dr", "subjets", "subjet1", "subjet2")
        },
        "tau21": _ratio(truth["tau2"], truth["tau1"]),
        "tau32": _ratio(truth["tau3"], truth["tau2"]),
        "balance": _ratio(truth["subjet2"], truth["subjet1"] + truth["subjet2"]),
        "towers": (pt > 0).sum(1),
        "width": (share * away).sum(1),
        "dispersion": np.sqrt((share**2).sum(1)),
        "e2": e2,
        "c2": _ratio(e3, e2**2),
        "d2": _ratio(e3, e2**3),
        **{name: share[:, rank] for rank, name in enumerate(("largest", "second", "third"))},
        "around the hardest": (share * (away < 0.15)).sum(1),
        "around the second": (share * (to_second < 0.15)).sum(1),
        "between": (share * between).sum(1),
        "pull": np.hypot(*pull),
        "pull towards the second": towards,
    }
    return np.stack([found[name] for name in FEATURES], axis=1).astype(np.float32)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.asarray(above / np.maximum(below, 1e-9))


def _ranked(images: Floats) -> tuple[Floats, Floats, Floats]:
    """Filled towers of every image, the hardest first, and where they are from the middle, [n, most]."""
    n, rows, cols = images.shape
    flat = images.reshape(n, -1)
    most = max(int((flat > 0).sum(1).max(initial=0)), HARDEST)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :most]
    pt = np.take_along_axis(flat, order, axis=1).astype(np.float64)
    y, x = np.divmod(order, cols)
    filled = pt > 0
    return pt, np.where(filled, (x - cols // 2) * CELL, 0.0), np.where(filled, (y - rows // 2) * CELL, 0.0)


def _correlations(share: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Sums over pairs and triples of shares times all distances between them, [n] each."""
    apart = np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None])
    pairs = share[:, :, None] * share[:, None] * apart
    e2 = pairs.sum((1, 2)) / 2
    # sum over i, j, k of z z z d d d: the trace of three matrices whose entries are sqrt(z z) d
    root = np.sqrt(share)
    weighted = root[:, :, None] * root[:, None] * apart
    e3 = np.einsum("nij,nji->n", weighted @ weighted, weighted) / 6
    return e2, e3
