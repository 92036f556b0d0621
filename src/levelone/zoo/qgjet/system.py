"""qgjet: is a jet that of a light quark, or of a gluon? 33 x 33 pixels in three colours.

The jets have transverse momenta of 200 to 220 GeV, spread evenly in both classes, so that it tells nothing:
how many particles there are, and how far apart, decides (jet images in colour, arXiv:1612.01551). Signal are
the quarks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from levelone.data.opening import Reader
from levelone.panels import Panel
from levelone.recipe import Recipe, Section
from levelone.simulate.qgjet.events import SIZE
from levelone.simulate.qgjet.section import QGJetGenerate
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import Events, MemorySource, Predictor, Source, Split
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.jets import INPUT, JetSystem
from levelone.zoo.kit.meter import split_kept
from levelone.zoo.kit.pooled import PooledModel
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.kit.tagging import TaggingMeter, everywhere
from levelone.zoo.kit.taggingpanels import Wording
from levelone.zoo.qgjet.baselines import FIVE
from levelone.zoo.qgjet.energyflow import READER
from levelone.zoo.qgjet.panels import WORDING, example_panels, panels
from levelone.zoo.qgjet.section import QGJetModel


class QGJet(JetSystem):
    """The system qgjet; see `levelone.zoo.kit.system.System`."""

    name: ClassVar[str] = "qgjet"
    title: ClassVar[str] = "Jet images in three colours: a quark, or a gluon?"
    section: ClassVar[type[Section]] = QGJetModel
    wording: ClassVar[Wording] = WORDING
    readers: ClassVar[tuple[Reader, ...]] = (READER,)
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.qgjet.generator",
        "simulate_qgjet",
        QGJetGenerate,
        packages=("pythia8mc", "fastjet", "numpy"),
    )

    def shape(self, section: PooledModel) -> tuple[int, int, int]:
        return len(cast(QGJetModel, section).channels), SIZE, SIZE

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> MemorySource:
        from levelone.zoo.qgjet.source import read_jets

        return read_jets(path, split, limit, _model(recipe), self.readers)

    def augment(self, recipe: Recipe, events: Events, rng: np.random.Generator) -> Events:
        """Half of the jets are mirrored in pseudorapidity, half in azimuth, in half both are exchanged."""
        if not _model(recipe).mirror:
            return events
        symmetry = SquareSymmetry.draw(len(events), rng)
        return Events({INPUT: symmetry.of(events.inputs[INPUT])}, events.truth)

    def rivals(self, recipe: Recipe) -> dict[str, Recipe]:
        """The same network on one colour: what colour brings."""
        if _model(recipe).colours == "grey":
            return {}
        return {"grey": recipe.model_copy(update={"model": dict(recipe.model) | {"colours": "grey"}})}

    def seen_by(self, rival: Recipe, events: Events) -> Events:
        from levelone.zoo.qgjet.source import greyed

        return Events({INPUT: greyed(events.inputs[INPUT], _model(rival))}, events.truth)

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Boosted trees on charged multiplicity and girth, each alone, on five quantities, and on all."""
        from levelone.zoo.qgjet.baselines import fit_all

        return fit_all(train, recipe.seed)

    def teacher(self, recipe: Recipe) -> Teacher:
        """Trees on everything that is computed of a jet."""
        from levelone.zoo.qgjet.baselines import BASELINES, view

        return Teacher(view(BASELINES["boosting"]), "label")

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Pixels without their places."""
        from levelone.zoo.qgjet.baselines import fit_control

        return fit_control(train, recipe.seed)

    def meter(self, recipe: Recipe, train: Source) -> TaggingMeter:
        unit = _unit(recipe) if _model(recipe).colours == "grey" else f"{_unit(recipe)}; particles"
        return TaggingMeter((INPUT, self.shape(_model(recipe))), ("pt", *FIVE), everywhere, recipe.seed, unit)

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        return panels(metrics, *split_kept(kept))

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        return example_panels(events.inputs[INPUT], events.truth["label"], _unit(recipe))

    def published(self) -> dict[str, Any]:
        return {
            "source": "J. Gallicchio, M. Schwartz, JHEP 04 (2013) 090, arXiv:1211.7038, abstract: at 50 % "
            "of the quark jets 80 to 90 % of the gluon jets can be rejected, a rejection of 5 to 10",
            "rejection_at_50_percent": [5, 10],
        }


def _model(recipe: Recipe) -> QGJetModel:
    return QGJetModel.model_validate(recipe.model)


def _unit(recipe: Recipe) -> str:
    """Of a pixel's transverse momentum, as it enters the network."""
    return "square root of GeV" if _model(recipe).pixels == "root" else "1/16 of the jet"
