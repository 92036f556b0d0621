"""PixelSeed with candidates that are made up on the spot, for tests of everything behind the data."""

from __future__ import annotations

import numpy as np

from levelone.recipe import Recipe, parse_recipe
from levelone.zoo.kit.events import MemorySource
from levelone.zoo.pixelseed.features import FEATURES
from levelone.zoo.pixelseed.source import log_odds
from levelone.zoo.pixelseed.system import PixelSeed

RECIPE = """
system = "pixelseed"
seed = 5
[data]
max_train = 6000
max_validation = 1500
max_test = 2000
[model]
image_dense = 6
dense = [8]
convolutions = [{ channels = 4, kernel = [4, 4], stride = [4, 4], padding = [0, 0] }]
[quant]
inputs = { images = 4, features = 6 }
default = { weight = 4, bias = 10, activation = 4 }
[train]
batch_size = 256
float_epochs = 4
quantised_epochs = 4
"""


def recipe(*overrides: str) -> Recipe:
    return parse_recipe(RECIPE, "test recipe", overrides)


def made_up(n: int, seed: int) -> MemorySource:
    rng = np.random.default_rng(seed)
    images = rng.exponential(15, (n, 2, 16, 16)) * (rng.random((n, 2, 16, 16)) < 0.03)
    features = rng.normal(size=(n, len(FEATURES))).clip(-4, 4)
    group = rng.integers(0, 3, n)
    hidden = features[:, 0] + features[:, 1] * features[:, 2] + images.sum((1, 2, 3)) / 150 - 1 + group - 1
    target = rng.random(n) < 1 / (1 + np.exp(-2 * hidden))
    return MemorySource(
        inputs={"images": images.astype(np.float16), "features": features.astype(np.float32)},
        truth={
            "target": target.astype(np.uint8),
            "event": rng.integers(0, 12, n),
            "group": group.astype(np.int32),
            "region": group.astype(np.uint8),
            "abundance": log_odds(np.array([[10, 1], [3, 3], [1, 5]]))[group],
            "summary": features.astype(np.float32),
        },
    )


class FakePixelSeed(PixelSeed):
    """Its data file is only a name; limits of the recipe are the sizes of the samples."""

    def source(self, recipe, path, split, limit=None) -> MemorySource:
        return made_up(limit, {"train": 1, "validation": 2, "test": 3}[split])


FAKE = FakePixelSeed()
