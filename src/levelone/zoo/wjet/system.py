"""wjet: is a jet that of a W boson, or of a quark or gluon? 25 x 25 pixels of a trimmed jet.

The jets have the mass of a W and transverse momenta of 250 to 300 GeV, spread evenly in both classes, so that
neither tells much: how the energy is shared inside decides (jet images, arXiv:1511.05190).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from levelone.panels import Panel
from levelone.recipe import Recipe, Section
from levelone.simulate.wjet.section import WJetGenerate
from levelone.zoo.kit.control import LeakControl
from levelone.zoo.kit.distillation import Teacher
from levelone.zoo.kit.events import Events, MemorySource, Predictor, Source, Split
from levelone.zoo.kit.generator import Generator
from levelone.zoo.kit.jets import INPUT, JetSystem
from levelone.zoo.kit.meter import Truth, split_kept
from levelone.zoo.kit.pooled import PooledModel
from levelone.zoo.kit.tagging import TaggingMeter, everywhere
from levelone.zoo.kit.taggingpanels import Wording
from levelone.zoo.wjet.panels import WORDING, example_panels, panels
from levelone.zoo.wjet.section import SHAPE, WJetModel

NARROW_GEV = (75.0, 85.0)
"""Masses between which mass says little more."""


class WJet(JetSystem):
    """The system wjet; see `levelone.zoo.kit.system.System`."""

    name: ClassVar[str] = "wjet"
    title: ClassVar[str] = "Jet images: a W boson, or a quark or gluon?"
    section: ClassVar[type[Section]] = WJetModel
    wording: ClassVar[Wording] = WORDING
    generator: ClassVar[Generator] = Generator(
        "levelone.simulate.wjet.generator",
        "simulate_wjet",
        WJetGenerate,
        packages=("pythia8mc", "fastjet", "numpy"),
    )

    def shape(self, section: PooledModel) -> tuple[int, int, int]:
        return SHAPE

    def source(self, recipe: Recipe, path: Path, split: Split, limit: int | None = None) -> MemorySource:
        from levelone.zoo.wjet.source import read_jets

        return read_jets(path, split, limit, _model(recipe).pixels)

    def fit_baselines(self, recipe: Recipe, train: Source) -> dict[str, Predictor]:
        """Boosted trees on mass, tau21 and distance of the subjets, each alone and together, and on all."""
        from levelone.zoo.wjet.baselines import fit_all

        return fit_all(train, recipe.seed)

    def teacher(self, recipe: Recipe) -> Teacher:
        """Trees on all `FEATURES`."""
        from levelone.zoo.wjet.baselines import BASELINES, view

        return Teacher(view(BASELINES["boosting"]), "label")

    def leak_control(self, recipe: Recipe, train: Source) -> LeakControl:
        """Towers without their places."""
        from levelone.zoo.wjet.baselines import fit_control

        return fit_control(train, recipe.seed)

    def meter(self, recipe: Recipe, train: Source) -> TaggingMeter:
        kept = ("pt", "mass", "tau1", "tau2", "dr")
        return TaggingMeter((INPUT, SHAPE), kept, _regions, recipe.seed, _unit(recipe))

    def panels(self, metrics: Mapping[str, Any], kept: Mapping[str, NDArray[Any]]) -> list[Panel]:
        return panels(metrics, *split_kept(kept))

    def examples(self, recipe: Recipe, events: Events) -> list[Panel]:
        return example_panels(events.inputs[INPUT][:, 0], events.truth["label"], _unit(recipe))

    def published(self) -> dict[str, Any]:
        return {
            "source": "jet images, L. de Oliveira et al., JHEP 07 (2016) 069, arXiv:1511.05190; its "
            "curves could not be read, so that no figure of it is quoted"
        }


def _regions(truth: Truth) -> dict[str, NDArray[Any]]:
    """All jets, and those whose mass is in a narrow range."""
    low, high = NARROW_GEV
    mass = truth["mass"]
    return everywhere(truth) | {f"mass {low:g} to {high:g} GeV": (mass >= low) & (mass <= high)}


def _model(recipe: Recipe) -> WJetModel:
    return WJetModel.model_validate(recipe.model)


def _unit(recipe: Recipe) -> str:
    """Of a pixel's transverse momentum, as it enters the network."""
    return "square root of GeV" if _model(recipe).pixels == "root" else "16 GeV"
