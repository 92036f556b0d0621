"""PixelSeed: decides whether two pixel hits on neighbouring layers come from the same particle.

The smallest complete system, and the pattern for the next one: a data file, network inputs, a network, a
baseline, a default recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError, nearest
from levelone.recipe import Recipe, parse_section
from levelone.simulate.pixelseed.section import PixelSeedGenerate
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.system import Mixture, Reach, Sample, Scorer, Split
from levelone.zoo.pixelseed.features import (
    FEATURES,
    PLAIN_SUMMARY,
    SUMMARY,
    expert_features,
    summary_features,
    with_lengths,
)
from levelone.zoo.pixelseed.section import IMAGE_SHAPE, PixelSeedModel, check_sizes

if TYPE_CHECKING:
    from torch import nn

    from levelone.quant.layers import Layers
    from levelone.zoo.pixelseed.network import PixelSeedNetwork

SATURATION_KE = np.float32(60.0)
"""Where the front end's charge measurement saturates (a typical pixel of a track holds 25 ke).
Without it, the large charges of rare delta electrons would make the steps of the image quantiser coarse."""
DEFAULT_RECIPE = Path(__file__).parent / "recipes" / "default.toml"
GENERATOR = Generator(
    "levelone.simulate.pixelseed.generator",
    "simulate_pixelseed",
    PixelSeedGenerate,
    packages=("pyacts", "pythia8mc", "numpy"),
)
"""Collisions come from the extra [sim]."""

MIN_BASELINE = 20
"""Training doublets of each class that the baseline needs: it sets a tenth aside to know when to stop."""


@dataclass(frozen=True)
class PixelSeed:
    """The PixelSeed system; see `levelone.zoo.kit.system.System`."""

    name: str = "pixelseed"
    title: str = "Pixel doublets: do both hits come from the same particle?"
    outputs: tuple[str, ...] = ("logit",)
    default_recipe: Path = DEFAULT_RECIPE
    generator: Generator = field(default=GENERATOR)
    golden_events: int = 256

    def sample_file(self) -> Path:
        from levelone.data.doublets import sample_path

        return sample_path()

    def provenance(self, path: Path) -> dict[str, Any]:
        from levelone.data.opening import open_doublets

        with open_doublets(path) as file:
            return dict(file.provenance)

    def check_data(self, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Refuse a file before any training if a split lacks a class."""
        counts = {}
        splits: tuple[Split, ...] = ("train", "validation", "test")
        for split in splits:
            found = self.load(recipe, path, split, mixture="natural", limit=2000, seed=0)
            fraction = float(found.target.mean())
            if fraction in (0.0, 1.0):
                present = "true" if fraction else "fake"
                raise LeveloneError(
                    f"{path}: the {split} candidates looked at are all {present}; both classes are needed",
                    hint="simulate more events",
                )
            counts[f"{split} true fraction"] = round(fraction, 3)
        return counts

    def reach(self, recipe: Recipe) -> Reach:
        return "firmware"

    def model_section(self, recipe: Recipe) -> PixelSeedModel:
        """The validated model section.

        Raises
        ------
        LeveloneError
            If a key is unknown or wrong, a layer named in ``[quant]`` or ``[hls]`` does not exist, an input
            port has no width, or the sizes do not fit together.
        """
        section = parse_section(PixelSeedModel, recipe.model, "recipe", at=("model",))
        named = [("quant", layer) for layer in recipe.quant.layers]
        named += [("hls", layer) for layer in recipe.hls.layers]
        for where, layer in named:
            if layer not in section.layer_names():
                raise LeveloneError(
                    f"recipe: {where}.layers.{layer}: the network has no layer of that name",
                    hint=nearest(layer, list(section.layer_names())),
                )
        ports = list(self._shapes())
        for port in recipe.quant.inputs:
            if port not in ports:
                raise LeveloneError(
                    f"recipe: quant.inputs.{port}: the network has no input of that name",
                    hint=nearest(port, ports),
                )
        for port in ports:
            if port not in recipe.quant.inputs:
                raise LeveloneError(
                    f"recipe: quant.inputs.{port} is missing",
                    hint=f"add its bit width, for example {port} = 4",
                )
        check_sizes(section)
        return section

    def input_shapes(self, recipe: Recipe) -> dict[str, tuple[int, ...]]:
        return self._shapes()

    def load(
        self,
        recipe: Recipe,
        path: Path,
        split: Split,
        *,
        mixture: Mixture,
        limit: int | None = None,
        seed: int = 0,
    ) -> Sample:
        from levelone.data.doublets import FEATURE_NAMES, REGIONS
        from levelone.data.opening import open_doublets

        with open_doublets(path) as file:
            rows = file.select(split, mixture=mixture, limit=limit, seed=seed)
            if len(rows) == 0:
                raise LeveloneError(f"{path}: split {split!r} has no {mixture} doublets")
            doublets = file.read(rows)
        columns = {name: doublets.features[:, column] for column, name in enumerate(FEATURE_NAMES)}
        raw = with_lengths(columns, doublets.images)
        return Sample(
            inputs={"images": np.minimum(doublets.images, SATURATION_KE), "features": expert_features(raw)},
            target=doublets.label,
            event=doublets.event,
            group=doublets.layer_pair.astype(np.int32),
            region=doublets.region,
            group_names=doublets.layer_pair_names,
            region_names=tuple(REGIONS),
            summary=summary_features(raw, doublets.images),
        )

    def group_counts(self, path: Path, split: Split) -> NDArray[np.int64]:
        """How many of a whole split are background and signal in each group, [groups, 2]."""
        from levelone.data.doublets import SPLITS
        from levelone.data.opening import open_doublets

        with open_doublets(path) as file:
            index, groups = file.index, len(file.layer_pair_names)
            chosen = index.split == SPLITS.index(split)
            cell = index.layer_pair[chosen].astype(np.int64) * 2 + index.label[chosen]
        return np.bincount(cell, minlength=2 * groups).reshape(groups, 2)

    def build_float(self, recipe: Recipe) -> PixelSeedNetwork:
        from levelone.quant.layers import FloatLayers

        return self._build(recipe, FloatLayers())

    def build_quantised(self, recipe: Recipe) -> PixelSeedNetwork:
        from levelone.quant.layers import QuantLayers

        return self._build(recipe, QuantLayers(recipe.quant))

    def load_module(self, recipe: Recipe, path: Path) -> nn.Module:
        from levelone.quant.state import load_state

        module = self.build_quantised(recipe)
        load_state(module, path)
        return module.eval()

    def published(self) -> dict[str, Any]:
        return {
            "source": "PixelSeed reference on CMS simulation, another data set than any used here",
            "efficiency": {"50": 0.99900, "75": 0.99052, "90": 0.92221, "99": 0.33867},
        }

    def fit_baselines(self, recipe: Recipe, train: Sample) -> dict[str, Scorer]:
        """Classical classifiers by name, trained on `Sample.summary`; one is called ``baseline``.

        ``baseline`` is the one to beat: it knows what a conventional selection would know. Others show what
        part of a difference comes from which information.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier

        fewest = int(np.bincount(train.target, minlength=2).min())
        if fewest < MIN_BASELINE:
            raise LeveloneError(
                f"data.max_train: {len(train)} training doublets hold {fewest} of one class; "
                f"the baseline needs {MIN_BASELINE} of each",
                hint="raise data.max_train, or use a file with more events",
            )

        def fit(columns: int) -> Scorer:
            model = HistGradientBoostingClassifier(
                max_iter=400, early_stopping=True, n_iter_no_change=20, random_state=recipe.seed
            )
            model.fit(train.summary[:, :columns], train.target)
            return lambda sample: np.asarray(model.decision_function(sample.summary[:, :columns]), np.float32)

        return {"baseline": fit(PLAIN_SUMMARY), "baseline_profile": fit(len(SUMMARY))}

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {"images": IMAGE_SHAPE, "features": (len(FEATURES),)}

    def _build(self, recipe: Recipe, layers: Layers) -> PixelSeedNetwork:
        from levelone.zoo.pixelseed.network import PixelSeedNetwork

        return PixelSeedNetwork(layers, self.model_section(recipe), features=len(FEATURES))
