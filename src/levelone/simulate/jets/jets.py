"""Jets with their images and what is known of them as a whole, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IMAGES = "images/"


@dataclass(frozen=True, eq=False)
class Jets:
    """n jets.

    Attributes
    ----------
    images
        [n, channels, rows, columns] each, by name.
    columns
        [n] each, by name; `label` is the class.
    """

    images: Mapping[str, NDArray[Any]]
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["label"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of them by a name of their own, as `of` takes them."""
        images = {f"{_IMAGES}{name}": values for name, values in self.images.items()}
        return images | dict(self.columns)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Jets:
        """The jets of `arrays`."""
        images = {n.removeprefix(_IMAGES): values for n, values in arrays.items() if n.startswith(_IMAGES)}
        return cls(images, {n: values for n, values in arrays.items() if not n.startswith(_IMAGES)})

    def at(self, rows: NDArray[np.int64]) -> Jets:
        """Some of them, in this order."""
        images, columns = (
            {name: values[rows] for name, values in held.items()} for held in (self.images, self.columns)
        )
        return Jets(images, columns)


def join_jets(parts: Sequence[Jets]) -> Jets:
    """Several sets of jets as one."""
    images, columns = (
        {name: np.concatenate([part[name] for part in several]) for name in several[0]}
        for several in ([part.images for part in parts], [part.columns for part in parts])
    )
    return Jets(images, columns)
