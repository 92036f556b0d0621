"""Doublets: pairs of pixel hits as batches of images and features, from any file levelone can read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from levelone.data.detector import IMAGE_SIZE, REGIONS
from levelone.data.features import FEATURES
from levelone.data.splitting import SPLITS, split_sizes
from levelone.errors import LeveloneError

__all__ = [
    "FEATURE_NAMES",
    "IMAGE_SIZE",
    "REGIONS",
    "SPLITS",
    "DoubletFile",
    "Doublets",
    "Index",
    "sample_path",
]

FEATURE_NAMES: tuple[str, ...] = tuple(FEATURES)
"""Names of the feature columns; `levelone.data.features.FEATURES` gives unit and meaning."""
Mixture = Literal["natural", "balanced"]


@dataclass(frozen=True)
class Doublets:
    """A batch of n doublets.

    Attributes
    ----------
    images
        float32 [n, 2, 16, 16]: inner and outer hit, pixel charge in ke (1000 electrons); rows are local x
        (r-phi), columns local y (z in the barrel, r in the endcaps).
    features
        float32 [n, len(FEATURE_NAMES)], finite, in the units of `levelone.data.features.FEATURES`.
    label
        uint8 [n]: 1 if one particle made both hits.
    event
        int64 [n]: number of the event within the file.
    layer_pair
        int32 [n]: index into `layer_pair_names`.
    region
        uint8 [n]: index into `REGIONS`.
    layer_pair_names
        Name of each layer pair.
    """

    images: NDArray[np.float32]
    features: NDArray[np.float32]
    label: NDArray[np.uint8]
    event: NDArray[np.int64]
    layer_pair: NDArray[np.int32]
    region: NDArray[np.uint8]
    layer_pair_names: tuple[str, ...]

    def __len__(self) -> int:
        return self.label.size


@dataclass(frozen=True)
class Index:
    """What is known of every doublet of a file without reading an image (arrays of all doublets).

    Attributes
    ----------
    label, event, layer_pair, region
        As in `Doublets`.
    split
        uint8, index into `SPLITS`; all doublets of an event share it.
    """

    label: NDArray[np.uint8]
    event: NDArray[np.int64]
    layer_pair: NDArray[np.int32]
    region: NDArray[np.uint8]
    split: NDArray[np.uint8]


@dataclass
class DoubletFile(ABC):
    """An open doublet file. A context manager; also closed by `close`.

    Attributes
    ----------
    path
        The file.
    provenance
        How it was made: software versions, seed, command.
    layer_pair_names
        Name of each layer pair.
    index
        Label, event, split, layer pair and region of every doublet.
    """

    path: Path
    provenance: Mapping[str, Any]
    layer_pair_names: tuple[str, ...]
    index: Index = field(repr=False)

    def __enter__(self) -> DoubletFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def read(self, indices: NDArray[np.int64]) -> Doublets:
        """Read the doublets at `indices` (int64 [n], any order, repeats allowed).

        Raises
        ------
        LeveloneError
            If an index is outside the file.
        """

    @property
    def splits(self) -> dict[str, int]:
        """Number of doublets in each split."""
        return split_sizes(self.index.split)

    def events(self, split: str) -> NDArray[np.int64]:
        """Numbers of the events of a split, ascending."""
        return np.unique(self.index.event[self.index.split == _split_code(split)])

    def checked(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Indices as int64 after checking that they lie in the file."""
        indices = np.asarray(indices, dtype=np.int64).reshape(-1)
        outside = (indices < 0) | (indices >= self.index.label.size)
        if outside.any():
            last = self.index.label.size - 1
            raise LeveloneError(f"{self.path}: doublet index {indices[outside][0]} is outside 0 to {last}")
        return indices

    def batch(
        self, indices: NDArray[np.int64], images: NDArray[np.float32], features: NDArray[np.float32]
    ) -> Doublets:
        """Images and features of the doublets at `indices`, with what the index knows of them."""
        return Doublets(
            images=images,
            features=features,
            label=self.index.label[indices],
            event=self.index.event[indices],
            layer_pair=self.index.layer_pair[indices],
            region=self.index.region[indices],
            layer_pair_names=self.layer_pair_names,
        )

    def labels(self, split: str) -> NDArray[np.uint8]:
        """Labels of all doublets of a split, in file order."""
        return self.index.label[self.index.split == _split_code(split)]

    def select(
        self,
        split: str,
        mixture: Mixture = "natural",
        limit: int | None = None,
        seed: int = 0,
    ) -> NDArray[np.int64]:
        """Choose doublets without reading them.

        Parameters
        ----------
        split
            ``"train"``, ``"validation"`` or ``"test"``. Splits share no event.
        mixture
            ``"natural"``: as the detector gives them. ``"balanced"``: within every layer pair as many true as
            fake doublets, drawn without repetition.
        limit
            At most this many, drawn at random without repetition (``"balanced"`` stays balanced).
        seed
            Of the draw.

        Returns
        -------
        numpy.ndarray
            int64 indices in ascending order.

        Raises
        ------
        LeveloneError
            If an argument is unknown, or the split lacks true or fake doublets.
        """
        chosen = np.flatnonzero(self.index.split == _split_code(split))
        label = self.index.label[chosen]
        for value, name in ((1, "true"), (0, "fake")):
            if not (label == value).any():
                raise LeveloneError(
                    f"{self.path}: the {split} split has no {name} doublets ({chosen.size} doublets in all)",
                    hint="simulate more events, or check the labels of the file",
                )
        rng = np.random.default_rng([seed, _split_code(split)])
        if mixture == "balanced":
            return self._balanced(chosen, limit, rng)
        if mixture != "natural":
            raise LeveloneError(f"unknown mixture '{mixture}'; expected natural or balanced")
        if limit is not None and limit < chosen.size:
            chosen = np.sort(rng.choice(chosen, limit, replace=False))
        return chosen.astype(np.int64)

    def _balanced(
        self, chosen: NDArray[np.intp], limit: int | None, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        pairs = len(self.layer_pair_names)
        order = rng.permutation(chosen)
        label, pair = self.index.label[order], self.index.layer_pair[order]
        counts = np.bincount(pair * 2 + label, minlength=2 * pairs).reshape(pairs, 2)
        quota = counts.min(axis=1)
        total = int(quota.sum())
        if total == 0:
            raise LeveloneError(f"{self.path}: no layer pair has both true and fake doublets")
        if limit is not None and limit < 2 * total:
            # Largest remainders: the sum is exactly limit // 2, whatever the shares of the layer pairs.
            share = quota * (limit // 2) / total
            quota = np.floor(share).astype(np.int64)
            rest = limit // 2 - int(quota.sum())
            quota[np.argsort(share - quota, kind="stable")[::-1][:rest]] += 1
        # Rank of each doublet among those of its layer pair and label, in the random order.
        group = pair * 2 + label
        by_group = np.argsort(group, kind="stable")
        first = np.cumsum(counts.ravel()) - counts.ravel()
        rank = np.empty(order.size, np.int64)
        rank[by_group] = np.arange(order.size) - first[group[by_group]]
        return np.sort(order[rank < quota[pair]]).astype(np.int64)


def _split_code(split: str) -> int:
    if split not in SPLITS:
        raise LeveloneError(f"unknown split '{split}'; expected one of: {', '.join(SPLITS)}")
    return SPLITS.index(split)


def sample_path() -> Path:
    """Path of the sample that ships with levelone."""
    return Path(str(files("levelone.data") / "sample" / "pixelseed.h5"))
