"""What the report shows of W jets and of how well models tell them from others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.panels import Axes, Panel
from levelone.simulate.wjet.events import CLASSES
from levelone.zoo.kit.meter import Predictions, Truth
from levelone.zoo.kit.taggingpanels import (
    Wording,
    average_images,
    distribution,
    outputs_of_networks,
    rejection_curves,
    some_of_each,
    tables,
)
from levelone.zoo.wjet.features import CELL

WORDING = Wording(
    classes=CLASSES,
    signal="W jets",
    background="quark and gluon jets",
    others="other jets",
    models={
        "boosting": "boosting on everything a person computes",
        "plain": "mass, tau21 and distance, boosted",
        "mass": "mass",
        "tau21": "tau21",
        "dr": "distance of the subjets",
        "momentum": "transverse momentum",
    },
    image=Axes("pseudorapidity from the hardest subjet, turned", "azimuth from it, turned"),
    cell=(CELL, CELL),
    classical="tau21",
)


def panels(metrics: Mapping[str, Any], predictions: Predictions, truth: Truth) -> list[Panel]:
    """Rejection curves, tables, average images, distributions of quantities and of the logit."""
    shown = {
        "mass of the trimmed jet (GeV)": truth["mass"],
        "tau21": truth["tau2"] / np.maximum(truth["tau1"], 1e-9),
        "distance of the two subjets": truth["dr"],
    }
    where = "the hardest subjet in the middle, the second one below."
    return [
        rejection_curves(WORDING, predictions, truth),
        *tables(WORDING, metrics),
        *average_images(WORDING, truth, ("test jets",), where),
        *(distribution(WORDING, axis, values, truth) for axis, values in shown.items()),
        outputs_of_networks(WORDING, predictions, truth),
    ]


def example_panels(images: NDArray[np.float32], label: NDArray[Any], unit: str) -> list[Panel]:
    """A few jets of each class, as they enter the network."""
    return some_of_each(
        WORDING, images, label, "Test jets as they enter the network: turned and mirrored.", unit
    )
