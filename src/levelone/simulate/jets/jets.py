"""Jets with their images and what is known of them as a whole, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Jets:
    """n jets.

    Attributes
    ----------
    image
        uint16 [n, channels, rows, columns].
    columns
        [n] each, by name.
    """

    image: NDArray[np.uint16]
    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.image)

    def at(self, rows: NDArray[np.int64]) -> Jets:
        """Some of them, in this order."""
        return Jets(self.image[rows], {name: values[rows] for name, values in self.columns.items()})


def join_jets(parts: Sequence[Jets]) -> Jets:
    """Several sets of jets as one."""
    columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
    return Jets(np.concatenate([part.image for part in parts]), columns)
