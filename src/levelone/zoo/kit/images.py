"""Events of a `levelone-images` file: images, truth per pixel, lists and numbers, streamed from disk."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.recipe import Recipe
from levelone.zoo.kit.events import SPLITS, Events, Split
from levelone.zoo.kit.imagefiles import hold_to
from levelone.zoo.kit.streamed import FileSource, named, refuse_missing
from levelone.zoo.kit.system import System

if TYPE_CHECKING:
    from levelone.data.images import ImageBatch
    from levelone.data.opening import ImageEvents
    from levelone.simulate.imagerun import Layout

Padded = Mapping[str, NDArray[np.float32]]
"""List name -> [n, longest list of the file, columns]: NaN behind the end of each."""


@dataclass(frozen=True)
class ImageSource(FileSource):
    """One split of an image file.

    Attributes
    ----------
    lists
        List name -> columns that are read.
    prepare
        From what is read, and its lists filled up, to what enters the network, the loss and the meter.
    """

    lists: Mapping[str, tuple[str, ...]]
    prepare: Callable[[ImageBatch, Padded], Events]

    def opened(self) -> ImageEvents:
        from levelone.data.opening import open_image_events

        return open_image_events(self.path)

    def read(
        self, file: ImageEvents, size: int, order: tuple[int, int] | None, skip: int
    ) -> Iterator[Events]:
        longest = {name: int(file.listed(name).lengths.max(initial=0)) for name in self.lists}
        for batch in file.batches(self.split, size, seed=order, limit=self.limit, skip=skip):
            padded = {
                name: batch.lists[name].padded(columns, longest[name]) for name, columns in self.lists.items()
            }
            with named(self.path):
                prepared = self.prepare(batch, padded)
            yield prepared


class ImageSystem(System):
    """A system whose events lie in a `levelone-images` file.

    Attributes
    ----------
    images, maps, columns
        What is read for every event.
    lists
        List name -> columns that are read.
    """

    images: ClassVar[tuple[str, ...]]
    maps: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    columns: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def layout(self, recipe: Recipe) -> Layout:
        """What the files hold that the generator writes for this recipe; other files are held to it."""

    @abstractmethod
    def prepare(self, recipe: Recipe, batch: ImageBatch, lists: Padded) -> Events:
        """Network inputs and truth of a batch: fixed scaling only, nothing fitted to data."""

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> ImageSource:
        """The first `limit` events of a split, streamed from disk; events are independent."""
        return ImageSource(path, split, limit, self.lists, partial(self.prepare, recipe))

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.opening import open_image_events

        with open_image_events(path) as file:
            return dict(file.provenance)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a file before any training: something missing or of another kind, an empty split."""
        from levelone.data.opening import open_image_events

        layout = self.layout(recipe)
        with open_image_events(path) as file:
            refuse_missing(self.name, path, "image", self.images, tuple(file.images))
            refuse_missing(self.name, path, "map", self.maps, tuple(file.maps))
            refuse_missing(self.name, path, "list", tuple(self.lists), tuple(file.lists))
            refuse_missing(self.name, path, "truth column", self.columns, tuple(file.columns))
            for name, columns in self.lists.items():
                held = tuple(column.name for column in file.lists[name].columns)
                refuse_missing(self.name, path, f"column of list '{name}'", columns, held)
            section = self.section.model_validate(recipe.model)
            hold_to(self.name, section, path, file, layout, {*self.images, *self.maps}, self.columns)
            sizes = file.splits
        return super().check_data(recipe, path) | {f"{split} events": sizes[split] for split in SPLITS}
